"""What is known about one model of authenticator (FIDO Metadata Service 3.1 §3.1.1; FIDO Metadata Statement 3.1 §4)."""

import binascii
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.attestation.certificates import has_readable_extensions, load_certificate
from ostiary.passkeys.metadata.status import StatusReport, StatusVerdict, judge_status
from ostiary.passkeys.reasons import CeremonyError


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataEntry:
    """The facts policy needs of one entry and its statement. Absent members have the value the specification gives.

    An entry is for an AAGUID (FIDO2) or for attestation certificates by their key identifiers (U2F). ``is_local`` marks
    a statement of the organisation's own. Words are the schema's: ``basic_full``, ``secure_element``, ``FIDO_2_1``.
    """

    aaguid: Aaguid | None
    key_identifiers: frozenset[str]
    description: str
    protocol_family: str
    attestation_types: frozenset[str]
    key_protection: frozenset[str]
    matcher_protection: frozenset[str]
    is_key_restricted: bool
    multi_device_credentials: str
    user_verification_methods: frozenset[str]
    versions: frozenset[str]
    extensions: frozenset[str]
    options: frozenset[str]
    client_pin_option: bool
    encoded_roots: tuple[str, ...]
    icon: str | None
    status_reports: tuple[StatusReport, ...]
    is_local: bool = False

    @property
    def attestation_roots(self) -> tuple[x509.Certificate, ...]:
        """The anchors of this model, parsed when first asked for; one that does not parse vouches for nothing."""
        roots = (_load_root(encoded) for encoded in self.encoded_roots)
        return tuple(root for root in roots if root is not None)

    @property
    def supports_hmac_secret(self) -> bool:
        """CTAP 2.2 §12.7: also what the ``prf`` extension is made of."""
        return not self.extensions.isdisjoint({"hmac-secret", "prf"})

    @property
    def supports_discoverable_credentials(self) -> bool:
        """CTAP 2.2 §6.4, option ``rk``."""
        return "rk" in self.options

    @property
    def supports_user_verification(self) -> bool:
        """Whether it has a way of its own to verify the user, or a client PIN, set up or not (CTAP 2.2 §6.4).

        Platform authenticators leave both options out and say how in the statement instead.
        """
        return "uv" in self.options or self.client_pin_option or not self.user_verification_methods.isdisjoint(_METHODS)

    @property
    def is_fido2(self) -> bool:
        """FIDO 2.0 or later, as far as the statement says."""
        return self.protocol_family == "fido2" and (
            not self.versions or any(version.startswith("FIDO_2_") for version in self.versions)
        )


# FIDO Registry of Predefined Values §3.1, those that tell one person from another.
_METHODS = frozenset(
    {
        "fingerprint_internal",
        "passcode_internal",
        "passcode_external",
        "voiceprint_internal",
        "faceprint_internal",
        "eyeprint_internal",
        "pattern_internal",
        "pattern_external",
        "handprint_internal",
    }
)


def status_verdict(entry: MetadataEntry, at: datetime) -> StatusVerdict:
    """Whether the model is compromised, certified or neither at the given clock."""
    return judge_status(entry.status_reports, at)


@lru_cache(maxsize=4096)
def _load_root(encoded: str) -> x509.Certificate | None:
    # Statements come with line breaks inside, and some with white space around.
    try:
        certificate = load_certificate(binascii.a2b_base64("".join(encoded.split()), strict_mode=True))
    except (ValueError, CeremonyError):
        return None
    return certificate if has_readable_extensions(certificate) else None
