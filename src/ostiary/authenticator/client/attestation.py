"""What of an attestation reaches the page (WebAuthn L3 §5.1.3, step 22; §5.4.7), and the key in the page's spelling."""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fido2 import cbor

_ALGORITHM: Final = 3
_X: Final = -2
_Y: Final = -3
_ES256: Final = -7
_EDDSA: Final = -8


def attestation_object(format: str, statement: Mapping[str, Any], authenticator_data: bytes, conveyance: str) -> bytes:
    """With `none` nothing vouches for anything. The AAGUID stays: we are a platform authenticator, and a person sees by
    it which passkey is which. Enterprise attestation, which names the single device, this Authenticator does not have;
    who asks for it gets `direct`.
    """
    is_kept = conveyance != "none"
    members = {
        "fmt": format if is_kept else "none",
        "attStmt": statement if is_kept else {},
        "authData": authenticator_data,
    }
    return cbor.encode(members)


def subject_public_key_info(cose_key: Mapping[int, Any]) -> bytes | None:
    """DER for `getPublicKey()`; None for algorithms the page has to read for itself."""
    algorithm = cose_key.get(_ALGORITHM)
    public_key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
    if algorithm == _ES256:
        point = b"\x04" + cose_key[_X] + cose_key[_Y]
        public_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    elif algorithm == _EDDSA:
        public_key = ed25519.Ed25519PublicKey.from_public_bytes(cose_key[_X])
    else:
        return None
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
