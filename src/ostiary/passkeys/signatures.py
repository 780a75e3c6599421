"""Signature algorithms by their COSE numbers (RFC 9053, RFC 8230, RFC 8812, RFC 9864; WebAuthn L3 §5.8.5, §6.5.5).

One table says which kind of key goes with which number. Everything that is not in it is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from ostiary.passkeys.reasons import CeremonyError, CeremonyReason

ES256: Final = -7
EDDSA: Final = -8
ED25519: Final = -19
ES384: Final = -35
ES512: Final = -36
ML_DSA_44: Final = -48
ML_DSA_65: Final = -49
ML_DSA_87: Final = -50
ED448: Final = -53
RS256: Final = -257
RS1: Final = -65535
"""RSA with SHA-1 (RFC 8812 §2, deprecated): verified for who names it, never offered of our own accord."""

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
"""An RSA verification grows with the square of the modulus: an unbounded one is a way to keep a server busy."""

MAX_RSA_EXPONENT: Final = 2**32 - 1

LibraryKey: TypeAlias = (
    ec.EllipticCurvePublicKey
    | rsa.RSAPublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
)
_Check: TypeAlias = Callable[[bytes, bytes], object]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A loaded key together with the one algorithm it is used with."""

    algorithm: int
    key: LibraryKey
    check: _Check

    def is_valid(self, signature: bytes, data: bytes) -> bool:
        """Whether ``signature`` is this key's signature over ``data``."""
        try:
            self.check(signature, data)
        except InvalidSignature:
            return False
        return True


# WebAuthn L3 §5.8.5 ties each ECDSA number to one curve, which COSE alone does not.
ECDSA_CURVES: Final[dict[int, tuple[type[ec.EllipticCurve], ec.ECDSA]]] = {
    ES256: (ec.SECP256R1, ec.ECDSA(hashes.SHA256())),
    ES384: (ec.SECP384R1, ec.ECDSA(hashes.SHA384())),
    ES512: (ec.SECP521R1, ec.ECDSA(hashes.SHA512())),
}
ML_DSA: Final[dict[int, type[mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey]]] = {
    ML_DSA_44: mldsa.MLDSA44PublicKey,
    ML_DSA_65: mldsa.MLDSA65PublicKey,
    ML_DSA_87: mldsa.MLDSA87PublicKey,
}
_EDWARDS: Final[dict[int, type[ed25519.Ed25519PublicKey | ed448.Ed448PublicKey]]] = {
    EDDSA: ed25519.Ed25519PublicKey,
    ED25519: ed25519.Ed25519PublicKey,
    ED448: ed448.Ed448PublicKey,
}
RSA_HASHES: Final[dict[int, hashes.HashAlgorithm]] = {
    RS256: hashes.SHA256(),
    RS1: hashes.SHA1(),  # noqa: S303 -- see docs/decisions: whoever relies on it has said so
}
_PKCS1_V15: Final = PKCS1v15()


def _is_ml_dsa_here() -> bool:
    try:
        mldsa.MLDSA44PublicKey.from_public_bytes(bytes(1312))
    except UnsupportedAlgorithm:
        return False
    except ValueError:
        return True
    return True


_OFFERED: Final = (ES256, EDDSA, RS256, ES384, ES512, ED448)

DEFAULT_ALGORITHMS: Final = _OFFERED + ((ML_DSA_44, ML_DSA_65) if _is_ml_dsa_here() else ())
"""What a relying party offers, best first.

ES256 is what every authenticator has; RS256 is what old Windows Hello has instead. ML-DSA comes last because a key or
a signature of it is some thirty times longer and an authenticator that has it also has a shorter one.
"""


def bind(key: object, algorithm: int) -> PublicKey:
    """``key`` as used with ``algorithm``. Raises ``CeremonyError(public_key_invalid)`` when the two do not fit."""
    if algorithm in ECDSA_CURVES:
        curve, ecdsa = ECDSA_CURVES[algorithm]
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, curve):
            return PublicKey(algorithm, key, _ecdsa_check(key, ecdsa))
    elif algorithm in RSA_HASHES:
        if isinstance(key, rsa.RSAPublicKey):
            _check_rsa(key)
            return PublicKey(algorithm, key, _rsa_check(key, RSA_HASHES[algorithm]))
    elif algorithm in _EDWARDS:
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) and isinstance(key, _EDWARDS[algorithm]):
            return PublicKey(algorithm, key, key.verify)
    elif (
        algorithm in ML_DSA
        and isinstance(key, mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey)
        and isinstance(key, ML_DSA[algorithm])
    ):
        return PublicKey(algorithm, key, key.verify)
    raise public_key_invalid(f"a {type(key).__name__} for algorithm {algorithm}")


def _ecdsa_check(key: ec.EllipticCurvePublicKey, ecdsa: ec.ECDSA) -> _Check:
    # The library takes DER and nothing looser, as WebAuthn L3 §6.5.5 has ECDSA signatures.
    return lambda signature, data: key.verify(signature, data, ecdsa)


def _rsa_check(key: rsa.RSAPublicKey, algorithm: hashes.HashAlgorithm) -> _Check:
    return lambda signature, data: key.verify(signature, data, _PKCS1_V15, algorithm)


def _check_rsa(key: rsa.RSAPublicKey) -> None:
    numbers = key.public_numbers()
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS or not numbers.n & 1:
        raise public_key_invalid(f"an RSA modulus of {key.key_size} bits")
    if not 3 <= numbers.e <= MAX_RSA_EXPONENT or not numbers.e & 1:
        raise public_key_invalid("an RSA exponent out of range")


def public_key_invalid(detail: str) -> CeremonyError:
    return CeremonyError(CeremonyReason.PUBLIC_KEY_INVALID, detail)
