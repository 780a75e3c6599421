"""`packed` attestation as our own relying party judges it: by the organisation's certificate, or by the credential's
own key (WebAuthn L3 §8.2)."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ObjectIdentifier
from fido2 import cbor

from ostiary import passkeys
from ostiary.authenticator import AttestationIdentity, KeyStore
from ostiary.authenticator.keys import memory_key_store
from ostiary.authenticator.ports import SecretBox
from ostiary.passkeys import AttestationKind
from tests.authenticator.engine.platform import (
    EDDSA,
    ES256,
    GET_ASSERTION,
    MAKE_CREDENTIAL,
    RP_ID,
    Data,
    Platform,
    Status,
)
from tests.software_authenticator import AttestationAuthority, name

AAGUID_EXTENSION = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
ORIGIN = f"https://{RP_ID}"
CHALLENGE = bytes(range(32))
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def client_data(kind: str) -> bytes:
    members = {"type": kind, "challenge": encoded(CHALLENGE), "origin": ORIGIN, "crossOrigin": False}
    return json.dumps(members, separators=(",", ":")).encode()


def envelope(credential_id: bytes, response: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": encoded(credential_id),
        "rawId": encoded(credential_id),
        "type": "public-key",
        "response": response,
        "clientExtensionResults": {},
    }


def register(platform: Platform, *anchors: x509.Certificate, **fields: Any) -> passkeys.VerifiedRegistration:
    """A registration ceremony, judged."""
    content = client_data("webauthn.create")
    request = (
        platform.creation() | {1: hashlib.sha256(content).digest()} | {int(key[1:]): fields[key] for key in fields}
    )
    answer = platform.send(MAKE_CREDENTIAL, request)
    attestation_object = cbor.encode({"fmt": answer[1], "authData": answer[2], "attStmt": answer[3]})
    credential_id = Data.of(answer[2]).credential_id
    response = {"clientDataJSON": encoded(content), "attestationObject": encoded(attestation_object)}
    return passkeys.verify_registration(
        response=passkeys.parse_registration_response(envelope(credential_id, response)),
        challenge=CHALLENGE,
        origins=(ORIGIN,),
        rp_id=RP_ID,
        trust_anchors=anchors,
        at=NOW,
    )


class Store(KeyStore, SecretBox, Protocol):
    """Keeps keys of its own, too."""


def enrol(keys: Store, authority: AttestationAuthority, *rp_ids: str) -> None:
    aaguid = x509.UnrecognizedExtension(AAGUID_EXTENSION, b"\x04\x10" + keys.aaguid)
    certificate = authority.issue(
        subject=name(common_name="Ostiary Authenticator"),
        key=keys.generate_key("attestation"),
        extensions=[(aaguid, False)],
    )
    chain = (certificate.public_bytes(Encoding.DER),)
    keys.enrol(AttestationIdentity(frozenset(rp_ids), chain, b"attestation"))


@pytest.mark.parametrize("algorithm", [ES256, EDDSA], ids=("ES256", "EdDSA"))
def test_an_authenticator_nobody_enrolled_attests_by_itself(algorithm: dict[str, Any]) -> None:
    registered = register(Platform(), _4=[algorithm])
    assert registered.attestation.kind is AttestationKind.SELF
    assert registered.algorithm == algorithm["alg"]
    assert not registered.backup_eligible
    assert registered.user_verified


@pytest.mark.parametrize("algorithm", [ES256, EDDSA], ids=("ES256", "EdDSA"))
def test_an_enrolled_one_is_vouched_for_by_the_organisation(algorithm: dict[str, Any]) -> None:
    keys, authority = memory_key_store(), AttestationAuthority()
    enrol(keys, authority, RP_ID)
    registered = register(Platform(keys=keys), authority.certificate, _4=[algorithm])
    assert registered.attestation.kind is AttestationKind.ATTESTED
    assert registered.attestation.covers_aaguid
    assert registered.aaguid == passkeys.Aaguid(keys.aaguid)


def test_is_known_to_no_other_organisation() -> None:
    keys = memory_key_store()
    enrol(keys, AttestationAuthority(), "login.fabrikam.example")
    registered = register(Platform(keys=keys))
    assert registered.attestation.kind is AttestationKind.SELF


def test_the_organisations_root_is_the_relying_partys_to_know() -> None:
    keys = memory_key_store()
    enrol(keys, AttestationAuthority(), RP_ID)
    registered = register(Platform(keys=keys), AttestationAuthority().certificate)
    assert registered.attestation.kind is AttestationKind.UNTRUSTED


def test_signs_in_as_our_relying_party_wants() -> None:
    platform = Platform()
    registered = register(platform)
    content = client_data("webauthn.get")
    answer = platform.send(GET_ASSERTION, platform.assertion(uv=True) | {2: hashlib.sha256(content).digest()})
    response = {
        "clientDataJSON": encoded(content),
        "authenticatorData": encoded(answer[2]),
        "signature": encoded(answer[3]),
        "userHandle": encoded(answer[4]["id"]),
    }
    verified = passkeys.verify_authentication(
        response=passkeys.parse_authentication_response(envelope(answer[1]["id"], response)),
        challenge=CHALLENGE,
        origins=(ORIGIN,),
        rp_id=RP_ID,
        credential=Record(registered),
    )
    assert verified.user_verified
    assert verified.sign_count > registered.sign_count


class Record:
    """A credential record."""

    def __init__(self, registered: passkeys.VerifiedRegistration) -> None:
        self.credential_id = registered.credential_id
        self.public_key = registered.public_key
        self.sign_count = registered.sign_count
        self.backup_eligible = registered.backup_eligible
        self.user_handle = b"ada"


def test_leaves_nothing_behind_that_nobody_was_told_of() -> None:
    keys: KeyStore = memory_key_store()
    faults: list[Exception] = []
    keys.attestation_for = lambda rp_id: 1 // 0  # type: ignore[method-assign,assignment,return-value]
    platform = Platform(keys=keys)
    platform.engine._on_fault = faults.append
    assert platform.status(MAKE_CREDENTIAL, platform.creation()) == Status.OTHER
    assert len(faults) == 1
    assert not keys.credentials()
