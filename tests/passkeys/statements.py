"""Makers of attestation statements, one per format: really signed, by test authorities.

Each returns what ``SoftwareAuthenticator.create(attest=...)`` takes. Certificate faults are arguments of
``AttestationAuthority.issue``; edits are done before anything is signed, so that only the wrong thing is wrong.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ostiary.passkeys import base64url
from tests.passkeys.ceremonies import NOW
from tests.software_authenticator import (
    JSON,
    AttestationAuthority,
    AttestationMaker,
    PrivateKey,
    ToAttest,
    generate_key,
    name,
    sign,
)

Edit = Callable[[bytes], bytes]
Chain = Sequence[x509.Certificate]

DIGESTS: Final = {-7: hashlib.sha256, -35: hashlib.sha384, -257: hashlib.sha256, -65535: hashlib.sha1}


def unchanged(data: bytes) -> bytes:
    return data


def certify(
    authority: AttestationAuthority,
    key: PrivateKey,
    arguments: JSON,
    faults: Mapping[str, Any],
    *,
    chain: Chain = (),
) -> list[bytes]:
    """An x5c: a certificate for ``key``, and what follows it."""
    public_key = key.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    leaf = authority.issue(**{"key": public_key, **arguments, **faults})
    return [certificate.public_bytes(Encoding.DER) for certificate in (leaf, *chain)]


# -- tpm


def tpm_name(
    *, manufacturer: str = "id:49465800", model: str = "SLB9670", version: str = "id:00070055"
) -> x509.SubjectAlternativeName:
    values = (("2.23.133.2.1", manufacturer), ("2.23.133.2.2", model), ("2.23.133.2.3", version))
    attributes = [x509.NameAttribute(ObjectIdentifier(oid), value) for oid, value in values if value]
    return x509.SubjectAlternativeName(
        [x509.DirectoryName(x509.Name([x509.RelativeDistinguishedName([attribute]) for attribute in attributes]))]
    )


AIK_USAGE: Final = x509.ExtendedKeyUsage([ObjectIdentifier("2.23.133.8.3")])


def sized(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def public_area(key: PrivateKey, *, name_algorithm: int = 0x000B) -> bytes:
    """TPMT_PUBLIC of a signing key."""
    public_key = key.public_key()
    head = name_algorithm.to_bytes(2, "big") + bytes.fromhex("00060472") + sized(bytes(32))
    if isinstance(public_key, rsa.RSAPublicKey):
        modulus = public_key.public_numbers().n.to_bytes(public_key.key_size // 8, "big")
        parameters = bytes.fromhex("00100010") + public_key.key_size.to_bytes(2, "big") + bytes(4)
        return b"\x00\x01" + head + parameters + sized(modulus)
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    numbers, size = public_key.public_numbers(), (public_key.curve.key_size + 7) // 8
    curve = {256: "0003", 384: "0004", 521: "0005"}[public_key.curve.key_size]
    point = sized(numbers.x.to_bytes(size, "big")) + sized(numbers.y.to_bytes(size, "big"))
    return b"\x00\x23" + head + bytes.fromhex("00100010" + curve + "0010") + point


def tpm(
    authority: AttestationAuthority,
    *,
    algorithm: int = -7,
    chain: Chain = (),
    members: Mapping[str, Any] | None = None,
    edit_public_area: Edit = unchanged,
    edit_certify_info: Edit = unchanged,
    extra_data: Edit = unchanged,
    magic: str = "ff544347",
    kind: str = "8017",
    certified: Edit = unchanged,
    name_algorithm: int = 0x000B,
    **faults: Any,
) -> AttestationMaker:
    """WebAuthn L3 §8.3. ``extra_data`` and ``certified`` edit what goes into certInfo: the hash and the name."""
    key = generate_key(algorithm)
    honest: JSON = {"subject": x509.Name([]), "extensions": [(tpm_name(), True), (AIK_USAGE, False)]}
    x5c = certify(authority, key, honest, faults, chain=chain)

    def attest(given: ToAttest) -> tuple[str, JSON]:
        area = edit_public_area(public_area(given.credential.private_key, name_algorithm=name_algorithm))
        digest = {0x000B: hashlib.sha256, 0x000C: hashlib.sha384, 0x0004: hashlib.sha1}[name_algorithm]
        made_name = certified(name_algorithm.to_bytes(2, "big") + digest(area).digest())
        info = edit_certify_info(
            bytes.fromhex(magic + kind)
            + sized(b"\x00\x0b" + bytes(32))
            + sized(extra_data(DIGESTS[algorithm](given.signed).digest()))
            + bytes(25)
            + sized(made_name)
            + sized(b"\x00\x0b" + bytes(32))
        )
        statement = {
            "ver": "2.0",
            "alg": algorithm,
            "x5c": x5c,
            "sig": sign(key, algorithm, info),
            "certInfo": info,
            "pubArea": area,
        }
        return "tpm", {**statement, **(members or {})}

    return attest


# -- android-key and apple: DER by hand


def der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    length = bytes([len(content)]) if len(content) < 0x80 else b"\x82" + len(content).to_bytes(2, "big")
    head = bytes([tag]) if tag <= 0xFF else tag.to_bytes(3, "big")
    return head + length + content


def integer(value: int) -> bytes:
    return der(0x02, bytes([value]))


ORIGIN_TAG: Final = 0xBF853E
ALL_APPLICATIONS_TAG: Final = 0xBF8458


def authorizations(
    *, purposes: Sequence[int] | None = (2,), origin: int | None = 0, all_applications: bool = False
) -> bytes:
    """An AuthorizationList."""
    fields = b""
    if purposes is not None:
        fields += der(0xA1, der(0x31, *(integer(purpose) for purpose in purposes)))
    fields += der(0xA2, integer(3))
    if all_applications:
        fields += der(ALL_APPLICATIONS_TAG, b"\x05\x00")
    if origin is not None:
        fields += der(ORIGIN_TAG, integer(origin))
    return der(0x30, fields)


EMPTY_LIST: Final = b"\x30\x00"


def key_description(challenge: bytes, *, software: bytes = EMPTY_LIST, hardware: bytes | None = None) -> bytes:
    enumerated = der(0x0A, b"\x01")
    hardware = authorizations() if hardware is None else hardware
    head = integer(3) + enumerated + integer(4) + enumerated + der(0x04, challenge) + der(0x04)
    return der(0x30, head, software, hardware)


def android_key(
    authority: AttestationAuthority,
    *,
    chain: Chain = (),
    members: Mapping[str, Any] | None = None,
    software: bytes = EMPTY_LIST,
    hardware: bytes | None = None,
    challenge: Edit = unchanged,
    edit_description: Edit = unchanged,
    key: PrivateKey | None = None,
    **faults: Any,
) -> AttestationMaker:
    """WebAuthn L3 §8.4. ``key`` is another than the credential's, in the certificate and for the signature."""

    def attest(given: ToAttest) -> tuple[str, JSON]:
        description = edit_description(
            key_description(challenge(given.client_data_hash), software=software, hardware=hardware)
        )
        extension = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17"), description)
        honest: JSON = {"subject": name(common_name="Android Keystore Key"), "ca": None}
        honest["extensions"] = [(extension, False)]
        used, algorithm = key or given.credential.private_key, given.credential.algorithm
        x5c = certify(authority, used, honest, faults, chain=chain)
        statement = {"alg": algorithm, "sig": sign(used, algorithm, given.signed), "x5c": x5c}
        return "android-key", {**statement, **(members or {})}

    return attest


