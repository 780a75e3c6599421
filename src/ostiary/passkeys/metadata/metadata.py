"""All that is known about models: what the FIDO Metadata Service publishes, and statements of one's own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Final, Self

from cryptography import x509

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.attestation.certificates import key_identifiers_of
from ostiary.passkeys.metadata.entry import MetadataEntry
from ostiary.passkeys.metadata.errors import MetadataError, MetadataReason
from ostiary.passkeys.metadata.reading import StatementError, read_date, read_entry, read_object, read_statement
from ostiary.passkeys.metadata.status import StatusReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Entries by AAGUID and by certificate key identifier. Immutable: a newer BLOB makes a new one.

    ``unreadable`` says of each entry that was passed over which it was and why. One odd entry must not take the others
    away; its model is then unknown, which enforcement refuses.
    """

    number: int
    next_update: date | None
    legal_header: str
    unreadable: tuple[str, ...] = ()
    _by_aaguid: Mapping[Aaguid, MetadataEntry] = field(repr=False)
    _by_key_identifier: Mapping[str, MetadataEntry] = field(repr=False)

    @classmethod
    def from_payload(cls, payload: object) -> Self:
        """From the decoded payload of a BLOB (MDS 3.1 §3.1.6). Raises ``MetadataError(malformed_payload)``.

        For a BLOB that somebody else verified; ``verify_blob`` does both.
        """
        try:
            members = read_object(payload)
            number, entries = members.get("no"), members.get("entries")
            if type(number) is not int or number < 0 or not isinstance(entries, list):
                raise StatementError("no number, or no entries")
            next_update = read_date(members.get("nextUpdate"))
        except ValueError as error:
            raise MetadataError(MetadataReason.MALFORMED_PAYLOAD, str(error)) from error
        legal_header = members.get("legalHeader")
        by_aaguid: dict[Aaguid, MetadataEntry] = {}
        by_key_identifier: dict[str, MetadataEntry] = {}
        unreadable = []
        for place, value in enumerate(entries):
            try:
                _add(read_entry(value), by_aaguid, by_key_identifier)
            except ValueError as error:
                unreadable.append(f"entry {place} ({_name(value)}): {error}")
        return cls(
            number=number,
            next_update=next_update,
            legal_header=legal_header if isinstance(legal_header, str) else "",
            unreadable=tuple(unreadable),
            _by_aaguid=MappingProxyType(by_aaguid),
            _by_key_identifier=MappingProxyType(by_key_identifier),
        )

    @property
    def entries(self) -> Iterable[MetadataEntry]:
        """Every entry with an AAGUID."""
        return self._by_aaguid.values()

    def entry(self, aaguid: Aaguid) -> MetadataEntry | None:
        """The entry of a FIDO2 model."""
        return self._by_aaguid.get(aaguid)

    def entry_of_certificate(self, certificate: x509.Certificate) -> MetadataEntry | None:
        """The entry of a U2F model by its attestation certificate: these have no AAGUID that counts."""
        return self.entry_of_key_identifiers(key_identifiers_of(certificate))

    def entry_of_key_identifiers(self, identifiers: Sequence[str]) -> MetadataEntry | None:
        """The entry that the first of these identifiers to be listed names."""
        named = self._by_key_identifier
        return next((named[identifier] for identifier in identifiers if identifier in named), None)

    def is_overdue(self, at: datetime) -> bool:
        """Whether the next BLOB should have been fetched by now (MDS 3.1 §3.2, step 3). Overdue metadata still holds:
        what it says against a model has not become less true."""
        return self.next_update is not None and at.astimezone(UTC).date() > self.next_update

    def with_statement(self, statement: object, *, reports: Iterable[StatusReport] = ()) -> Self:
        """These and a statement of one's own in the same schema, say for the organisation's own authenticator.

        What is published is not replaced: raises ``MetadataError``, ``already_present`` when there is an entry for the
        same model and ``malformed_statement`` when it is not a statement.
        """
        by_aaguid, by_key_identifier = dict(self._by_aaguid), dict(self._by_key_identifier)
        try:
            entry = read_statement(statement, tuple(reports))
        except ValueError as error:
            raise MetadataError(MetadataReason.MALFORMED_STATEMENT, str(error)) from error
        try:
            _add(entry, by_aaguid, by_key_identifier)
        except StatementError as error:
            raise MetadataError(MetadataReason.ALREADY_PRESENT, str(error)) from error
        return replace(
            self,
            _by_aaguid=MappingProxyType(by_aaguid),
            _by_key_identifier=MappingProxyType(by_key_identifier),
        )


NO_METADATA: Final = Metadata(
    number=0,
    next_update=None,
    legal_header="",
    _by_aaguid=MappingProxyType({}),
    _by_key_identifier=MappingProxyType({}),
)
"""Before the first BLOB, or without the service. Local statements can be added to it."""


def _add(
    entry: MetadataEntry, by_aaguid: dict[Aaguid, MetadataEntry], by_key_identifier: dict[str, MetadataEntry]
) -> None:
    """Entries of other protocols (UAF) have neither key and are left out."""
    if entry.aaguid is not None and entry.aaguid in by_aaguid:
        raise StatementError("there is an entry for this AAGUID")
    if not entry.key_identifiers.isdisjoint(by_key_identifier):
        raise StatementError("there is an entry for this key identifier")
    if entry.aaguid is not None:
        by_aaguid[entry.aaguid] = entry
    by_key_identifier.update(dict.fromkeys(entry.key_identifiers, entry))


def _name(value: object) -> str:
    aaguid = value.get("aaguid") if isinstance(value, dict) else None
    return aaguid[:36] if isinstance(aaguid, str) else "without AAGUID"
