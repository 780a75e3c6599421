"""COSE_Key: the credential public key as authenticators send it and records keep it (RFC 9052 §7, RFC 9053 §7).

WebAuthn L3 §6.5.1 narrows it: ``alg`` is present, no optional parameter is, and the encoding is CTAP2 canonical. That
makes one key one byte string, so that a loaded key can be remembered by its bytes.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from ostiary.passkeys import cbor, signatures
from ostiary.passkeys.cbor import CborValue
from ostiary.passkeys.edwards import is_sound_ed448_key, is_sound_ed25519_key
from ostiary.passkeys.reasons import CeremonyError
from ostiary.passkeys.signatures import PublicKey, public_key_invalid

_KTY, _ALG = 1, 3
_OKP, _EC2, _RSA, _AKP = 1, 2, 3, 7

# COSE numbers a curve beside the algorithm; for us the algorithm decides, and the two must agree.
_EC2_CURVES: Final[dict[int, tuple[int, ec.EllipticCurve, int]]] = {
    signatures.ES256: (1, ec.SECP256R1(), 32),
    signatures.ES384: (2, ec.SECP384R1(), 48),
    signatures.ES512: (3, ec.SECP521R1(), 66),
}
_ED25519, _ED448 = 6, 7
_OKP_CURVES: Final = {signatures.EDDSA: _ED25519, signatures.ED25519: _ED25519, signatures.ED448: _ED448}

CACHED_KEYS: Final = 8192
"""Loading a key costs about half a verification; a cached one costs some 2 KiB."""


@lru_cache(maxsize=CACHED_KEYS)
def load_public_key(encoded: bytes) -> PublicKey:
    """The key in a COSE_Key, loaded once and kept.

    Raises ``CeremonyError``: ``malformed_cbor``, or ``public_key_invalid`` when the algorithm is none of ours, a
    parameter is missing, unknown, of the wrong size or does not fit the algorithm, or the point is not on its curve.
    """
    parameters = cbor.decode(encoded)
    if not isinstance(parameters, dict):
        raise public_key_invalid("not a map")
    # WebAuthn L3 §6.5.1: CTAP2 canonical CBOR. Key order is what the decoder leaves open.
    if list(parameters) != sorted(parameters, key=cbor.encode):
        raise public_key_invalid("parameters are not in canonical order")
    algorithm, key_type = parameters.get(_ALG), parameters.get(_KTY)
    # A bool is an int to Python: `alg: true` is not algorithm 1.
    if type(algorithm) is not int or type(key_type) is not int:
        raise public_key_invalid("kty or alg is missing or not an integer")
    load = _LOADERS.get(key_type)
    if load is None:
        raise public_key_invalid(f"key type {key_type}")
    try:
        return signatures.bind(load(parameters, algorithm), algorithm)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise public_key_invalid(str(error)) from error


def read_algorithm(encoded: bytes) -> int:
    """The COSE algorithm a COSE_Key names. Raises ``CeremonyError`` as ``load_public_key`` does."""
    parameters = cbor.decode(encoded)
    algorithm = parameters.get(_ALG) if isinstance(parameters, dict) else None
    if type(algorithm) is not int:
        raise public_key_invalid("no alg")
    return algorithm


def _load_ec2(parameters: dict[int | str, CborValue], algorithm: int) -> ec.EllipticCurvePublicKey:
    if algorithm not in _EC2_CURVES:
        raise _misfit(algorithm)
    curve_number, curve, size = _EC2_CURVES[algorithm]
    crv, x, y = _take(parameters, -1, -2, -3)
    _check_curve(crv, curve_number)
    # WebAuthn L3 §5.8.5: both coordinates, never the compressed form (where y is a boolean).
    if not isinstance(x, bytes) or not isinstance(y, bytes) or len(x) != size or len(y) != size:
        raise public_key_invalid("a coordinate is missing or not as long as the field")
    # The library refuses a point that is not on the curve.
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + x + y)


def _load_okp(
    parameters: dict[int | str, CborValue], algorithm: int
) -> ed25519.Ed25519PublicKey | ed448.Ed448PublicKey:
    if algorithm not in _OKP_CURVES:
        raise _misfit(algorithm)
    crv, x = _take(parameters, -1, -2)
    _check_curve(crv, _OKP_CURVES[algorithm])
    if not isinstance(x, bytes):
        raise public_key_invalid("x is not a byte string")
    if crv == _ED25519 and is_sound_ed25519_key(x):
        return ed25519.Ed25519PublicKey.from_public_bytes(x)
    if crv == _ED448 and is_sound_ed448_key(x):
        return ed448.Ed448PublicKey.from_public_bytes(x)
    raise public_key_invalid("x is no point of the curve, or one of small order")


def _load_rsa(parameters: dict[int | str, CborValue], algorithm: int) -> rsa.RSAPublicKey:
    if algorithm not in signatures.RSA_HASHES:
        raise _misfit(algorithm)
    n, e = _take(parameters, -1, -2)
    if not isinstance(n, bytes) or not isinstance(e, bytes):
        raise public_key_invalid("n or e is not a byte string")
    # RFC 8230 §4: as short as possible, so no leading zero. One maker of old RS1 credentials wrote the modulus as a
    # signed number, with the sign's zero byte before it; that much is let pass, with that algorithm alone.
    if algorithm == signatures.RS1 and n[:1] == b"\x00" and n[1:2] >= b"\x80":
        n = n[1:]
    if len(n) > signatures.MAX_RSA_BITS // 8 or len(e) > 4:
        raise public_key_invalid("n or e is too long")
    if n[:1] in (b"", b"\x00") or e[:1] in (b"", b"\x00"):
        raise public_key_invalid("n or e is empty or begins with a zero")
    return rsa.RSAPublicNumbers(int.from_bytes(e, "big"), int.from_bytes(n, "big")).public_key()


def _load_akp(parameters: dict[int | str, CborValue], algorithm: int) -> signatures.LibraryKey:
    if algorithm not in signatures.ML_DSA:
        raise _misfit(algorithm)
    (pub,) = _take(parameters, -1)
    if not isinstance(pub, bytes):
        raise public_key_invalid("pub is not a byte string")
    return signatures.ML_DSA[algorithm].from_public_bytes(pub)


_LOADERS: Final[dict[int, Callable[[dict[int | str, CborValue], int], signatures.LibraryKey]]] = {
    _OKP: _load_okp,
    _EC2: _load_ec2,
    _RSA: _load_rsa,
    _AKP: _load_akp,
}


def _take(parameters: dict[int | str, CborValue], *labels: int) -> list[CborValue]:
    """The parameters under ``labels``, which must be all there are beside ``kty`` and ``alg``.

    WebAuthn L3 §6.5.1 admits no optional parameter, and a private one (``d``) has no business here at all.
    """
    if set(parameters) != {_KTY, _ALG, *labels}:
        raise public_key_invalid("a parameter is missing or not allowed")
    return [parameters[label] for label in labels]


def _check_curve(crv: CborValue, expected: int) -> None:
    if type(crv) is not int or crv != expected:
        raise public_key_invalid("the curve does not fit the algorithm")


def _misfit(algorithm: int) -> CeremonyError:
    return public_key_invalid(f"algorithm {algorithm} does not fit the key type")