def apple(
    authority: AttestationAuthority,
    *,
    chain: Chain = (),
    members: Mapping[str, Any] | None = None,
    nonce: Edit = unchanged,
    edit_extension: Edit = unchanged,
    key: PrivateKey | None = None,
    **faults: Any,
) -> AttestationMaker:
    """WebAuthn L3 §8.8."""

    def attest(given: ToAttest) -> tuple[str, JSON]:
        content = der(0x30, der(0xA1, der(0x04, nonce(hashlib.sha256(given.signed).digest()))))
        extension = x509.UnrecognizedExtension(ObjectIdentifier("1.2.840.113635.100.8.2"), edit_extension(content))
        honest: JSON = {"subject": name(common_name="Anonymous"), "extensions": [(extension, False)]}
        x5c = certify(authority, key or given.credential.private_key, honest, faults, chain=chain)
        return "apple", {"x5c": x5c, **(members or {})}

    return attest


# -- fido-u2f


def fido_u2f(
    authority: AttestationAuthority,
    *,
    chain: Chain = (),
    members: Mapping[str, Any] | None = None,
    key: PrivateKey | None = None,
    **faults: Any,
) -> AttestationMaker:
    """WebAuthn L3 §8.6."""
    used = key or generate_key(-7)
    x5c = certify(authority, used, {"subject": name(common_name="U2F Key", unit="")}, faults, chain=chain)

    def attest(given: ToAttest) -> tuple[str, JSON]:
        public_key = given.credential.private_key.public_key()
        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        message = b"\x00" + given.authenticator_data[:32] + given.client_data_hash + given.credential.id + point
        algorithm = -7 if isinstance(used, ec.EllipticCurvePrivateKey) and used.curve.key_size == 256 else -35
        return "fido-u2f", {"sig": sign(used, algorithm, message), "x5c": x5c, **(members or {})}

    return attest


