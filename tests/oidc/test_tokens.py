"""Codes and refresh tokens: each once, for whom they were issued, as long as what they rest on is there."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from ostiary.clock import DAY, MINUTE, SECOND
from ostiary.identity import administration, limits
from ostiary.identity.caller import COMMAND_LINE
from ostiary.oidc import clients, grants
from ostiary.oidc.authorization import CODE_LIFETIME
from ostiary.oidc.tokens import REFRESH_IDLE
from ostiary.storage import housekeeping
from tests.oidc.native_app import CLIENT, NativeApp, count_grants
from tests.organisation import ORIGIN, PASSWORD, Browser, Organisation, at_once
from tests.software_authenticator import SoftwareAuthenticator

ME = "/v1.0/me"
NEW_PASSWORD = "difference-engine-1822"


@pytest.fixture
def app(org: Organisation) -> NativeApp:
    return NativeApp(org).sign_in(org.signed_in())


def refused(response: Any, error: str, status: int = 400) -> str:
    assert (response.status_code, response.json()["error"]) == (status, error), response.text
    assert response.headers["cache-control"] == "no-store"
    assert set(response.json()) == {"error", "error_description"}
    return str(response.json()["error_description"])


def is_alive(app: NativeApp) -> bool:
    return app.get(ME).status_code == 200


# --- what the tokens say


def test_the_tokens_say_who_and_how(org: Organisation) -> None:
    ada = org.signed_in()
    signed_in_at = org.clock() // SECOND
    app = NativeApp(org).sign_in(ada)
    keys = KeySet.import_key_set(ada.get("/oauth2/v2.0/keys").json())
    access = jwt.decode(app.tokens["access_token"], keys, algorithms=["ES256"])
    assert access.header["typ"] == "at+jwt"
    assert access.claims.keys() == {
        *("iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "sid", "auth_time", "amr", "acr")
    }
    assert (access.claims["iss"], access.claims["aud"], access.claims["client_id"]) == (ORIGIN, ORIGIN, CLIENT)
    assert access.claims["sub"] == org.person().id
    assert access.claims["exp"] - access.claims["iat"] == 3600
    identity = jwt.decode(app.tokens["id_token"], keys, algorithms=["ES256"]).claims
    assert (identity["aud"], identity["nonce"]) == (CLIENT, app.nonce)
    assert (identity["preferred_username"], identity["name"]) == ("ada@contoso.example", org.person().display_name)
    assert identity["auth_time"] == signed_in_at
    assert identity["amr"] == ["otp", "pwd", "mfa"]
    assert identity["acr"] == "http://schemas.openid.net/pape/policies/2007/06/multi-factor"


def test_a_passkey_is_phishing_resistant(org: Organisation) -> None:
    authenticator = SoftwareAuthenticator()
    assert org.signed_in().register(authenticator).status_code == 201
    browser = org.browser()
    browser.sign_in_with(authenticator)
    app = NativeApp(org).sign_in(browser)
    keys = KeySet.import_key_set(browser.get("/oauth2/v2.0/keys").json())
    claims = jwt.decode(app.tokens["id_token"], keys, algorithms=["ES256"]).claims
    assert (claims["amr"], claims["acr"]) == (["pop", "user", "mfa"], "phr")


def test_a_password_alone_claims_no_more(org: Organisation) -> None:
    org.add_person("new", with_code=False)
    browser = org.browser()
    browser.type_username("new")
    browser.type_password()
    app = NativeApp(org).sign_in(browser)
    keys = KeySet.import_key_set(browser.get("/oauth2/v2.0/keys").json())
    claims = jwt.decode(app.tokens["id_token"], keys, algorithms=["ES256"]).claims
    assert claims["amr"] == ["pwd"]
    assert "acr" not in claims


# --- codes


def test_refuses_a_code_without_its_verifier(org: Organisation) -> None:
    """Code injection: the code is another application's, who has no verifier to it (RFC 9700 §4.5)."""
    app, thief = NativeApp(org), NativeApp(org)
    code = app.agree(org.signed_in())
    refused(thief.redeem(code), "invalid_grant")
    refused(app.redeem(code), "invalid_grant")
    assert org.administer(count_grants) == 0


