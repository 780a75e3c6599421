"""A certificate request (PKCS #10, RFC 2986) signed by a key that the key store keeps to itself."""

from collections.abc import Callable
from typing import Any, Final, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME: Final = "Ostiary Authenticator"
"""The subject is the authority's to choose (WebAuthn L3 §8.2.1); a request needs some."""


def certificate_request(public_key: ec.EllipticCurvePublicKey, sign: Callable[[bytes], bytes]) -> str:
    """PEM. `sign`: ES256, DER."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    request = builder.sign(_RemoteKey(public_key, sign), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


class _RemoteKey(ec.EllipticCurvePrivateKey):
    """What `cryptography` takes for a private key. It signs, and can do nothing else."""

    def __init__(self, public_key: ec.EllipticCurvePublicKey, sign: Callable[[bytes], bytes]) -> None:
        self._public_key = public_key
        self._sign = sign

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public_key

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        if not isinstance(signature_algorithm.algorithm, hashes.SHA256):
            raise TypeError("ES256 alone")
        return self._sign(bytes(data))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        raise TypeError("this key only signs")

    def private_numbers(self) -> NoReturn:
        raise TypeError("this key stays in the key store")

    def private_bytes(self, *_: object) -> NoReturn:
        raise TypeError("this key stays in the key store")

    def __copy__(self) -> "_RemoteKey":
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> "_RemoteKey":
        return self
