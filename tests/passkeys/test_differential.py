"""Honest messages before three verifiers: ours, and the two libraries of the field.

Where a peer says no to an honest message, that is listed here, and the list is kept true: a peer that has learnt
it makes the test fail.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest
import webauthn
from cryptography.exceptions import InvalidSignature
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.webauthn import Aaguid as Fido2Aaguid
from fido2.webauthn import AttestedCredentialData, PublicKeyCredentialRpEntity
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException

from ostiary.passkeys import CeremonyError, base64url, cbor
from tests.passkeys.ceremonies import (
    CHALLENGE,
    ORIGIN,
    RP_ID,
    Record,
    creation_options,
    record_of,
    request_options,
    verify_authentication,
    verify_registration,
)
from tests.software_authenticator import SoftwareAuthenticator

STATE: Final = {"challenge": base64url.encode(CHALLENGE), "user_verification": "required"}
KINDS: Final = ("none", "self", "packed")
ALGORITHMS: Final = (-7, -8, -35, -36, -48, -49, -53, -257)

# Known disagreements: honest messages that a peer refuses, for want of the algorithm ...
UNKNOWN_TO_PEERS: Final[dict[str, set[int]]] = {"webauthn": {-35, -53}, "fido2": set()}

# ... and messages to be refused that a peer accepts.
LAX: Final[dict[str, tuple[dict[str, Any], set[str]]]] = {
    "cross-origin call nobody expects": ({"cross_origin": True}, {"webauthn", "fido2"}),
    "top origin nobody expects": ({"cross_origin": True, "top_origin": "https://evil.example"}, {"webauthn", "fido2"}),
    "backup eligibility changed": ({"be": True}, {"webauthn", "fido2"}),
    "backed up but not eligible": ({"bs": True}, {"fido2"}),
    "client data with a member twice": (
        {"edit_client_data": lambda data: b'{"origin":"https://evil.example",' + data[1:]},
        {"webauthn", "fido2"},
    ),
    "client data with a number that is none": (
        {"edit_client_data": lambda data: data[:-1] + b',"extra":NaN}'},
        {"webauthn", "fido2"},
    ),
}

REFUSALS: Final[dict[str, tuple[type[Exception], ...]]] = {
    "webauthn": (WebAuthnException,),
    "fido2": (ValueError, InvalidSignature),
}


def register_with_webauthn(data: dict[str, Any]) -> bytes:
    return webauthn.verify_registration_response(
        credential=data,
        expected_challenge=CHALLENGE,
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        require_user_verification=True,
        supported_pub_key_algs=list(COSEAlgorithmIdentifier),
    ).credential_public_key


def register_with_fido2(data: dict[str, Any]) -> bytes:
    server = Fido2Server(PublicKeyCredentialRpEntity(id=RP_ID, name="Contoso"))
    credential = server.register_complete(STATE, data).credential_data
    assert credential is not None
    return cbor.encode(dict(credential.public_key))


def authenticate_with_webauthn(data: dict[str, Any], record: Record) -> int:
    return webauthn.verify_authentication_response(
        credential=data,
        expected_challenge=CHALLENGE,
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        credential_public_key=record.public_key,
        credential_current_sign_count=record.sign_count,
        require_user_verification=True,
    ).new_sign_count


def authenticate_with_fido2(data: dict[str, Any], record: Record) -> int:
    parameters = cbor.decode(record.public_key)
    assert isinstance(parameters, dict)
    key: Any = parameters
    known = AttestedCredentialData.create(Fido2Aaguid(bytes(16)), record.credential_id, CoseKey.parse(key))
    server = Fido2Server(PublicKeyCredentialRpEntity(id=RP_ID, name="Contoso"))
    server.authenticate_complete(STATE, [known], data)
    # This peer leaves the counter to the caller: it is where the specification puts it.
    return int.from_bytes(base64url.decode(data["response"]["authenticatorData"])[33:37], "big")


REGISTER: Final[dict[str, Callable[[dict[str, Any]], bytes]]] = {
    "webauthn": register_with_webauthn,
    "fido2": register_with_fido2,
}
AUTHENTICATE: Final[dict[str, Callable[[dict[str, Any], Record], int]]] = {
    "webauthn": authenticate_with_webauthn,
    "fido2": authenticate_with_fido2,
}


@pytest.mark.parametrize("peer", REGISTER)
@pytest.mark.parametrize("attestation", KINDS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_all_accept_an_honest_ceremony(algorithm: int, attestation: Any, peer: str) -> None:
    authenticator = SoftwareAuthenticator(algorithm=algorithm, attestation=attestation)
    created = authenticator.create(creation_options(), ORIGIN)
    facts = verify_registration(created)
    answered = authenticator.get(request_options(), ORIGIN)
    ours = verify_authentication(answered, record_of(facts))
    if algorithm in UNKNOWN_TO_PEERS[peer]:
        with pytest.raises(REFUSALS[peer]):
            REGISTER[peer](created)
        return
    assert REGISTER[peer](created) == facts.public_key
    assert AUTHENTICATE[peer](answered, record_of(facts)) == ours.sign_count == 1


@pytest.mark.parametrize("peer", REGISTER)
@pytest.mark.parametrize("backed_up", [True, False])
def test_all_accept_a_synced_credential_with_extensions(backed_up: bool, peer: str) -> None:
    authenticator = SoftwareAuthenticator(backup_eligible=True, backup_state=backed_up)
    created = authenticator.create(creation_options(), ORIGIN, extensions={"credProtect": 2, "hmac-secret": True})
    facts = verify_registration(created)
    assert REGISTER[peer](created) == facts.public_key
    answered = authenticator.get(request_options(), ORIGIN, extensions={"hmac-secret": bytes(32)})
    verify_authentication(answered, record_of(facts))
    assert AUTHENTICATE[peer](answered, record_of(facts)) == 0


@pytest.mark.parametrize("peer", REGISTER)
@pytest.mark.parametrize(
    "tampering",
    [
        {"challenge": bytes(32)},
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"type": "webauthn.create"},
        {"uv": False},
        {"up": False},
        {"edit_signature": lambda signature: signature[:-1] + bytes([signature[-1] ^ 1])},
    ],
)
def test_all_refuse_what_is_plainly_wrong(tampering: dict[str, Any], peer: str) -> None:
    authenticator = SoftwareAuthenticator()
    record = record_of(verify_registration(authenticator.create(creation_options(), ORIGIN)))
    answered = authenticator.get(request_options(), **{"origin": ORIGIN, **tampering})
    with pytest.raises(REFUSALS[peer]):
        AUTHENTICATE[peer](answered, record)
    with pytest.raises(CeremonyError):
        verify_authentication(answered, record)


@pytest.mark.parametrize("wrong", LAX)
def test_refuses_what_peers_let_pass(wrong: str) -> None:
    tampering, accepting_peers = LAX[wrong]
    authenticator = SoftwareAuthenticator()
    record = record_of(verify_registration(authenticator.create(creation_options(), ORIGIN)))
    answered = authenticator.get(request_options(), ORIGIN, **tampering)
    with pytest.raises(CeremonyError):
        verify_authentication(answered, record)
    accepted = set()
    for peer, judge in AUTHENTICATE.items():
        with suppress(*REFUSALS[peer]):
            judge(answered, record)
            accepted.add(peer)
    assert accepted == accepting_peers