@pytest.mark.parametrize("verifier", ["short", "a" * 129, "ü" * 43, "a b" * 20])
def test_refuses_a_verifier_that_is_none(org: Organisation, verifier: str) -> None:
    app = NativeApp(org)
    code = app.agree(org.signed_in())
    refused(app.redeem(code, code_verifier=verifier), "invalid_grant")


@pytest.mark.parametrize(
    "redirect_uri",
    ["http://127.0.0.1:53118/signed-in", "http://127.0.0.1/signed-in", "https://evil.example/signed-in"],
)
def test_refuses_a_code_at_another_address(org: Organisation, redirect_uri: str) -> None:
    app = NativeApp(org)
    code = app.agree(org.signed_in())
    refused(app.redeem(code, redirect_uri=redirect_uri), "invalid_grant")
    refused(app.redeem(code), "invalid_grant")


def test_refuses_a_code_used_before_and_ends_what_it_gave(org: Organisation) -> None:
    app = NativeApp(org)
    code = app.agree(org.signed_in())
    app.tokens = app.redeem(code).json()
    assert is_alive(app)
    refused(app.redeem(code), "invalid_grant")
    assert not is_alive(app)
    refused(app.refresh(), "invalid_grant")
    assert org.events("person:app:suspect")[0].detail == "code used again"


