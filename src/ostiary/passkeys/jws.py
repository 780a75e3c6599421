"""JSON Web Signature, compact, signed by the first certificate of its ``x5c`` (RFC 7515 §3.1, §4.1.6, §5.2).

Two makers send us one: SafetyNet inside a statement, and the FIDO Metadata Service. The algorithm has to be in the
table below and has to fit the certificate's key, so that ``none`` and the HMAC family have nowhere to go.
"""

import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ostiary.passkeys import base64url, signatures
from ostiary.passkeys.attestation.certificates import MAX_CHAIN, load_certificate, public_key_of
from ostiary.passkeys.reasons import CeremonyError

MAX_HEADER: Final = 65_536

ALGORITHMS: Final[Mapping[str, int]] = {
    "ES256": signatures.ES256,
    "ES384": signatures.ES384,
    "ES512": signatures.ES512,
    "RS256": signatures.RS256,
    "EdDSA": signatures.EDDSA,
}
"""RFC 7518 §3.1 and RFC 8037 §3.1, by the COSE number of the same algorithm."""

# RFC 7518 §3.4: two integers of the curve's size, one after the other.
_ECDSA_SIZES: Final = {signatures.ES256: 32, signatures.ES384: 48, signatures.ES512: 66}


class JwsError(ValueError):
    """Not a compact JWS, or not one of those we read."""


class JwsAlgorithmError(JwsError):
    """Signed, or left unsigned, by an algorithm that is not in the table."""


class JwsCertificateError(JwsError):
    """No certificates, or some that do not parse or do not fit the algorithm."""


@dataclass(frozen=True, slots=True)
class Jws:
    """A message in its parts. Nothing is verified yet."""

    header: Mapping[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes

    @property
    def algorithm(self) -> int:
        """The COSE number of the algorithm. Raises ``JwsAlgorithmError``."""
        name = self.header.get("alg")
        if not isinstance(name, str) or name not in ALGORITHMS:
            raise JwsAlgorithmError(f"alg {name!a}")
        return ALGORITHMS[name]

    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The certificates of ``x5c``, the signer's first. Raises ``JwsCertificateError``."""
        encoded = self.header.get("x5c")
        if not isinstance(encoded, list) or not 1 <= len(encoded) <= MAX_CHAIN:
            raise JwsCertificateError("x5c is not an array of one to eight certificates")
        try:
            # RFC 7515 §4.1.6: base64, not base64url.
            return tuple(load_certificate(binascii.a2b_base64(item, strict_mode=True)) for item in encoded)
        except (ValueError, TypeError, CeremonyError) as error:
            raise JwsCertificateError("x5c holds something else than certificates") from error

    def is_signed_by(self, certificate: x509.Certificate) -> bool:
        """Whether the certificate's key signed this. Raises ``JwsAlgorithmError`` and ``JwsCertificateError``."""
        algorithm = self.algorithm
        try:
            key = public_key_of(certificate, algorithm)
        except CeremonyError as error:
            raise JwsCertificateError(error.detail) from error
        signature = self.signature
        if algorithm in _ECDSA_SIZES:
            size = _ECDSA_SIZES[algorithm]
            if len(signature) != 2 * size:
                return False
            r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
            signature = encode_dss_signature(r, s)
        return key.is_valid(signature, self.signing_input)


def parse_compact(token: bytes) -> Jws:
    """Three parts with two dots between them. Raises ``JwsError``."""
    header, payload, signature = _split(token)
    if len(header) > MAX_HEADER:
        raise JwsError("a header too long")
    try:
        parts = [base64url.decode(part.decode("ascii")) for part in (header, payload, signature)]
    except ValueError as error:
        raise JwsError("a part is not base64url") from error
    members = read_json(parts[0])
    # RFC 7515 §4.1.11: what must be understood and is not. `b64` cannot come without it (RFC 7797 §6).
    if not isinstance(members, dict) or "crit" in members:
        raise JwsError("the header is not an object, or asks for an extension")
    return Jws(members, parts[1], header + b"." + payload, parts[2])


def read_json(encoded: bytes) -> Any:
    """Strict JSON: UTF-8, no member twice (RFC 7515 §4), no ``NaN``. Raises ``JwsError``."""
    try:
        return json.loads(encoded.decode("utf-8"), object_pairs_hook=_members, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise JwsError("not JSON") from error


def _split(token: bytes) -> tuple[bytes, bytes, bytes]:
    parts = token.split(b".", 3)
    if len(parts) != 3:
        raise JwsError("not three parts")
    return parts[0], parts[1], parts[2]


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JwsError("a member twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise JwsError(f"{name} is no JSON")
