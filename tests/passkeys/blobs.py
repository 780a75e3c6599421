"""A metadata service of our own, for tests: payloads in the schema's shape, and BLOBs that are really signed."""

import base64
from collections.abc import Sequence
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.passkeys import statements
from tests.software_authenticator import JSON, AttestationAuthority, PrivateKey, generate_key

HOST: Final = "mds.fidoalliance.org"


def encoded(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def statement(*, roots: Sequence[x509.Certificate] = (), **members: Any) -> JSON:
    """A metadata statement (FIDO Metadata Statement 3.1 §4)."""
    return {
        "legalHeader": "none",
        "description": "Example Key",
        "protocolFamily": "fido2",
        "schema": 3,
        "attestationTypes": ["basic_full"],
        "userVerificationDetails": [[{"userVerificationMethod": "passcode_external", "caDesc": {"base": 64}}]],
        "keyProtection": ["hardware", "secure_element"],
        "matcherProtection": ["on_chip"],
        "attestationRootCertificates": [encoded(root) for root in roots],
        "authenticatorGetInfo": {
            "versions": ["U2F_V2", "FIDO_2_0", "FIDO_2_1"],
            "extensions": ["hmac-secret", "credProtect"],
            "options": {"rk": True, "up": True, "plat": False, "clientPin": False},
        },
        **members,
    }


def entry(aaguid: str, *, status: Sequence[JSON] | None = None, **members: Any) -> JSON:
    """A FIDO2 entry; ``members`` are those of its statement."""
    certified = [{"status": "FIDO_CERTIFIED_L1", "effectiveDate": "2024-01-01"}]
    return {
        "aaguid": aaguid,
        "metadataStatement": statement(aaguid=aaguid, **members),
        "statusReports": certified if status is None else list(status),
        "timeOfLastStatusChange": "2024-01-01",
    }


def u2f_entry(*identifiers: str, **members: Any) -> JSON:
    """A U2F entry by the key identifiers of its attestation certificates."""
    return {
        "attestationCertificateKeyIdentifiers": list(identifiers),
        "metadataStatement": statement(
            **{"protocolFamily": "u2f", "attestationCertificateKeyIdentifiers": list(identifiers), **members}
        ),
        "statusReports": [],
        "timeOfLastStatusChange": "2024-01-01",
    }


def payload(*entries: Any, **members: Any) -> JSON:
    return {
        "legalHeader": "Terms apply.",
        "no": 7,
        "nextUpdate": "2026-07-01",
        "entries": list(entries),
        **members,
    }


class Service:
    """A root, a certificate for the service's host, and its key."""

    def __init__(
        self, *, host: str = HOST, rsa: bool = False, through_intermediate: bool = False, **faults: Any
    ) -> None:
        self.authority = AttestationAuthority(common_name="Example Metadata Root")
        issuer = self.authority.intermediate() if through_intermediate else self.authority
        chain = [issuer.certificate] if through_intermediate else []
        self.key: PrivateKey = generate_key(-257 if rsa else -7)
        self.algorithm = "RS256" if rsa else "ES256"
        self.x5c = statements.certify(issuer, self.key, statements.host_certificate(host), faults, chain=chain)

    @property
    def root(self) -> x509.Certificate:
        return self.authority.certificate

    def sign(self, content: object, **arguments: Any) -> bytes:
        return statements.compact(content, self.key, self.x5c, **{"algorithm": self.algorithm, **arguments})