def test_refuses_all_but_one_of_two_who_redeem_at_once(org_on_each: Organisation) -> None:
    org = org_on_each
    app = NativeApp(org)
    code = app.agree(org.signed_in())
    answers = at_once([lambda: app.redeem(code)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    app.tokens = next(answer.json() for answer in answers if answer.status_code == 200)
    assert not is_alive(app)


def test_refuses_a_code_that_is_too_old(org: Organisation) -> None:
    app = NativeApp(org)
    code = app.agree(org.signed_in())
    org.clock.advance(CODE_LIFETIME)
    refused(app.redeem(code), "invalid_grant")


def test_a_code_nobody_redeems_leaves_nothing(org: Organisation) -> None:
    ada = org.signed_in()
    NativeApp(org).agree(ada)
    assert org.administer(count_grants) == 1
    org.clock.advance(CODE_LIFETIME)
    org.administer(housekeeping.delete_expired, org.clock())
    assert org.administer(count_grants) == 0
    assert len(org.sessions()) == 1


def test_refuses_a_code_of_another_client(org: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mix-up of two applications (RFC 9700 §4.4)."""
    _another_client(monkeypatch)
    app = NativeApp(org)
    code = app.agree(org.signed_in())
    assert "another client" in refused(app.redeem(code, client_id="other"), "invalid_grant")


# --- refresh tokens


def test_refreshes_with_a_new_token_each_time(app: NativeApp) -> None:
    first = app.tokens
    second = app.refresh()
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert second.json()["access_token"] != first["access_token"]
    assert second.json()["scope"] == first["scope"]
    app.tokens = second.json()
    assert is_alive(app)


def test_refuses_a_refresh_token_used_before_and_ends_the_family(app: NativeApp, org: Organisation) -> None:
    stolen = app.tokens["refresh_token"]
    app.tokens = app.refresh().json()
    assert "used before" in refused(app.refresh(stolen), "invalid_grant")
    refused(app.refresh(), "invalid_grant")
    assert not is_alive(app)
    assert org.events("person:app:suspect")[0].detail == "refresh token used again"


def test_refuses_all_but_one_of_two_who_refresh_at_once(org_on_each: Organisation) -> None:
    app = NativeApp(org_on_each).sign_in(org_on_each.signed_in())
    answers = at_once([lambda: app.refresh()] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    app.tokens = next(answer.json() for answer in answers if answer.status_code == 200)
    refused(app.refresh(), "invalid_grant")
    assert not is_alive(app)


def test_refuses_a_refresh_token_that_was_not_used_for_long(app: NativeApp, org: Organisation) -> None:
    org.clock.advance(REFRESH_IDLE)
    refused(app.refresh(), "invalid_grant")


def test_refuses_however_often_it_was_used_when_its_time_is_over(app: NativeApp, org: Organisation) -> None:
    started = org.clock()
    while org.clock() - started < grants.LIFETIME - 20 * DAY:
        org.clock.advance(20 * DAY)
        app.tokens = app.refresh().json()
    org.clock.advance(20 * DAY)
    refused(app.refresh(), "invalid_grant")


def test_a_refresh_may_ask_for_less(app: NativeApp, org: Organisation) -> None:
    narrow = app.refresh(scope="openid UserAuthenticationMethod.ReadWrite").json()
    assert narrow["scope"] == "openid UserAuthenticationMethod.ReadWrite"


@pytest.mark.parametrize(
    "scope", ["UserAuthenticationMethod.Read", "everything", "openid UserAuthenticationMethod.Read"]
)
def test_refuses_a_refresh_that_asks_for_more(app: NativeApp, scope: str) -> None:
    refused(app.refresh(scope=scope), "invalid_scope")
    assert app.refresh().status_code == 200


def test_refuses_a_refresh_token_of_another_client(app: NativeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    _another_client(monkeypatch)
    refused(app.refresh(client_id="other"), "invalid_grant")


@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_refuses_another_token_as_refresh_token(app: NativeApp, kind: str) -> None:
    refused(app.refresh(app.tokens[kind]), "invalid_grant")


# --- what tokens rest on


def _sign_out_everywhere(_org: Organisation, ada: Browser) -> None:
    assert ada.post("/security-info/sign-out-everywhere").status_code == 303


def _end_its_session(org: Organisation, ada: Browser) -> None:
    app_session = next(one for one in org.sessions() if one.client.startswith("Ostiary"))
    assert ada.post(f"/security-info/sessions/{app_session.id}/end").status_code == 303


def _change_password(_org: Organisation, ada: Browser) -> None:
    form = {"current": PASSWORD, "new": NEW_PASSWORD, "repeat": NEW_PASSWORD}
    assert ada.post("/security-info/password", form).status_code == 303


def _remove_what_proved_it(org: Organisation, ada: Browser) -> None:
    path = f"/security-info/methods/{org.method('code').id}"
    assert ada.send(path, {"understood": True}, verb="DELETE").status_code == 204


def _disable(org: Organisation, _ada: Browser) -> None:
    org.disable()


def _delete(org: Organisation, _ada: Browser) -> None:
    org.administer(administration.delete_person, "ada", actor=None, caller=COMMAND_LINE, now=org.clock())


def _reset_password(org: Organisation, _ada: Browser) -> None:
    org.administer(
        administration.set_person_password,
        "ada",
        password=NEW_PASSWORD,
        actor=None,
        caller=COMMAND_LINE,
        now=org.clock(),
    )


@pytest.mark.parametrize(
    "happens",
    [
        _sign_out_everywhere,
        _end_its_session,
        _change_password,
        _remove_what_proved_it,
        _disable,
        _delete,
        _reset_password,
    ],
)
def test_refuses_every_token_once_what_it_rests_on_has_ended(
    org: Organisation, happens: Callable[[Organisation, Browser], None]
) -> None:
    ada = org.signed_in()
    app, waiting = NativeApp(org).sign_in(ada), NativeApp(org)
    code = waiting.agree(ada)
    happens(org, ada)
    assert app.get(ME).status_code == 401
    refused(app.refresh(), "invalid_grant")
    if happens is not _end_its_session:
        refused(waiting.redeem(code), "invalid_grant")


def test_a_browser_that_signs_out_leaves_the_app_signed_in(org: Organisation) -> None:
    ada = org.signed_in()
    app = NativeApp(org).sign_in(ada)
    ada.post("/sign-out")
    assert is_alive(app)


def test_the_app_is_listed_among_the_sessions(org: Organisation, app: NativeApp) -> None:
    page = org.signed_in().get("/security-info")
    assert "Ostiary Authenticator on Windows" in page.text


# --- revocation


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_an_app_signs_itself_out(org: Organisation, app: NativeApp, kind: str) -> None:
    response = app.send("/oauth2/v2.0/revoke", {"token": app.tokens[kind], "client_id": CLIENT})
    assert (response.status_code, response.text) == (200, "")
    assert not is_alive(app)
    refused(app.refresh(), "invalid_grant")
    assert org.events("person:app:disconnect")[0].method == "Ostiary Authenticator"


@pytest.mark.parametrize("token", ["nothing", "a.b.c", "x" * 5000])
def test_a_token_nobody_knows_is_revoked_already(app: NativeApp, token: str) -> None:
    response = app.send("/oauth2/v2.0/revoke", {"token": token, "client_id": CLIENT})
    assert response.status_code == 200
    assert is_alive(app)


def test_refuses_to_revoke_for_another_client(app: NativeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    _another_client(monkeypatch)
    form = {"token": app.tokens["refresh_token"], "client_id": "other"}
    refused(app.send("/oauth2/v2.0/revoke", form), "invalid_grant")
    assert is_alive(app)


# --- the form of the request


@pytest.mark.parametrize(
    ("form", "error", "status"),
    [
        ({}, "invalid_client", 401),
        ({"client_id": "nobody"}, "invalid_client", 401),
        ({"client_id": CLIENT}, "invalid_request", 400),
        ({"client_id": CLIENT, "grant_type": "password"}, "unsupported_grant_type", 400),
        ({"client_id": CLIENT, "grant_type": "client_credentials"}, "unsupported_grant_type", 400),
        ({"client_id": CLIENT, "grant_type": "authorization_code"}, "invalid_request", 400),
        ({"client_id": CLIENT, "grant_type": "authorization_code", "code": "x"}, "invalid_request", 400),
        ({"client_id": CLIENT, "grant_type": "refresh_token"}, "invalid_request", 400),
        ({"client_id": CLIENT, "grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant", 400),
        ({"client_id": CLIENT, "client_secret": "s", "grant_type": "refresh_token"}, "invalid_client", 401),
        ({"client_id": CLIENT, "client_assertion": "a", "grant_type": "refresh_token"}, "invalid_client", 401),
        ({"client_id": "\x00", "grant_type": "refresh_token"}, "invalid_request", 400),
    ],
)
def test_refuses_a_token_request_that_is_wrong(
    org: Organisation, form: dict[str, str], error: str, status: int
) -> None:
    response = NativeApp(org).send("/oauth2/v2.0/token", form)
    refused(response, error, status)
    assert ("www-authenticate" in response.headers) == (status == 401)


def test_refuses_a_secret_in_a_header(app: NativeApp) -> None:
    form = {"client_id": CLIENT, "grant_type": "refresh_token", "refresh_token": app.tokens["refresh_token"]}
    refused(app.send("/oauth2/v2.0/token", form, authorization="Basic b3N0aWFyeTo="), "invalid_client", 401)


def test_refuses_parameters_in_the_address(app: NativeApp) -> None:
    form = {"client_id": CLIENT, "grant_type": "refresh_token"}
    refused(app.send(f"/oauth2/v2.0/token?refresh_token={app.tokens['refresh_token']}", form), "invalid_request")


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"", "", 415),
        (b"a=" + b"b" * 70_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_refuses_a_body_that_is_no_form(org: Organisation, body: bytes, media_type: str, status: int) -> None:
    response = org.client.post("/oauth2/v2.0/token", content=body, headers={"content-type": media_type})
    refused(response, "invalid_request", status)


def test_refuses_too_many_failures_from_one_address(org: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOKEN_FAILURES_PER_ADDRESS", limits.Limit("token", 2, MINUTE))
    app = NativeApp(org).sign_in(org.signed_in())
    app.tokens = app.refresh().json()
    for _ in range(2):
        refused(app.refresh("wrong"), "invalid_grant")
    response = app.refresh()
    refused(response, "temporarily_unavailable", 429)
    assert response.headers["retry-after"] == "60"


def _another_client(monkeypatch: pytest.MonkeyPatch) -> None:

    other = replace(clients.AUTHENTICATOR, id="other")
    monkeypatch.setattr(clients, "_BUILT_IN", {CLIENT: clients.AUTHENTICATOR, "other": other})
