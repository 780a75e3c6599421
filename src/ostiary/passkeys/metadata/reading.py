"""From decoded JSON to entries: strict about what is used, silent about members nobody here knows.

Raises ``StatementError``, a ``ValueError``; the callers know which entry it was.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.metadata.entry import MetadataEntry
from ostiary.passkeys.metadata.status import StatusReport

_KEY_IDENTIFIER: Final = re.compile(r"[0-9a-f]{40}", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NOTHING: Final[Mapping[str, Any]] = {}


class StatementError(ValueError):
    """A member that is used is missing, or of the wrong type."""


def read_entry(value: object) -> MetadataEntry:
    """One entry of a BLOB (MDS 3.1 §3.1.1)."""
    entry = read_object(value)
    # The statement may be left out, and what the service says of the status counts all the same.
    statement = read_object(entry.get("metadataStatement", _NOTHING))
    reports = tuple(_read_report(report) for report in _list(entry, "statusReports"))
    return _make(entry, statement, reports)


def read_statement(value: object, reports: tuple[StatusReport, ...] = ()) -> MetadataEntry:
    """A metadata statement on its own (FIDO Metadata Statement 3.1 §4), of an organisation's own authenticator."""
    statement = read_object(value)
    entry = _make(statement, statement, reports, is_local=True)
    if entry.aaguid is None and not entry.key_identifiers:
        raise StatementError("neither an aaguid nor attestationCertificateKeyIdentifiers")
    if not entry.description:
        raise StatementError("no description")
    return entry


def read_date(value: object) -> date:
    """An ISO 8601 date without a time (MDS 3.1 §3.1.6), and no other spelling."""
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        raise StatementError(f"{value!a} is not a date")
    return date.fromisoformat(value)


def read_object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise StatementError("not an object")
    return value


def _make(
    entry: Mapping[str, Any],
    statement: Mapping[str, Any],
    reports: tuple[StatusReport, ...],
    *,
    is_local: bool = False,
) -> MetadataEntry:
    identifiers = frozenset(_strings(entry, "attestationCertificateKeyIdentifiers"))
    if not all(_KEY_IDENTIFIER.fullmatch(identifier) for identifier in identifiers):
        raise StatementError("a key identifier that is not 40 digits of lower-case hex")
    # CTAP 2.2 §6.4: an option that is false is one the authenticator could have and has not, but for the PIN, where it
    # means that none is set yet.
    info = read_object(statement.get("authenticatorGetInfo", _NOTHING))
    options = read_object(info.get("options", _NOTHING))
    return MetadataEntry(
        aaguid=_aaguid(entry, statement),
        key_identifiers=identifiers,
        description=_text(statement, "description"),
        protocol_family=_text(statement, "protocolFamily"),
        attestation_types=frozenset(_strings(statement, "attestationTypes")),
        key_protection=frozenset(_strings(statement, "keyProtection")),
        matcher_protection=frozenset(_strings(statement, "matcherProtection")),
        # FIDO Metadata Statement 3.1 §4: true when missing.
        is_key_restricted=statement.get("isKeyRestricted") is not False,
        multi_device_credentials=_text(statement, "multiDeviceCredentialSupport"),
        user_verification_methods=_methods(statement),
        versions=frozenset(_strings(info, "versions")),
        extensions=frozenset(_strings(info, "extensions")),
        options=frozenset(name for name, value in options.items() if value is True),
        client_pin_option="clientPin" in options,
        encoded_roots=tuple(_strings(statement, "attestationRootCertificates")),
        icon=_text(statement, "icon") or None,
        status_reports=reports,
        is_local=is_local,
    )


def _aaguid(entry: Mapping[str, Any], statement: Mapping[str, Any]) -> Aaguid | None:
    spelled = entry.get("aaguid")
    if spelled is None:
        return None
    if not isinstance(spelled, str) or statement.get("aaguid", spelled) != spelled:
        raise StatementError("the aaguid is no text, or the statement is about another")
    try:
        aaguid = Aaguid.parse(spelled)
    except ValueError as error:
        raise StatementError(str(error)) from error
    if aaguid.is_zero:
        raise StatementError("the zero AAGUID names nobody")
    return aaguid


def _read_report(value: object) -> StatusReport:
    report = read_object(value)
    status, version = _text(report, "status"), report.get("authenticatorVersion")
    if not status:
        raise StatementError("a report without a status")
    return StatusReport(
        status=status,
        effective=_optional_date(report.get("effectiveDate")),
        sunset=_optional_date(report.get("sunsetDate")),
        authenticator_version=version if type(version) is int else None,
        # Called batchCertificate since 3.1.
        certificate=_text(report, "batchCertificate") or _text(report, "certificate") or None,
        url=_text(report, "url") or None,
    )


def _optional_date(value: object) -> date | None:
    return None if value is None else read_date(value)


def _methods(statement: Mapping[str, Any]) -> frozenset[str]:
    """Every method in any of the combinations a statement lists."""
    methods: set[str] = set()
    for combination in _list(statement, "userVerificationDetails"):
        if not isinstance(combination, list):
            raise StatementError("a combination of verification methods is not a list")
        methods.update(_text(read_object(method), "userVerificationMethod") for method in combination)
    return frozenset(methods)


def _list(members: Mapping[str, Any], name: str) -> list[Any]:
    value = members.get(name, [])
    if not isinstance(value, list):
        raise StatementError(f"{name} is not a list")
    return value


def _strings(members: Mapping[str, Any], name: str) -> list[str]:
    values = _list(members, name)
    if not all(isinstance(value, str) for value in values):
        raise StatementError(f"{name} holds something else than text")
    return values


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name, "")
    if not isinstance(value, str):
        raise StatementError(f"{name} is not text")
    return value
