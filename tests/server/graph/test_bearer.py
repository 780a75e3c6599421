"""Who may call: what is signed by us, for us, of a grant that is alive."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from ostiary.clock import HOUR, MINUTE, SECOND
from ostiary.oidc import keys
from ostiary.passkeys.base64url import decode, encode
from tests.oidc.native_app import NativeApp
from tests.organisation import ORIGIN, Organisation
from tests.server.graph.reading import refused

ME = "/v1.0/me"
CREATION_OPTIONS = "/v1.0/me/authentication/fido2Methods/creationOptions"
Claims = dict[str, Any]


def forge(app: NativeApp, *, header: Claims | None = None, key: ECKey | None = None, **changes: Any) -> str:
    """The app's token with other words, signed with our own key, or another."""
    token = app.tokens["access_token"]
    ours = app.org.administer(keys.signing_key, app.org.site.sealer, now=app.org.clock())
    read = jwt.decode(token, KeySet([ours]), algorithms=["ES256"])
    claims = {name: value for name, value in {**read.claims, **changes}.items() if value is not None}
    return jwt.encode({**read.header, **(header or {})}, claims, key or ours, algorithms=["ES256"])


def test_a_token_forged_with_nothing_changed_would_do(app: NativeApp) -> None:
    """So each refusal below is for what is changed."""
    assert app.call("GET", ME, token=forge(app)).status_code == 200


@pytest.mark.parametrize(
    "header", [{}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Basic eA=="}]
)
def test_refuses_a_call_without_a_token(org: Organisation, header: dict[str, str]) -> None:
    response = org.client.get(ME, headers=header)
    refused(response, 401, "token_missing")
    assert response.headers["www-authenticate"] == 'Bearer realm="ostiary"'


def test_refuses_a_browser_with_its_cookie(org: Organisation) -> None:
    refused(org.signed_in().get(ME), 401, "token_missing")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "https://other.example"},
        {"aud": "ostiary-authenticator"},
        {"aud": [ORIGIN, "https://other.example"]},
        {"aud": None},
        {"exp": None},
        {"exp": "never"},
        {"exp": 0},
        {"sid": None},
        {"sid": "nothing"},
        {"sid": 7},
        {"sub": "somebody"},
        {"sub": None},
        {"client_id": "other"},
        {"client_id": None},
        {"scope": None},
        {"scope": ["UserAuthenticationMethod.ReadWrite"]},
    ],
)
def test_refuses_a_token_of_ours_that_says_something_else(app: NativeApp, changes: Claims) -> None:
    response = app.call("GET", ME, token=forge(app, **changes))
    refused(response, 401, "token_invalid")
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("typ", ["JWT", "at+jwt+x", "", "id+jwt"])
def test_refuses_a_token_of_another_type(app: NativeApp, typ: str) -> None:
    refused(app.call("GET", ME, token=forge(app, header={"typ": typ})), 401, "token_invalid")


def test_refuses_an_id_token(app: NativeApp) -> None:
    refused(app.call("GET", ME, token=app.tokens["id_token"]), 401, "token_invalid")


def test_refuses_a_refresh_token(app: NativeApp) -> None:
    refused(app.call("GET", ME, token=app.tokens["refresh_token"]), 401, "token_invalid")


def test_refuses_a_token_that_has_expired(app: NativeApp, org: Organisation) -> None:
    org.clock.advance(HOUR - SECOND)
    assert app.get(ME).status_code == 200
    org.clock.advance(SECOND)
    refused(app.get(ME), 401, "token_invalid")


def test_refuses_a_key_that_is_not_ours(app: NativeApp) -> None:
    ours = app.org.administer(keys.signing_key, app.org.site.sealer, now=app.org.clock())
    own = ECKey.generate_key("P-256", {"kid": ours.kid or ""})
    refused(app.call("GET", ME, token=forge(app, key=own)), 401, "token_invalid")


def test_refuses_a_key_the_token_brings(app: NativeApp) -> None:
    own = ECKey.generate_key("P-256")
    header = {"jwk": own.as_dict(private=False), "kid": "own"}
    refused(app.call("GET", ME, token=forge(app, key=own, header=header)), 401, "token_invalid")


def test_refuses_a_token_that_names_no_key(app: NativeApp) -> None:
    token = app.tokens["access_token"]
    header = json.loads(decode(token.partition(".")[0]))
    del header["kid"]
    refused(app.call("GET", ME, token=_with_header(token, header)), 401, "token_invalid")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "RS256", "ES384", "HS512", 5, None, ["ES256"]])
def test_refuses_another_algorithm(app: NativeApp, algorithm: object) -> None:
    token = app.tokens["access_token"]
    header = {**json.loads(decode(token.partition(".")[0])), "alg": algorithm}
    refused(app.call("GET", ME, token=_with_header(token, header)), 401, "token_invalid")
    unsigned = _with_header(token, header).rpartition(".")[0] + "."
    refused(app.call("GET", ME, token=unsigned), 401, "token_invalid")


