"""What we say ourselves about the models of the Ostiary Authenticator (FIDO Metadata Statement 3.1 §4).

The statements are in the schema of the FIDO Metadata Service, so that everything that judges models judges these alike.
They are there with or without an authority: without one, no root vouches for these models, and nobody else's does.
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.metadata.errors import MetadataError, MetadataReason
from ostiary.passkeys.metadata.metadata import Metadata
from ostiary.passkeys.providers import AUTHENTICATOR_SEALED_FILE, AUTHENTICATOR_TPM, PROVIDERS

_KEY_PROTECTION: Final = {
    # FIDO Registry of Predefined Values §3.2
    AUTHENTICATOR_SEALED_FILE: ["software"],
    AUTHENTICATOR_TPM: ["hardware"],
}
_ALGORITHMS: Final = {
    # FIDO Registry of Predefined Values §3.6.1
    AUTHENTICATOR_SEALED_FILE: ["secp256r1_ecdsa_sha256_raw", "ed25519_eddsa_sha512_raw"],
    AUTHENTICATOR_TPM: ["secp256r1_ecdsa_sha256_raw"],
}

OWN_MODELS: Final = frozenset(_KEY_PROTECTION)


def statement_of(aaguid: Aaguid, roots: Sequence[x509.Certificate]) -> dict[str, Any]:
    """The metadata statement of one of our models, whose attestation leads to these roots."""
    return {
        "aaguid": str(aaguid),
        "description": PROVIDERS[aaguid].name,
        "authenticatorVersion": 1,
        "protocolFamily": "fido2",
        "schema": 3,
        "upv": [{"major": 1, "minor": 0}, {"major": 1, "minor": 1}],
        "authenticationAlgorithms": _ALGORITHMS[aaguid],
        "publicKeyAlgAndEncodings": ["cose"],
        # enrolled by the organisation, or not
        "attestationTypes": ["basic_full", "basic_surrogate"],
        # its PIN, typed to it or to a client, or a finger where the computer has a reader
        "userVerificationDetails": [
            [{"userVerificationMethod": "passcode_internal"}],
            [{"userVerificationMethod": "passcode_external"}],
            [{"userVerificationMethod": "fingerprint_internal"}],
        ],
        "keyProtection": _KEY_PROTECTION[aaguid],
        "isKeyRestricted": True,
        # the PIN is compared, and the window drawn, by a program on the computer
        "matcherProtection": ["software"],
        "attachmentHint": ["internal"],
        "tcDisplay": ["any"],
        "multiDeviceCredentialSupport": "unsupported",
        "attestationRootCertificates": [b64encode(root.public_bytes(Encoding.DER)).decode() for root in roots],
        "authenticatorGetInfo": {
            "versions": ["FIDO_2_0", "FIDO_2_1"],
            "extensions": ["credBlob", "credProtect", "hmac-secret", "hmac-secret-mc", "largeBlobKey", "minPinLength"],
            "aaguid": aaguid.raw.hex(),
            "options": {"rk": True, "up": True, "uv": True, "clientPin": True},
        },
    }


def with_own_models(metadata: Metadata, roots: Sequence[x509.Certificate]) -> Metadata:
    """These and our statements. What is published about a model wins over what we say, also of our own."""
    for aaguid in sorted(OWN_MODELS, key=str):
        try:
            metadata = metadata.with_statement(statement_of(aaguid, roots))
        except MetadataError as error:
            if error.reason is not MetadataReason.ALREADY_PRESENT:
                raise
    return metadata
