"""The two TPM 2.0 structures of a ``tpm`` statement (TPM 2.0 Library, Part 2: Structures), read to the last byte.

Only what an attested signing key can have is read: RSA and ECC keys, certified by ``TPM2_Certify``.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

GENERATED_VALUE: Final = 0xFF544347
"""TPM_GENERATED_VALUE (Part 2 §6.2): only a TPM begins what it signs with this."""

ST_ATTEST_CERTIFY: Final = 0x8017
"""TPM_ST_ATTEST_CERTIFY (Part 2 §6.9)."""

_ALG_RSA: Final = 0x0001
_ALG_NULL: Final = 0x0010
_ALG_ECC: Final = 0x0023
_ALG_ECDAA: Final = 0x001A

# Part 2 §6.3. A name made with SHA-1 would be worth what SHA-1 is.
_NAME_HASHES: Final = {0x000B: hashlib.sha256, 0x000C: hashlib.sha384, 0x000D: hashlib.sha512}

_CURVES: Final[dict[int, tuple[type[ec.EllipticCurve], int]]] = {
    0x0003: (ec.SECP256R1, 32),
    0x0004: (ec.SECP384R1, 48),
    0x0005: (ec.SECP521R1, 66),
}
"""Part 2 §6.4, TPM_ECC_CURVE."""

_DEFAULT_EXPONENT: Final = 65537
"""Part 2 §12.2.3.5: an exponent of zero stands for it."""


class TpmError(ValueError):
    """Not the structure, or not one a signing key has."""


@dataclass(frozen=True, slots=True)
class PublicArea:
    """TPMT_PUBLIC (Part 2 §12.2.4), as far as it names and makes a key."""

    encoded: bytes
    name_algorithm: int
    key: rsa.RSAPublicNumbers | ec.EllipticCurvePublicNumbers

    @property
    def name(self) -> bytes:
        """The Name of the key (TPM 2.0 Library, Part 1 §16): the algorithm, and the hash of the public area."""
        return self.name_algorithm.to_bytes(2, "big") + _NAME_HASHES[self.name_algorithm](self.encoded).digest()

    def is_for(self, key: object) -> bool:
        """Whether this is the public area of ``key``."""
        return isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and key.public_numbers() == self.key


@dataclass(frozen=True, slots=True)
class CertifyInfo:
    """TPMS_ATTEST (Part 2 §10.12.8) with TPMS_CERTIFY_INFO (§10.12.3). What describes the TPM itself is passed over, as
    WebAuthn L3 §8.3 has it."""

    extra_data: bytes
    name: bytes


def parse_public_area(encoded: bytes) -> PublicArea:
    """Raises ``TpmError``."""
    reader = _Reader(encoded)
    key_type, name_algorithm = reader.integer(2), reader.integer(2)
    if name_algorithm not in _NAME_HASHES:
        raise TpmError(f"name algorithm {name_algorithm:#06x}")
    reader.take(4)  # objectAttributes
    reader.sized()  # authPolicy
    if key_type == _ALG_RSA:
        key: rsa.RSAPublicNumbers | ec.EllipticCurvePublicNumbers = _read_rsa(reader)
    elif key_type == _ALG_ECC:
        key = _read_ecc(reader)
    else:
        raise TpmError(f"key type {key_type:#06x}")
    reader.finish()
    return PublicArea(encoded, name_algorithm, key)


def parse_certify_info(encoded: bytes) -> CertifyInfo:
    """Raises ``TpmError``, also for what no TPM made and for what is no certification of a key."""
    reader = _Reader(encoded)
    if reader.integer(4) != GENERATED_VALUE:
        raise TpmError("magic is not TPM_GENERATED_VALUE")
    if reader.integer(2) != ST_ATTEST_CERTIFY:
        raise TpmError("type is not TPM_ST_ATTEST_CERTIFY")
    reader.sized()  # qualifiedSigner
    extra_data = reader.sized()
    reader.take(8 + 4 + 4 + 1)  # clockInfo
    reader.take(8)  # firmwareVersion
    name = reader.sized()
    reader.sized()  # qualifiedName
    reader.finish()
    return CertifyInfo(extra_data, name)


def _read_rsa(reader: "_Reader") -> rsa.RSAPublicNumbers:
    """TPMS_RSA_PARMS (§12.2.3.5) and TPM2B_PUBLIC_KEY_RSA."""
    _check_no_symmetric(reader)
    _pass_scheme(reader)
    bits, exponent = reader.integer(2), reader.integer(4)
    modulus = reader.sized()
    if len(modulus) * 8 != bits:
        raise TpmError("a modulus not as long as it says")
    return rsa.RSAPublicNumbers(exponent or _DEFAULT_EXPONENT, int.from_bytes(modulus, "big"))


def _read_ecc(reader: "_Reader") -> ec.EllipticCurvePublicNumbers:
    """TPMS_ECC_PARMS (§12.2.3.6) and TPMS_ECC_POINT."""
    _check_no_symmetric(reader)
    _pass_scheme(reader)
    curve_number = reader.integer(2)
    if curve_number not in _CURVES:
        raise TpmError(f"curve {curve_number:#06x}")
    _pass_scheme(reader)  # kdf
    x, y = reader.sized(), reader.sized()
    curve, size = _CURVES[curve_number]
    if len(x) > size or len(y) > size:
        raise TpmError("a coordinate longer than the field")
    return ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve())


def _check_no_symmetric(reader: "_Reader") -> None:
    # §12.2.3.5: only a key that keeps other keys has a symmetric algorithm.
    if reader.integer(2) != _ALG_NULL:
        raise TpmError("a symmetric algorithm")


def _pass_scheme(reader: "_Reader") -> None:
    """TPMT_RSA_SCHEME, TPMT_ECC_SCHEME and TPMT_KDF_SCHEME: an algorithm, and its hash unless it is none."""
    scheme = reader.integer(2)
    if scheme != _ALG_NULL:
        reader.take(4 if scheme == _ALG_ECDAA else 2)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise TpmError("cut off")
        taken, self._at = self._data[self._at : end], end
        return taken

    def integer(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def sized(self) -> bytes:
        """A TPM2B: two bytes of length, and as many bytes."""
        return self.take(self.integer(2))

    def finish(self) -> None:
        if self._at != len(self._data):
            raise TpmError(f"{len(self._data) - self._at} bytes left over")