# -- JSON Web Signatures: android-safetynet, and metadata


def compact(
    payload: object,
    key: PrivateKey,
    x5c: Sequence[bytes],
    *,
    algorithm: str = "ES256",
    header: Mapping[str, Any] | None = None,
    edit_signature: Edit = unchanged,
) -> bytes:
    """A JWS signed by ``key``; ``header`` adds or replaces members, ``None`` takes one out."""
    members = {"alg": algorithm, "typ": "JWT", "x5c": [base64.b64encode(each).decode() for each in x5c]}
    members = {name: value for name, value in {**members, **(header or {})}.items() if value is not None}
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    message = base64url.encode_to_bytes(json.dumps(members).encode()) + b"." + base64url.encode_to_bytes(content)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(sign(key, -7, message))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        signature = sign(key, -257, message)
    return message + b"." + base64url.encode_to_bytes(edit_signature(signature))


def host_certificate(host: str, *, alternative: str | None = None) -> JSON:
    """Arguments for the certificate of a host; ``alternative=""`` leaves the alternative name out."""
    names = [x509.DNSName(host if alternative is None else alternative)]
    return {
        "subject": x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]),
        "extensions": [] if alternative == "" else [(x509.SubjectAlternativeName(names), False)],
    }


def android_safetynet(
    authority: AttestationAuthority,
    *,
    chain: Chain = (),
    members: Mapping[str, Any] | None = None,
    claims: Mapping[str, Any] | None = None,
    made: datetime = NOW,
    host: str = "attest.android.com",
    alternative: str | None = None,
    header: Mapping[str, Any] | None = None,
    edit_signature: Edit = unchanged,
    rsa_key: bool = False,
    **faults: Any,
) -> AttestationMaker:
    """WebAuthn L3 §8.5."""
    key = generate_key(-257 if rsa_key else -7)
    x5c = certify(authority, key, host_certificate(host, alternative=alternative), faults, chain=chain)

    def attest(given: ToAttest) -> tuple[str, JSON]:
        payload = {
            "nonce": base64.b64encode(hashlib.sha256(given.signed).digest()).decode(),
            "timestampMs": int(made.timestamp() * 1000),
            "ctsProfileMatch": True,
            **(claims or {}),
        }
        algorithm = "RS256" if rsa_key else "ES256"
        response = compact(payload, key, x5c, algorithm=algorithm, header=header, edit_signature=edit_signature)
        return "android-safetynet", {"ver": "1", "response": response, **(members or {})}

    return attest


# -- compound


def packed(authority: AttestationAuthority, *, chain: Chain = (), **faults: Any) -> AttestationMaker:
    """WebAuthn L3 §8.2, as a part of another."""
    key = generate_key(-7)
    x5c = certify(authority, key, {"subject": name(common_name="Example Authenticator")}, faults, chain=chain)
    return lambda given: ("packed", {"alg": -7, "sig": sign(key, -7, given.signed), "x5c": x5c})


def self_signed(given: ToAttest) -> tuple[str, JSON]:
    algorithm = given.credential.algorithm
    return "packed", {"alg": algorithm, "sig": sign(given.credential.private_key, algorithm, given.signed)}


def no_statement(_: ToAttest) -> tuple[str, JSON]:
    return "none", {}


def compound(*makers: AttestationMaker) -> AttestationMaker:
    """WebAuthn L3 §8.9."""

    def attest(given: ToAttest) -> tuple[str, list[JSON]]:
        made = [maker(given) for maker in makers]
        return "compound", [{"fmt": fmt, "attStmt": statement} for fmt, statement in made]

    return attest
