"""What a hostile or broken client may send to the two ceremonies, and that nothing comes of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ostiary.clock import MINUTE
from ostiary.passkeys import base64url
from ostiary.passkeys.cbor import CborEncodable
from tests.organisation import ORIGIN, Browser, Organisation
from tests.server.reading import problem_of, recorded_problem
from tests.software_authenticator import SoftwareAuthenticator

OPTIONS, REGISTER = "/security-info/passkeys/options", "/security-info/passkeys"
BEGIN, SIGN_IN = "/sign-in/passkey/options", "/sign-in/passkey"
JSON_TYPE = {"content-type": "application/json"}
Answer = dict[str, Any]
Edit = Callable[[bytes], bytes]


def _flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _cut(data: bytes) -> bytes:
    return data[:-1]


def _longer(data: bytes) -> bytes:
    return data + b"\x00"


def _stored(org: Organisation) -> object:
    """Everything that a refused request must leave as it was."""
    return [(org.credentials(name), org.methods(name), org.sessions(name)) for name in ("ada", "grace")]


# --- before any ceremony


@pytest.mark.parametrize("path", [OPTIONS, REGISTER, BEGIN, SIGN_IN, "/ceremonies/reports"])
@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", JSON_TYPE, 400, "malformed_json"),
        (b'{"a": 1}}', JSON_TYPE, 400, "malformed_json"),
        (b"\xff\xfe{}", JSON_TYPE, 400, "malformed_json"),
        (b'{"a": "\xc3"}', JSON_TYPE, 400, "malformed_json"),
        (b"[]", JSON_TYPE, 400, "malformed_json"),
        (b"null", JSON_TYPE, 400, "malformed_json"),
        (b'"text"', JSON_TYPE, 400, "malformed_json"),
        (b"[" * 50_000, JSON_TYPE, 400, "malformed_json"),
        (b'{"a":' * 10_000, JSON_TYPE, 400, "malformed_json"),
        (b'{"a": ' + b"1" * 10_000 + b"}", JSON_TYPE, 400, "malformed_json"),
        (b"a=b", {"content-type": "application/x-www-form-urlencoded"}, 415, "media_type_unsupported"),
        (b"{}", {"content-type": "text/plain"}, 415, "media_type_unsupported"),
        (b"{}", {"content-type": ""}, 415, "media_type_unsupported"),
        (b" " * 70_000, JSON_TYPE, 413, "body_too_large"),
    ],
)
def test_refuses_a_body_that_is_no_json_object(
    ada: Browser, path: str, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    recorded_problem(ada, ada.request("POST", path, content=body, headers=headers), status, code)
    assert ada.get("/security-info").status_code == 200


def test_refuses_a_body_that_grows_too_large(org: Organisation, ada: Browser) -> None:
    """Without a length told beforehand, and more than is announced."""

    def pieces() -> Any:
        for _ in range(100):
            yield b" " * 1024

    response = org.client.request("POST", BEGIN, content=pieces(), headers=JSON_TYPE)
    problem_of(response, 413, "body_too_large")


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"username=ada&username=grace", {}, 400, "malformed_form"),
        (b"username=%ff", {}, 400, "malformed_form"),
        (b"username=%00", {}, 400, "malformed_form"),
        (b"username=\xc3\xa9", {}, 400, "malformed_form"),
        (b"&".join(b"a%d=1" % i for i in range(60)), {}, 400, "malformed_form"),
        (b"username=" + b"a" * 70_000, {}, 413, "body_too_large"),
        (b'{"username": "ada"}', JSON_TYPE, 415, "media_type_unsupported"),
        (b"--x--", {"content-type": "multipart/form-data; boundary=x"}, 415, "media_type_unsupported"),
    ],
)
def test_refuses_a_form_that_is_none(
    org: Organisation, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    browser = org.browser()
    sent = {"content-type": "application/x-www-form-urlencoded", **headers}
    recorded_problem(browser, browser.request("POST", "/sign-in", content=body, headers=sent), status, code)


@pytest.mark.parametrize("username", [5, True, ["ada"], {"a": 1}])
def test_refuses_a_username_of_another_type(org: Organisation, username: object) -> None:
    browser = org.browser()
    recorded_problem(browser, browser.send(BEGIN, {"username": username}), 400, "request_invalid")


# --- the answer of the browser, as JSON

_MALFORMED: list[tuple[str, Callable[[Answer], object]]] = [
    ("nothing", lambda answer: answer.clear()),
    ("no response", lambda answer: answer.pop("response")),
    ("response is text", lambda answer: answer.update(response="text")),
    ("response is a list", lambda answer: answer.update(response=[answer["response"]])),
    ("no type", lambda answer: answer.pop("type")),
    ("another type", lambda answer: answer.update(type="password")),
    ("no id", lambda answer: answer.pop("id")),
    ("id is not rawId", lambda answer: answer.update(id="AAAA")),
    ("ids are numbers", lambda answer: answer.update(id=5, rawId=5)),
    ("ids are empty", lambda answer: answer.update(id="", rawId="")),
    ("ids are no base64url", lambda answer: answer.update(id="a+/=", rawId="a+/=")),
    ("padding", lambda answer: answer.update(id=answer["id"] + "=", rawId=answer["id"] + "=")),
    ("no client data", lambda answer: answer["response"].pop("clientDataJSON")),
    ("client data is null", lambda answer: answer["response"].update(clientDataJSON=None)),
    ("client data is half a character", lambda answer: answer["response"].update(clientDataJSON="\ud800")),
    ("extensions are a list", lambda answer: answer.update(clientExtensionResults=[])),
    ("attachment is a list", lambda answer: answer.update(authenticatorAttachment=[])),
]
_MALFORMED_REGISTRATION: list[tuple[str, Callable[[Answer], object]]] = [
    ("no attestation object", lambda answer: answer["response"].pop("attestationObject")),
    ("attestation object is a number", lambda answer: answer["response"].update(attestationObject=5)),
    ("transports is text", lambda answer: answer["response"].update(transports="usb")),
    ("transports are numbers", lambda answer: answer["response"].update(transports=[5])),
    ("transports are many", lambda answer: answer["response"].update(transports=["usb"] * 1000)),
]
_MALFORMED_AUTHENTICATION: list[tuple[str, Callable[[Answer], object]]] = [
    ("no signature", lambda answer: answer["response"].pop("signature")),
    ("signature is empty", lambda answer: answer["response"].update(signature="")),
    ("no authenticator data", lambda answer: answer["response"].pop("authenticatorData")),
    ("user handle is long", lambda answer: answer["response"].update(userHandle="A" * 200)),
    ("user handle is a number", lambda answer: answer["response"].update(userHandle=5)),
]


def _named(cases: list[tuple[str, Callable[[Answer], object]]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("change", [change for _, change in cases], ids=[name for name, _ in cases])


def _send_raw(browser: Browser, path: str, answer: Answer) -> Any:
    """By `json.dumps`, which spells half a character as an escape."""
    return browser.request("POST", path, content=json.dumps(answer).encode(), headers=JSON_TYPE)


@_named(_MALFORMED + _MALFORMED_REGISTRATION)
def test_refuses_a_malformed_registration(org: Organisation, ada: Browser, change: Callable[[Answer], object]) -> None:
    answer = SoftwareAuthenticator().create(ada.send(OPTIONS, {}).json(), ORIGIN)
    change(answer)
    before = _stored(org)
    recorded_problem(ada, _send_raw(ada, REGISTER, answer), 400, "malformed_response")
    assert _stored(org) == before
    assert ada.register(SoftwareAuthenticator()).status_code == 201


@_named(_MALFORMED + _MALFORMED_AUTHENTICATION)
def test_refuses_a_malformed_assertion(
    org: Organisation, laptop: SoftwareAuthenticator, change: Callable[[Answer], object]
) -> None:
    browser = org.browser()
    answer = laptop.get(browser.send(BEGIN, {}).json(), ORIGIN)
    change(answer)
    before = _stored(org)
    recorded_problem(browser, _send_raw(browser, SIGN_IN, answer), 400, "malformed_response")
    assert _stored(org) == before
    assert browser.sign_in_with(laptop).status_code == 200


# --- the answer of the browser, as signed

_BOTH: list[tuple[dict[str, Any], str]] = [
    ({"client_data": {"origin": "https://login.contoso.example.evil.example"}}, "origin_mismatch"),
    ({"client_data": {"origin": "http://login.contoso.example"}}, "origin_mismatch"),
    ({"client_data": {"origin": "https://login.contoso.example:444"}}, "origin_mismatch"),
    ({"client_data": {"origin": "null"}}, "origin_mismatch"),
    ({"rp_id": "contoso.example"}, "rp_id_mismatch"),
    ({"rp_id": "evil.example"}, "rp_id_mismatch"),
    ({"cross_origin": True}, "cross_origin_refused"),
    ({"top_origin": "https://evil.example"}, "cross_origin_refused"),
    ({"uv": False}, "user_verification_missing"),
    ({"up": False}, "user_presence_missing"),
    ({"bs": True}, "backup_state_invalid"),
    ({"edit_client_data": _cut}, "malformed_client_data"),
    ({"edit_client_data": _longer}, "malformed_client_data"),
    ({"client_data": {"challenge": 5}}, "malformed_client_data"),
    ({"client_data": {"type": None}}, "malformed_client_data"),
    ({"edit_authenticator_data": _longer}, "malformed_authenticator_data"),
    ({"edit_authenticator_data": lambda data: data[:30]}, "malformed_authenticator_data"),
    ({"challenge": b"another challenge of our own make"}, "challenge_unknown"),
]
_REGISTRATION: list[tuple[dict[str, Any], str]] = [
    ({"type": "webauthn.get"}, "type_mismatch"),
    ({"edit_attestation_object": _cut}, "malformed_cbor"),
    ({"edit_attestation_object": _longer}, "malformed_cbor"),
    ({"edit_attestation_object": lambda data: b"\xa0"}, "malformed_cbor"),
    ({"edit_attestation_object": lambda data: b"\xff"}, "malformed_cbor"),
    ({"edit_attestation_object": lambda data: b"\x81" * 5000}, "malformed_cbor"),
    ({"fmt": "home-made"}, "attestation_format_unknown"),
    ({"statement": {"sig": b"x"}}, "attestation_invalid"),
    ({"edit_authenticator_data": lambda data: data[:37]}, "malformed_authenticator_data"),
    ({"at": False}, "malformed_authenticator_data"),
    ({"public_key": b"\xa0"}, "public_key_invalid"),
    ({"algorithm": -19}, "algorithm_not_offered"),
    ({"credential_id": b"x" * 1024}, "credential_id_too_long"),
]
_AUTHENTICATION: list[tuple[dict[str, Any], str]] = [
    ({"type": "webauthn.create"}, "type_mismatch"),
    ({"edit_signature": _flip}, "signature_invalid"),
    ({"edit_signature": _cut}, "signature_invalid"),
    ({"edit_signature": _longer}, "signature_invalid"),
    ({"edit_signature": lambda data: b"\x00"}, "signature_invalid"),
    ({"user_handle": b"somebody else"}, "user_handle_mismatch"),
    ({"be": True}, "backup_eligibility_changed"),
    ({"ed": True}, "malformed_cbor"),
]


def _tampered(cases: list[tuple[dict[str, Any], str]]) -> pytest.MarkDecorator:
    ids = [f"{code}-{number}" for number, (_, code) in enumerate(cases)]
    return pytest.mark.parametrize(("tampering", "code"), cases, ids=ids)


@_tampered(_BOTH + _REGISTRATION)
def test_refuses_a_registration(org: Organisation, ada: Browser, tampering: dict[str, Any], code: str) -> None:
    before = _stored(org)
    recorded_problem(ada, ada.register(SoftwareAuthenticator(), **tampering), 400, code)
    assert _stored(org) == before
    assert ada.get("/security-info").status_code == 200
    assert ada.register(SoftwareAuthenticator()).status_code == 201


@_tampered(_BOTH + _AUTHENTICATION)
def test_refuses_an_assertion(
    org: Organisation, laptop: SoftwareAuthenticator, tampering: dict[str, Any], code: str
) -> None:
    browser, before = org.browser(), _stored(org)
    recorded_problem(browser, browser.sign_in_with(laptop, **tampering), 400, code)
    assert _stored(org) == before
    assert browser.get("/security-info").status_code == 303
    assert browser.sign_in_with(laptop).status_code == 200


def test_refuses_an_attestation_that_does_not_hold(org: Organisation, ada: Browser) -> None:
    forged = SoftwareAuthenticator(attestation="packed")
    options = {**ada.send(OPTIONS, {}).json(), "attestation": "direct"}
    statement: dict[str, CborEncodable] = {
        "alg": -7,
        "sig": b"\x30\x06\x02\x01\x01\x02\x01\x01",
        "x5c": [certificate.public_bytes(Encoding.DER) for certificate in forged.attestation_chain],
    }
    recorded_problem(
        ada, ada.send(REGISTER, forged.create(options, ORIGIN, statement=statement)), 400, "attestation_invalid"
    )
    assert org.credentials() == []


# --- the challenge


def test_refuses_a_challenge_used_before(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    browser = org.browser()
    options = browser.send(BEGIN, {}).json()
    assert browser.send(SIGN_IN, laptop.get(options, ORIGIN)).status_code == 200
    recorded_problem(browser, browser.send(SIGN_IN, laptop.get(options, ORIGIN)), 400, "challenge_unknown")
    options = ada.send(OPTIONS, {}).json()
    assert ada.send(REGISTER, SoftwareAuthenticator().create(options, ORIGIN)).status_code == 201
    answer = ada.send(REGISTER, SoftwareAuthenticator().create(options, ORIGIN))
    recorded_problem(ada, answer, 400, "challenge_unknown")
    assert len(org.credentials()) == 2


def test_a_challenge_is_spent_by_a_failure_too(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    browser = org.browser()
    options = browser.send(BEGIN, {}).json()
    browser.send(SIGN_IN, laptop.get(options, ORIGIN, edit_signature=_flip))
    problem_of(browser.send(SIGN_IN, laptop.get(options, ORIGIN)), 400, "challenge_unknown")
    options = ada.send(OPTIONS, {}).json()
    ada.send(REGISTER, SoftwareAuthenticator().create(options, ORIGIN, uv=False))
    problem_of(ada.send(REGISTER, SoftwareAuthenticator().create(options, ORIGIN)), 400, "challenge_unknown")


def test_refuses_a_challenge_that_has_expired(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    browser = org.browser()
    options, creation = browser.send(BEGIN, {}).json(), ada.send(OPTIONS, {}).json()
    org.clock.advance(5 * MINUTE)
    recorded_problem(browser, browser.send(SIGN_IN, laptop.get(options, ORIGIN)), 400, "challenge_expired")
    answer = ada.send(REGISTER, SoftwareAuthenticator().create(creation, ORIGIN))
    recorded_problem(ada, answer, 400, "challenge_expired")


def test_a_challenge_lasts_as_long_as_the_browser_was_told(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    browser = org.browser()
    options = browser.send(BEGIN, {}).json()
    org.clock.advance(options["timeout"] - 1)
    assert browser.send(SIGN_IN, laptop.get(options, ORIGIN)).status_code == 200


def test_refuses_a_challenge_of_another_browser(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    victim, thief = org.browser(), org.browser()
    options = victim.send(BEGIN, {}).json()
    thief.send(BEGIN, {})
    recorded_problem(thief, thief.send(SIGN_IN, laptop.get(options, ORIGIN)), 400, "challenge_foreign")
    assert victim.send(SIGN_IN, laptop.get(options, ORIGIN)).status_code == 200  # it stays theirs to use


def test_refuses_a_challenge_of_another_session(org: Organisation, ada: Browser) -> None:
    grace = org.signed_in("grace")
    options = ada.send(OPTIONS, {}).json()
    answer = grace.send(REGISTER, SoftwareAuthenticator().create(options, ORIGIN))
    recorded_problem(grace, answer, 400, "challenge_foreign")
    assert org.credentials("grace") == org.credentials("ada") == []


def test_refuses_a_challenge_of_the_other_ceremony(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    ada.cookies["__Host-ostiary-sign-in"] = ada.cookies["__Host-ostiary-session"]  # so that both are bound to one value
    creation, request = ada.send(OPTIONS, {}).json(), ada.send(BEGIN, {}).json()
    swapped = {**creation, "challenge": request["challenge"]}
    answer = ada.send(REGISTER, SoftwareAuthenticator().create(swapped, ORIGIN))
    recorded_problem(ada, answer, 400, "challenge_foreign")
    swapped = {**request, "challenge": creation["challenge"]}
    recorded_problem(ada, ada.send(SIGN_IN, laptop.get(swapped, ORIGIN)), 400, "challenge_foreign")


# --- the credential


def test_refuses_a_credential_nobody_has(org: Organisation, ada: Browser) -> None:
    stranger = SoftwareAuthenticator()
    stranger.create(ada.send(OPTIONS, {}).json(), ORIGIN)
    browser = org.browser()
    recorded_problem(browser, browser.sign_in_with(stranger), 404, "credential_unknown")


def test_refuses_a_credential_that_was_deleted(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    browser = org.browser()
    options = browser.send(BEGIN, {}).json()
    ada.send(f"/security-info/methods/{org.method('passkey').id}", {}, verb="DELETE")
    answer = browser.send(SIGN_IN, laptop.get(options, ORIGIN))
    recorded_problem(browser, answer, 404, "credential_unknown")


def test_refuses_a_signature_of_one_credential_under_the_name_of_another(
    org: Organisation, laptop: SoftwareAuthenticator
) -> None:
    grace, key = org.signed_in("grace"), SoftwareAuthenticator()
    grace.register(key)
    browser = org.browser()
    answer = key.get(browser.send(BEGIN, {}).json(), ORIGIN)
    answer["id"] = answer["rawId"] = base64url.encode(laptop.credentials[0].id)
    answer["response"]["userHandle"] = base64url.encode(org.person("ada").user_handle)
    recorded_problem(browser, browser.send(SIGN_IN, answer), 400, "signature_invalid")
    assert len(org.sessions("ada")) == 1


def test_a_copied_passkey_signs_in_and_is_reported(org: Organisation, ada: Browser) -> None:
    """WebAuthn L3 §6.1.1: a counter that goes back may be a copy. Let through, audited, told."""
    key = SoftwareAuthenticator()
    ada.register(key)
    assert org.browser().sign_in_with(key, sign_count=100).status_code == 200
    assert org.events("person:passkey:suspect") == []
    assert org.browser().sign_in_with(key, sign_count=100).status_code == 200
    event = org.events("person:passkey:suspect")[0]
    assert (event.target, event.method_id) == ("ada@contoso.example", org.method("passkey").id)
    assert "may have been copied" in ada.get("/security-info").text


def test_a_synced_passkey_that_does_not_count_is_no_suspect(org: Organisation, ada: Browser) -> None:
    key = SoftwareAuthenticator(backup_eligible=True, backup_state=True)
    ada.register(key)
    for _ in range(2):
        assert org.browser().sign_in_with(key).status_code == 200
    assert org.events("person:passkey:suspect") == []
