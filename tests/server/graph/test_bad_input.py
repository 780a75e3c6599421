"""Whatever is sent, the answer is one of ours: named, in Graph's shape, and never a 500."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oidc.native_app import NativeApp
from tests.organisation import Organisation
from tests.server.graph.reading import refused

FIDO2 = "/v1.0/me/authentication/fido2Methods"
WRITES = (
    FIDO2,
    "/v1.0/ostiary/me/authenticators",
    "/v1.0/ostiary/me/attestation",
    "/v1.0/ostiary/me/softwareOathMethods/x/confirm",
)
CREDENTIAL = {"id": "AAAA", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    ("content", "reason", "status"),
    [
        (b"", "request_invalid", 400),
        (b"{", "malformed_json", 400),
        (b"\xff", "malformed_json", 400),
        (b"[" * 60_000, "malformed_json", 400),
        (b'{"a":' + b"9" * 6000 + b"}", "malformed_json", 400),
        (b"[]", "request_invalid", 400),
        (b"null", "request_invalid", 400),
        (b'"text"', "request_invalid", 400),
        (b"{}", "request_invalid", 400),
        (b" " * 65_537, "body_too_large", 413),
    ],
)
def test_refuses_a_body_that_is_not_what_is_asked_for(
    app: NativeApp, path: str, content: bytes, reason: str, status: int
) -> None:
    headers = {"authorization": f"Bearer {app.tokens['access_token']}", "content-type": "application/json"}
    refused(app.org.client.post(path, content=content, headers=headers), status, reason)


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_refuses_a_body_that_is_no_json(app: NativeApp, media_type: str) -> None:
    headers = {"authorization": f"Bearer {app.tokens['access_token']}", "content-type": media_type}
    refused(app.org.client.post(FIDO2, content=b"{}", headers=headers), 415, "media_type_unsupported")


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({"displayName": 7, "publicKeyCredential": CREDENTIAL}, "body.displayName"),
        ({"displayName": "x"}, "body.publicKeyCredential"),
        ({"publicKeyCredential": {**CREDENTIAL, "id": 7}}, "body.publicKeyCredential.id"),
        ({"publicKeyCredential": {"id": "AAAA"}}, "body.publicKeyCredential.response"),
        ({"publicKeyCredential": {**CREDENTIAL, "response": []}}, "body.publicKeyCredential.response"),
    ],
)
def test_refuses_a_passkey_of_the_wrong_form_and_says_where(app: NativeApp, body: Any, target: str) -> None:
    response = app.call("POST", FIDO2, body)
    error = refused(response, 400, "request_invalid")
    assert error["details"][0]["target"] == target
    assert "input" not in response.text


def test_refuses_half_a_character(app: NativeApp) -> None:
    headers = {"authorization": f"Bearer {app.tokens['access_token']}", "content-type": "application/json"}
    content = rb'{"code": "\ud800"}'
    response = app.org.client.post("/v1.0/ostiary/me/softwareOathMethods/x/confirm", content=content, headers=headers)
    assert refused(response, 400, "request_invalid")["details"][0]["target"] == "body.code"


@pytest.mark.parametrize(
    "credential",
    [
        CREDENTIAL,
        {**CREDENTIAL, "id": ""},
        {**CREDENTIAL, "id": "not base64url!"},
        {**CREDENTIAL, "response": {"clientDataJSON": "", "attestationObject": ""}},
        {**CREDENTIAL, "response": {"clientDataJSON": "W10", "attestationObject": "oA"}},
        {**CREDENTIAL, "response": {**CREDENTIAL["response"], "transports": ["usb"] * 100}},  # type: ignore[dict-item]
    ],
)
def test_refuses_a_passkey_that_is_none(app: NativeApp, credential: Any) -> None:
    response = app.call("POST", FIDO2, {"displayName": "x", "publicKeyCredential": credential})
    assert response.status_code == 400
    assert response.json()["error"]["innerError"]["reason"].startswith(("malformed_", "challenge_"))


@pytest.mark.parametrize(
    "path",
    [
        "/v1.0/",
        "/v1.0/nothing",
        "/beta/users",
        "/v1.0/me/",
        "/v1.0/ME",
        "/v1.0/me%2fx",
        "/v1.0/me%00",
        "/v1.0/é",
    ],
)
@pytest.mark.parametrize("verb", ["GET", "POST", "PATCH"])
def test_refuses_a_path_there_is_not(org: Organisation, verb: str, path: str) -> None:
    refused(org.client.request(verb, path, headers={"accept": "text/html"}), 404, "page_unknown")


@pytest.mark.parametrize(
    ("verb", "path"), [("POST", "/v1.0/me"), ("PUT", FIDO2), ("GET", "/v1.0/ostiary/me/attestation")]
)
def test_refuses_a_verb_there_is_not(app: NativeApp, verb: str, path: str) -> None:
    response = app.call(verb, path)
    refused(response, 405, "verb_not_allowed")
    assert response.headers["allow"]


def test_refuses_a_write_from_another_site(app: NativeApp) -> None:
    headers = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    refused(app.call("POST", FIDO2, {}, **headers), 403, "cross_site_request")


def test_says_what_it_calls_the_request(app: NativeApp) -> None:
    mine = "6f1b0d4e-0000-4000-8000-000000000001"
    response = app.get("/v1.0/me", **{"client-request-id": mine})
    assert response.headers["client-request-id"] == mine
    assert response.headers["request-id"] != mine
    for strange in ("x" * 65, "a b", "<script>"):
        response = app.get("/v1.0/me", **{"client-request-id": strange})
        assert response.headers["client-request-id"] == response.headers["request-id"]


def test_a_failure_tells_nothing_of_itself(app: NativeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr("ostiary.web.graph.methods.list_methods", fail)
    response = app.get("/v1.0/me/authentication/methods")
    error = refused(response, 500, "internal_error")
    assert error["code"] == "generalException"
    assert "secret" not in response.text
    assert "ZeroDivision" not in response.text


def test_speaks_the_callers_language(app: NativeApp) -> None:
    error = app.get(f"{FIDO2}/nothing", **{"accept-language": "ar"}).json()["error"]
    assert not error["message"].isascii()
    assert error["innerError"]["reason"] == "method_unknown"


def test_only_what_is_ours_is_described(org: Organisation) -> None:
    document = org.client.get("/v1.0/openapi.json").json()
    assert document["paths"]
    assert all(path.startswith("/ostiary/") for path in document["paths"])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ("displayName", "publicKeyCredential", "deviceKey", "model", "appVersion", "platform", "request", "code")
KEYS = ("kty", "crv", "x", "y", "d", "id", "response", "clientDataJSON", "attestationObject", "transports")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(WRITES),
    body=st.dictionaries(
        st.sampled_from(MEMBERS), VALUES | st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5), max_size=8
    ),
)
def test_no_body_is_answered_with_a_failure(app: NativeApp, path: str, body: Any) -> None:
    response = app.call("POST", path, body)
    assert 400 <= response.status_code < 500, response.text
    assert response.json()["error"]["innerError"]["reason"]
