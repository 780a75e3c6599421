"""PIN/UV auth protocols one and two, the authenticator's side (CTAP 2.1 §6.5.6, §6.5.7)."""

import hashlib
import hmac
from typing import Any, ClassVar, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ostiary.authenticator.engine.fields import need
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.ports import Randomness

_BLOCK: Final = 16
_CURVE: Final = ec.SECP256R1()

CoseKey = dict[int | str, Any]


class PinProtocol:
    """Protocol one. `decrypt` raises `ValueError` for what cannot be a ciphertext."""

    VERSION: ClassVar[int] = 1
    _SIGNATURE_LENGTH: ClassVar[int] = 16

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness
        self.regenerate()

    def regenerate(self) -> None:
        """§6.5.5.2: another key agreement key."""
        self._private_key = ec.generate_private_key(_CURVE)

    def public_key(self) -> CoseKey:
        """getPublicKey: a COSE_Key, whose algorithm is named so for history's sake (§6.5.6)."""
        numbers = self._private_key.public_key().public_numbers()
        return {1: 2, 3: -25, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}

    def decapsulate(self, peer: CoseKey) -> bytes:
        """The shared secret. Raises `Refused(INVALID_PARAMETER)` for what is no point on P-256."""
        x, y = need(peer, -2, bytes), need(peer, -3, bytes)
        if peer.get(1) != 2 or peer.get(-1) != 1 or len(x) != 32 or len(y) != 32:
            raise Refused(Status.INVALID_PARAMETER)
        try:
            point = ec.EllipticCurvePublicNumbers(
                int.from_bytes(x, "big"), int.from_bytes(y, "big"), _CURVE
            ).public_key()
        except ValueError:
            raise Refused(Status.INVALID_PARAMETER) from None
        return self._derive(self._private_key.exchange(ec.ECDH(), point))

    def _derive(self, z: bytes) -> bytes:
        return hashlib.sha256(z).digest()

    def encrypt(self, secret: bytes, plaintext: bytes) -> bytes:
        return _cbc(secret, bytes(_BLOCK), plaintext, is_decryption=False)

    def decrypt(self, secret: bytes, ciphertext: bytes) -> bytes:
        return _cbc(secret, bytes(_BLOCK), ciphertext, is_decryption=True)

    def verify(self, key: bytes, message: bytes, signature: bytes) -> bool:
        """With a shared secret or a pinUvAuthToken."""
        expected = hmac.digest(key[:32], message, "sha256")[: self._SIGNATURE_LENGTH]
        return hmac.compare_digest(expected, signature)


class PinProtocolTwo(PinProtocol):
    """Protocol two: keys apart for encryption and authentication, random initialisation vectors."""

    VERSION = 2
    _SIGNATURE_LENGTH = 32

    def _derive(self, z: bytes) -> bytes:
        return _hkdf(z, b"CTAP2 HMAC key") + _hkdf(z, b"CTAP2 AES key")

    def encrypt(self, secret: bytes, plaintext: bytes) -> bytes:
        vector = self._randomness(_BLOCK)
        return vector + _cbc(secret[32:], vector, plaintext, is_decryption=False)

    def decrypt(self, secret: bytes, ciphertext: bytes) -> bytes:
        if len(ciphertext) < _BLOCK:
            raise ValueError("no initialisation vector")
        return _cbc(secret[32:], ciphertext[:_BLOCK], ciphertext[_BLOCK:], is_decryption=True)


def _hkdf(z: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=bytes(32), info=info).derive(z)


def _cbc(key: bytes, vector: bytes, content: bytes, *, is_decryption: bool) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(vector))
    context = cipher.decryptor() if is_decryption else cipher.encryptor()
    return context.update(content) + context.finalize()