@pytest.mark.parametrize("secret_of", [lambda jwk: json.dumps(jwk), lambda jwk: jwk["x"], lambda jwk: ""])
def test_refuses_our_public_key_as_a_shared_secret(app: NativeApp, secret_of: Callable[[Claims], str]) -> None:
    """RFC 8725 §2.1: algorithm confusion."""
    jwk = app.org.browser().get("/oauth2/v2.0/keys").json()["keys"][0]
    _, payload, _ = app.tokens["access_token"].split(".")
    header = encode(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": jwk["kid"]}).encode())
    signature = hmac.digest(secret_of(jwk).encode(), f"{header}.{payload}".encode(), hashlib.sha256)
    refused(app.call("GET", ME, token=f"{header}.{payload}.{encode(signature)}"), 401, "token_invalid")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "..",
        "a.b.c",
        "a.b.c.d.e",
        "." * 100,
        "A" * 5000,
        encode(b"[" * 3000) + ".e30.e30",
        "e30.e30.e30",
        "\\u0000",
    ],
)
def test_refuses_what_is_no_token(app: NativeApp, token: str) -> None:
    refused(app.call("GET", ME, token=token), 401, "token_invalid")


def test_refuses_a_changed_claim(app: NativeApp) -> None:
    header, payload, signature = app.tokens["access_token"].split(".")
    claims = {**json.loads(decode(payload)), "sub": app.org.person("admin").id}
    changed = f"{header}.{encode(json.dumps(claims).encode())}.{signature}"
    refused(app.call("GET", ME, token=changed), 401, "token_invalid")


def test_refuses_a_token_of_another_organisations_server(app: NativeApp) -> None:
    """The issuer is the server's own address from settings, so that even the same keys elsewhere do not do."""
    token = forge(app, iss="https://login.fabrikam.example", aud="https://login.fabrikam.example")
    refused(app.call("GET", ME, token=token), 401, "token_invalid")


# --- scopes and freshness


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", CREATION_OPTIONS),
        ("POST", "/v1.0/me/authentication/fido2Methods"),
        ("DELETE", "/v1.0/me/authentication/fido2Methods/x"),
        ("DELETE", "/v1.0/me/authentication/softwareOathMethods/x"),
        ("DELETE", "/v1.0/me/authentication/microsoftAuthenticatorMethods/x"),
        ("POST", "/v1.0/ostiary/me/softwareOathMethods"),
        ("POST", "/v1.0/ostiary/me/authenticators"),
        ("POST", "/v1.0/ostiary/me/attestation"),
    ],
)
def test_refuses_to_write_with_the_right_to_read(org: Organisation, verb: str, path: str) -> None:
    reader = NativeApp(org).sign_in(org.signed_in(), scope="openid profile UserAuthenticationMethod.Read")
    response = reader.call(verb, path, None if verb != "POST" else {})
    refused(response, 403, "scope_missing")
    challenge = response.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="UserAuthenticationMethod.ReadWrite"' in challenge


def test_refuses_to_tell_methods_to_who_may_see_the_profile_alone(org: Organisation) -> None:
    app = NativeApp(org).sign_in(org.signed_in(), scope="openid profile")
    assert app.get(ME).status_code == 200
    refused(app.get("/v1.0/me/authentication/methods"), 403, "scope_missing")
    refused(app.get("/v1.0/ostiary/me/setup"), 403, "scope_missing")


def test_a_token_that_was_narrowed_may_no_more_than_it_says(app: NativeApp) -> None:
    app.tokens = app.refresh(scope="openid profile").json()
    refused(app.get("/v1.0/me/authentication/methods"), 403, "scope_missing")


def test_refuses_to_write_with_a_proof_that_is_too_old(app: NativeApp, org: Organisation) -> None:
    org.clock.advance(10 * MINUTE)
    assert app.get(CREATION_OPTIONS).status_code == 200
    org.clock.advance(SECOND)
    response = app.get(CREATION_OPTIONS)
    refused(response, 401, "fresh_mfa_required")
    challenge = response.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge  # RFC 9470 §3
    assert 'max_age="600"' in challenge
    assert 'acr_values="phr http://schemas.openid.net/pape/policies/2007/06/multi-factor"' in challenge
    assert app.get("/v1.0/me/authentication/methods").status_code == 200


def test_a_refresh_makes_no_proof_younger(app: NativeApp, org: Organisation) -> None:
    org.clock.advance(11 * MINUTE)
    app.tokens = app.refresh().json()
    refused(app.get(CREATION_OPTIONS), 401, "fresh_mfa_required")


def _with_header(token: str, header: object) -> str:
    return encode(json.dumps(header).encode()) + token[token.index(".") :]
