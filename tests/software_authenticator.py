"""An honest authenticator and client in software, for tests and benches: JSON options in, the browser's JSON out.

Everything is really signed. What a test wants to be wrong is said by name (``uv=False``, ``origin``, ``challenge=...``)
or done to the bytes before they are signed (``edit_authenticator_data``), so that only the wrong thing is wrong.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ostiary.passkeys import base64url, cbor

JSON: TypeAlias = dict[str, Any]
PrivateKey: TypeAlias = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)
Edit: TypeAlias = Callable[[bytes], bytes]

DEFAULT_AAGUID: Final = bytes.fromhex("6f7374696172792d736f667477617265")
ZERO_AAGUID: Final = bytes(16)
AAGUID_EXTENSION: Final = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")

_CURVES: Final[dict[int, tuple[int, ec.EllipticCurve, hashes.HashAlgorithm]]] = {
    -7: (1, ec.SECP256R1(), hashes.SHA256()),
    -35: (2, ec.SECP384R1(), hashes.SHA384()),
    -36: (3, ec.SECP521R1(), hashes.SHA512()),
}


class AlreadyRegistered(Exception):
    """One of ``excludeCredentials`` lives in this authenticator."""


class NoCredential(Exception):
    """Nothing here answers the request."""


@dataclass(kw_only=True)
class Credential:
    """What the authenticator keeps about one passkey."""

    id: bytes
    rp_id: str
    user_handle: bytes
    user_name: str
    private_key: PrivateKey
    algorithm: int
    backup_eligible: bool
    backup_state: bool
    sign_count: int = 0


@dataclass(frozen=True)
class ToAttest:
    """What an attestation statement is about."""

    credential: Credential
    authenticator_data: bytes
    client_data_hash: bytes

    @property
    def signed(self) -> bytes:
        return self.authenticator_data + self.client_data_hash


AttestationMaker: TypeAlias = Callable[[ToAttest], tuple[str, Any]]
"""Makes a format and a statement."""


def generate_key(algorithm: int, *, rsa_bits: int = 2048) -> PrivateKey:
    """A new private key for a COSE algorithm."""
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm][1])
    if algorithm in (-8, -19):
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == -53:
        return ed448.Ed448PrivateKey.generate()
    if algorithm in (-257, -65535):
        return rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
    if algorithm == -48:
        return mldsa.MLDSA44PrivateKey.generate()
    if algorithm == -49:
        return mldsa.MLDSA65PrivateKey.generate()
    if algorithm == -50:
        return mldsa.MLDSA87PrivateKey.generate()
    raise ValueError(f"no key for algorithm {algorithm}")


def sign(private_key: PrivateKey, algorithm: int, data: bytes) -> bytes:
    """A signature as COSE algorithm ``algorithm`` and WebAuthn L3 §6.5.5 have it."""
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        return private_key.sign(data, ec.ECDSA(_CURVES[algorithm][2]))
    if isinstance(private_key, rsa.RSAPrivateKey):
        return private_key.sign(data, padding.PKCS1v15(), hashes.SHA1() if algorithm == -65535 else hashes.SHA256())
    return private_key.sign(data)


def cose_parameters(private_key: PrivateKey, algorithm: int) -> dict[int, int | bytes]:
    """The COSE_Key parameters of the public half."""
    public_key = private_key.public_key()
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        numbers, size = public_key.public_numbers(), (public_key.curve.key_size + 7) // 8
        x, y = numbers.x.to_bytes(size, "big"), numbers.y.to_bytes(size, "big")
        return {1: 2, 3: algorithm, -1: _CURVES[algorithm][0], -2: x, -3: y}
    if isinstance(public_key, rsa.RSAPublicKey):
        n, e = public_key.public_numbers().n, public_key.public_numbers().e
        return {1: 3, 3: algorithm, -1: _big_endian(n), -2: _big_endian(e)}
    raw = public_key.public_bytes_raw()
    if isinstance(public_key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        curve = 6 if isinstance(public_key, ed25519.Ed25519PublicKey) else 7
        return {1: 1, 3: algorithm, -1: curve, -2: raw}
    return {1: 7, 3: algorithm, -1: raw}


def cose_key(private_key: PrivateKey, algorithm: int) -> bytes:
    """The COSE_Key of the public half, as it stands in authenticator data."""
    return cbor.encode(cose_parameters(private_key, algorithm))


def _big_endian(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def name(*, common_name: str, unit: str = "Authenticator Attestation", country: str = "XX") -> x509.Name:
    """A subject as WebAuthn L3 §8.2.1 wants it; an empty string leaves the attribute out."""
    attributes = (
        (NameOID.COUNTRY_NAME, country),
        (NameOID.ORGANIZATION_NAME, "Example Authenticators"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (NameOID.COMMON_NAME, common_name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes if value])


@dataclass(kw_only=True)
class AttestationAuthority:
    """A vendor: a root certificate, and the attestation certificates it issues."""

    not_before: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    not_after: datetime = datetime(2120, 1, 1, tzinfo=UTC)
    common_name: str = "Example Root"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        subject = name(common_name=self.common_name, unit="")
        self.certificate = self.issue(subject=subject, key=self.key.public_key(), ca=True, issuer=subject)

    def issue(
        self,
        *,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey,
        ca: bool | None = False,
        issuer: x509.Name | None = None,
        path_length: int | None = None,
        key_cert_sign: bool = True,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> x509.Certificate:
        """A certificate signed by this authority. ``ca=None`` leaves basic constraints out."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before or self.not_before)
            .not_valid_after(not_after or self.not_after)
        )
        if ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        if ca:
            builder = builder.add_extension(_key_usage(key_cert_sign=key_cert_sign), critical=True)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256())

    def intermediate(self, *, common_name: str = "Example Intermediate", **faults: Any) -> "AttestationAuthority":
        """Another authority, certified by this one. ``faults`` are arguments of ``issue``."""
        other = AttestationAuthority(common_name=common_name)
        arguments: JSON = {"ca": True, "subject": name(common_name=common_name, unit=""), **faults}
        other.certificate = self.issue(key=other.key.public_key(), **arguments)
        return other


