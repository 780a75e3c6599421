"""Which anchors may vouch for which model: metadata, our own Authenticator CA and an administrator's roots together.

``verify_registration`` takes anchors and asks no further, so the choice is made before it:

    anchors = store.anchors_of(response)
    facts = verify_registration(response=response, trust_anchors=anchors, ...)

The AAGUID and the format are read from the response as claimed, and the anchors are those of that claim alone. If it is
a lie, the certificates do not lead to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.attestation import fido_u2f, none
from ostiary.passkeys.attestation.certificates import key_identifiers_of, parse_chain
from ostiary.passkeys.metadata.metadata import NO_METADATA, Metadata
from ostiary.passkeys.reasons import CeremonyError
from ostiary.passkeys.responses import RegistrationResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedRoot:
    """A root we were given beside the metadata, and what it may vouch for.

    ``aaguids=None`` is a root without a list, for makers that publish none (Apple's, or a TPM maker's): it stands for
    models that nobody else speaks for. An empty set stands for no model. ``formats=None`` is every format.
    """

    certificate: x509.Certificate
    aaguids: frozenset[Aaguid] | None = None
    formats: frozenset[str] | None = None

    def has_format(self, fmt: str) -> bool:
        return self.formats is None or fmt in self.formats


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStore:
    """``own`` are the roots of our Authenticator CA, ``administrator`` those an administrator supplied."""

    metadata: Metadata = NO_METADATA
    own: tuple[TrustedRoot, ...] = ()
    administrator: tuple[TrustedRoot, ...] = ()

    def __post_init__(self) -> None:
        # Our own CA signs our own models: without a list it would speak for everybody's.
        if any(root.aaguids is None for root in self.own):
            raise ValueError("a root of our own names the AAGUIDs it vouches for")

    def anchors_for(
        self, aaguid: Aaguid, fmt: str, *, key_identifiers: Sequence[str] = ()
    ) -> tuple[x509.Certificate, ...]:
        """The anchors that may vouch for a model that attests in this format; none for ``none``.

        An anchor of one vendor is never among those for another's AAGUID. With ``fido-u2f`` the AAGUID is not signed
        and is not looked at: ``key_identifiers`` of the attestation certificate name the model, if any does.
        """
        if fmt == none.IDENTIFIER:
            return ()
        if fmt == fido_u2f.IDENTIFIER:
            entry = self.metadata.entry_of_key_identifiers(key_identifiers)
            listed: list[TrustedRoot] = []
        else:
            entry = self.metadata.entry(aaguid)
            listed = [root for root in self._roots if root.aaguids is not None and aaguid in root.aaguids]
        anchors = [] if entry is None else list(entry.attestation_roots)
        anchors += [root.certificate for root in listed if root.has_format(fmt)]
        if entry is None and not listed:
            anchors += [root.certificate for root in self._roots if root.aaguids is None and root.has_format(fmt)]
        return tuple(dict.fromkeys(anchors))

    def anchors_of(self, response: RegistrationResponse) -> tuple[x509.Certificate, ...]:
        """``anchors_for`` what the response claims. Raises ``CeremonyError`` when it cannot be taken apart."""
        claimed = response.claimed_attestation
        identifiers: tuple[str, ...] = ()
        if claimed.format == fido_u2f.IDENTIFIER and isinstance(claimed.statement, dict):
            try:
                identifiers = key_identifiers_of(parse_chain(claimed.statement.get("x5c"))[0])
            except CeremonyError:
                # Verification will say what is wrong with it.
                return ()
        return self.anchors_for(claimed.aaguid, claimed.format, key_identifiers=identifiers)

    @property
    def _roots(self) -> tuple[TrustedRoot, ...]:
        return self.own + self.administrator
