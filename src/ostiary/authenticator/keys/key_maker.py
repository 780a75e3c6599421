"""Where private keys are made and used. In software they are bytes that the store seals; a TPM gives out a blob that
only the same TPM can use, and only with an authorization that the store's data key yields."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import CoseKey

from ostiary.authenticator.models import SEALED_FILE

ES256: Final = -7
EDDSA: Final = -8

Signer = Callable[[bytes], bytes]
"""A message in, a signature out as COSE and CTAP write it: ES256 in DER (X9.62), EdDSA raw."""

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_SCALAR_SIZE: Final = 32


class MadeKey(NamedTuple):
    blob: bytes
    public_key: PublicKey


class WrongAuthorization(Exception):
    """What a PIN yields did not open what is sealed under it."""


class KeyMaker(Protocol):
    @property
    def aaguid(self) -> bytes: ...

    @property
    def algorithms(self) -> Sequence[int]:
        """The preferred one first."""
        ...

    def make(self, algorithm: int, authorization: bytes) -> MadeKey: ...

    def load(self, algorithm: int, blob: bytes, authorization: bytes) -> Signer: ...

    def bind(self, secret: bytes, authorization: bytes) -> bytes:
        """Seals a secret so that what the PIN yields must be shown to whoever can count the tries. Empty: nobody here
        can, and the secret does not count."""
        ...

    def unbind(self, bound: bytes, authorization: bytes) -> bytes:
        """Raises `WrongAuthorization`."""
        ...

    def close(self) -> None: ...


class SoftwareKeys:
    """Raw private keys; the store seals them under its data key, and nothing else does."""

    aaguid = SEALED_FILE

    def __init__(self, *, aaguid: bytes = SEALED_FILE, algorithms: Sequence[int] = (ES256, EDDSA)) -> None:
        self.aaguid = aaguid
        self.algorithms = tuple(algorithms)

    def make(self, algorithm: int, authorization: bytes) -> MadeKey:
        if algorithm == EDDSA:
            edwards = ed25519.Ed25519PrivateKey.generate()
            return MadeKey(edwards.private_bytes_raw(), edwards.public_key())
        key = ec.generate_private_key(ec.SECP256R1())
        return MadeKey(key.private_numbers().private_value.to_bytes(_SCALAR_SIZE, "big"), key.public_key())

    def load(self, algorithm: int, blob: bytes, authorization: bytes) -> Signer:
        if algorithm == EDDSA:
            return ed25519.Ed25519PrivateKey.from_private_bytes(blob).sign
        sign, scheme = ec.derive_private_key(int.from_bytes(blob, "big"), ec.SECP256R1()).sign, ec.ECDSA(SHA256())
        return lambda message: sign(message, scheme)

    def bind(self, secret: bytes, authorization: bytes) -> bytes:
        return b""

    def unbind(self, bound: bytes, authorization: bytes) -> bytes:
        return b""

    def close(self) -> None:
        pass


def cose_key(key: PublicKey, algorithm: int) -> bytes:
    """COSE_Key, CTAP2 canonical (WebAuthn L3 §6.5.1)."""
    return cbor.encode(dict(CoseKey.for_alg(algorithm).from_cryptography_key(key)))