def _key_usage(*, key_cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def aaguid_extension(aaguid: bytes) -> x509.UnrecognizedExtension:
    """id-fido-gen-ce-aaguid: the AAGUID in an octet string (which X.509 wraps in another)."""
    return x509.UnrecognizedExtension(AAGUID_EXTENSION, b"\x04\x10" + aaguid)


def _no_edit(data: bytes) -> bytes:
    return data


class SoftwareAuthenticator:
    """One authenticator with its client. ``attestation`` is what it makes when the relying party asks for it."""

    def __init__(
        self,
        *,
        aaguid: bytes = DEFAULT_AAGUID,
        backup_eligible: bool = False,
        backup_state: bool = False,
        algorithm: int = -7,
        attestation: Literal["none", "self", "packed"] = "none",
        transports: Sequence[str] = ("internal",),
        user_verification: bool = True,
        authority: AttestationAuthority | None = None,
        chain: Sequence[x509.Certificate] = (),
    ) -> None:
        self.aaguid = aaguid
        self.backup_eligible = backup_eligible
        self.backup_state = backup_state
        self.algorithm = algorithm
        self.attestation = attestation
        self.transports = tuple(transports)
        self.user_verification = user_verification
        self.credentials: list[Credential] = []
        if attestation == "packed":
            self.authority = authority or AttestationAuthority()
            self.attestation_key = ec.generate_private_key(ec.SECP256R1())
            self.attestation_chain = [self.issue_attestation_certificate(), *chain]

    @property
    def root(self) -> x509.Certificate:
        """The trust anchor that ``packed`` statements of this authenticator lead to."""
        return self.authority.certificate

    def issue_attestation_certificate(self, **faults: Any) -> x509.Certificate:
        """The certificate of ``attestation_key`` (WebAuthn L3 §8.2.1). ``faults`` are arguments of ``issue``."""
        arguments: JSON = {
            "subject": name(common_name="Example Authenticator"),
            "extensions": [(aaguid_extension(self.aaguid), False)],
            **faults,
        }
        return self.authority.issue(key=self.attestation_key.public_key(), **arguments)

    # -- the client's two calls

    def create(
        self,
        options: Mapping[str, Any],
        origin: str,
        *,
        algorithm: int | None = None,
        credential_id: bytes | None = None,
        user_handle: bytes | None = None,
        public_key: bytes | None = None,
        extensions: Mapping[str, cbor.CborEncodable] | None = None,
        client_extension_results: JSON | None = None,
        statement: Mapping[str, cbor.CborEncodable] | None = None,
        fmt: str | None = None,
        attest: "AttestationMaker | None" = None,
        edit_attestation_object: Edit = _no_edit,
        **tampering: Any,
    ) -> JSON:
        """``navigator.credentials.create()`` and ``toJSON()``. The keywords are what ``_client_data`` and
        ``_authenticator_data`` take, and the parts of the answer to replace; ``attest`` makes a statement of another
        format."""
        rp_id = str(options["rp"]["id"])
        excluded = {base64url.decode(descriptor["id"]) for descriptor in options.get("excludeCredentials", ())}
        if any(credential.id in excluded and credential.rp_id == rp_id for credential in self.credentials):
            raise AlreadyRegistered(rp_id)
        offered = [parameter["alg"] for parameter in options["pubKeyCredParams"]]
        if algorithm is None and self.algorithm not in offered:
            raise NoCredential(f"algorithm {self.algorithm} is not among {offered}")

        chosen = self.algorithm if algorithm is None else algorithm
        credential = Credential(
            id=os.urandom(32) if credential_id is None else credential_id,
            rp_id=rp_id,
            user_handle=base64url.decode(options["user"]["id"]) if user_handle is None else user_handle,
            user_name=str(options["user"].get("name", "")),
            private_key=generate_key(chosen),
            algorithm=chosen,
            backup_eligible=self.backup_eligible,
            backup_state=self.backup_state,
        )
        conveyed = self.attestation if options.get("attestation", "none") != "none" else "none"
        aaguid = self.aaguid if conveyed != "none" or {"internal", "hybrid"} & set(self.transports) else ZERO_AAGUID
        key = public_key if public_key is not None else cose_key(credential.private_key, chosen)
        attested = aaguid + len(credential.id).to_bytes(2, "big") + credential.id + key

        client_data, client_tampering = self._client_data("webauthn.create", options["challenge"], origin, tampering)
        authenticator_data = self._authenticator_data(credential, attested, extensions, client_tampering)
        message = authenticator_data + hashlib.sha256(client_data).digest()
        if attest is None:
            made_format, made_statement = self._attest(conveyed, credential, message)
        else:
            made_format, made_statement = attest(ToAttest(credential, authenticator_data, message[-32:]))
        attestation_object = edit_attestation_object(
            cbor.encode(
                {
                    "fmt": made_format if fmt is None else fmt,
                    "attStmt": made_statement if statement is None else statement,
                    "authData": authenticator_data,
                }
            )
        )
        # One account has one discoverable credential per relying party here (CTAP 2.2 §6.1.2): a new one replaces it.
        same = (credential.rp_id, credential.user_handle)
        self.credentials = [kept for kept in self.credentials if (kept.rp_id, kept.user_handle) != same]
        self.credentials.append(credential)
        asked = options.get("extensions", {})
        results = {"credProps": {"rk": True}} if asked.get("credProps") else {}
        return {
            **self._envelope(credential.id),
            "response": {
                "clientDataJSON": base64url.encode(client_data),
                "attestationObject": base64url.encode(attestation_object),
                "authenticatorData": base64url.encode(authenticator_data),
                "publicKey": base64url.encode(self._subject_public_key_info(credential)),
                "publicKeyAlgorithm": chosen,
                "transports": list(self.transports),
            },
            "clientExtensionResults": results if client_extension_results is None else client_extension_results,
        }

    def get(
        self,
        options: Mapping[str, Any],
        origin: str,
        *,
        credential: Credential | None = None,
        user_handle: bytes | None = None,
        extensions: Mapping[str, cbor.CborEncodable] | None = None,
        client_extension_results: JSON | None = None,
        edit_signature: Edit = _no_edit,
        attested: bytes = b"",
        **tampering: Any,
    ) -> JSON:
        """``navigator.credentials.get()`` and ``toJSON()``, with the newest credential that fits."""
        chosen = self._choose(options) if credential is None else credential
        if not chosen.backup_eligible:
            chosen.sign_count += 1
        client_data, client_tampering = self._client_data("webauthn.get", options["challenge"], origin, tampering)
        authenticator_data = self._authenticator_data(chosen, attested, extensions, client_tampering)
        message = authenticator_data + hashlib.sha256(client_data).digest()
        signature = edit_signature(sign(chosen.private_key, chosen.algorithm, message))
        handle = chosen.user_handle if user_handle is None else user_handle
        response = {
            "clientDataJSON": base64url.encode(client_data),
            "authenticatorData": base64url.encode(authenticator_data),
            "signature": base64url.encode(signature),
        }
        if handle:
            response["userHandle"] = base64url.encode(handle)
        return {
            **self._envelope(chosen.id),
            "response": response,
            "clientExtensionResults": client_extension_results or {},
        }

    # -- parts

    def _choose(self, options: Mapping[str, Any]) -> Credential:
        allowed = {base64url.decode(descriptor["id"]) for descriptor in options.get("allowCredentials") or ()}
        for credential in reversed(self.credentials):
            if credential.rp_id == options["rpId"] and (not allowed or credential.id in allowed):
                return credential
        raise NoCredential(str(options["rpId"]))

    @staticmethod
    def _client_data(
        ceremony: str, challenge: str, origin: str, tampering: Mapping[str, Any]
    ) -> tuple[bytes, dict[str, Any]]:
        """The client data (WebAuthn L3 §5.8.1), and the tampering that is left for the authenticator data.

        Takes ``type``, ``challenge`` (bytes), ``cross_origin``, ``top_origin``, ``client_data`` (members to add or
        replace) and ``edit_client_data``.
        """
        left = dict(tampering)
        overridden = left.pop("challenge", None)
        members: JSON = {
            "type": left.pop("type", ceremony),
            "challenge": challenge if overridden is None else base64url.encode(overridden),
            "origin": origin,
            "crossOrigin": left.pop("cross_origin", False),
        }
        if (top_origin := left.pop("top_origin", None)) is not None:
            members["topOrigin"] = top_origin
        members |= left.pop("client_data", {})
        edit: Edit = left.pop("edit_client_data", _no_edit)
        return edit(json.dumps(members, separators=(",", ":")).encode()), left

    def _authenticator_data(
        self,
        credential: Credential,
        attested: bytes,
        extensions: Mapping[str, cbor.CborEncodable] | None,
        tampering: Mapping[str, Any],
    ) -> bytes:
        """Authenticator data (WebAuthn L3 §6.1).

        Takes ``up``, ``uv``, ``be``, ``bs``, ``at``, ``ed``, ``rp_id``, ``sign_count`` and ``edit_authenticator_data``.
        """
        left = dict(tampering)
        flags = 0
        for bit, said, honest in (
            (0, "up", True),
            (2, "uv", self.user_verification),
            (3, "be", credential.backup_eligible),
            (4, "bs", credential.backup_state),
            (6, "at", bool(attested)),
            (7, "ed", extensions is not None),
        ):
            value = left.pop(said, None)
            flags |= (honest if value is None else value) << bit
        rp_id = left.pop("rp_id", None) or credential.rp_id
        count = left.pop("sign_count", None)
        edit: Edit = left.pop("edit_authenticator_data", _no_edit)
        if left:
            raise TypeError(f"unknown tampering: {', '.join(left)}")
        return edit(
            hashlib.sha256(rp_id.encode()).digest()
            + bytes([flags])
            + (credential.sign_count if count is None else count).to_bytes(4, "big")
            + attested
            + (b"" if extensions is None else cbor.encode(extensions))
        )

    def _attest(
        self, conveyed: str, credential: Credential, message: bytes
    ) -> tuple[str, Mapping[str, cbor.CborEncodable]]:
        if conveyed == "none":
            return "none", {}
        if conveyed == "self":
            signature = sign(credential.private_key, credential.algorithm, message)
            return "packed", {"alg": credential.algorithm, "sig": signature}
        chain = [certificate.public_bytes(serialization.Encoding.DER) for certificate in self.attestation_chain]
        return "packed", {"alg": -7, "sig": sign(self.attestation_key, -7, message), "x5c": chain}

    def _envelope(self, credential_id: bytes) -> JSON:
        identifier = base64url.encode(credential_id)
        attachment = "platform" if "internal" in self.transports else "cross-platform"
        return {"id": identifier, "rawId": identifier, "type": "public-key", "authenticatorAttachment": attachment}

    @staticmethod
    def _subject_public_key_info(credential: Credential) -> bytes:
        return credential.private_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
