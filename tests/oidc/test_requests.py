"""What is wrong with an authorization request, and who is told: the person when the application's address is in doubt,
the application otherwise."""

from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.identity.reasons import Refusal
from ostiary.oidc import clients
from ostiary.oidc.errors import RedirectedError
from ostiary.oidc.requests import AuthorizationRequest, answer_uri, parse_authorization_request
from ostiary.oidc.scopes import Scope
from tests.oidc.native_app import AUTHORIZE, REDIRECT, NativeApp, answer_of
from tests.organisation import ORIGIN, Organisation
from tests.server.reading import says


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_id": None}, "client_unknown"),
        ({"client_id": ""}, "client_unknown"),
        ({"client_id": "somebody-else"}, "client_unknown"),
        ({"redirect_uri": None}, "redirect_uri_invalid"),
        ({"redirect_uri": "https://evil.example/signed-in"}, "redirect_uri_invalid"),
        ({"redirect_uri": "http://127.0.0.1.evil/signed-in"}, "redirect_uri_invalid"),
        ({"redirect_uri": "http://127.0.0.1:80@evil.example/signed-in"}, "redirect_uri_invalid"),
        ({"redirect_uri": "http://localhost:53117/signed-in"}, "redirect_uri_invalid"),
        ({"redirect_uri": "http://127.0.0.1:53117/elsewhere"}, "redirect_uri_invalid"),
    ],
)
def test_refuses_on_a_page_and_redirects_nowhere(
    org: Organisation, changes: dict[str, str | None], reason: str
) -> None:
    page = NativeApp(org).open(org.browser(), **changes)
    assert page.status_code == 400
    assert says(page, reason)
    assert "location" not in page.headers


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_refuses_on_a_page_when_it_is_sent_twice(org: Organisation, name: str) -> None:
    app = NativeApp(org)
    twice = f"{app.address()}&{urlencode({name: app.parameters()[name]})}"
    page = org.browser().get(twice)
    assert page.status_code == 400
    assert "location" not in page.headers


@pytest.mark.parametrize("query", ["", "&", "=", "?", "a=1&" * 50, "client_id=%ff", "%00=%00"])
def test_refuses_an_unreadable_request_on_a_page(org: Organisation, query: str) -> None:
    page = org.browser().get(f"{AUTHORIZE}?{query}")
    assert page.status_code == 400
    assert says(page, "client_unknown")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "A" * 44}, "invalid_request"),
        ({"code_challenge": "A" * 42 + "="}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "email address"}, "invalid_scope"),
        ({"nonce": "\x7f"}, "invalid_request"),
        ({"nonce": "é"}, "invalid_request"),
        ({"nonce": "n" * 1025}, "invalid_request"),
        ({"prompt": "always"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"max_age": "1" * 10}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
)
def test_refuses_by_telling_the_application(org: Organisation, changes: dict[str, str | None], error: str) -> None:
    app = NativeApp(org)
    answer = answer_of(app.open(org.browser(), **changes))
    assert answer["error"] == error
    assert answer["state"] == app.state
    assert answer["iss"] == ORIGIN
    assert answer["error_description"].isascii()
    assert "code" not in answer


@pytest.mark.parametrize("name", ["state", "scope", "code_challenge", "nonce", "response_type"])
def test_refuses_a_parameter_that_is_there_twice(org: Organisation, name: str) -> None:
    app = NativeApp(org)
    response = org.browser().get(f"{app.address()}&{name}=again")
    answer = answer_of(response)
    assert answer["error"] == "invalid_request"
    assert ("state" in answer) == (name != "state")


@pytest.mark.parametrize("state", ["\n", "é", "s" * 1025, "a\x00b"])
def test_refuses_a_state_that_is_no_visible_ascii_and_does_not_repeat_it(org: Organisation, state: str) -> None:
    answer = answer_of(NativeApp(org).open(org.browser(), state=state))
    assert answer["error"] == "invalid_request"
    assert "state" not in answer


def test_refuses_a_scope_the_client_may_not_have(monkeypatch: pytest.MonkeyPatch, org: Organisation) -> None:
    narrow = replace(clients.AUTHENTICATOR, scopes=frozenset({Scope.OPENID}))
    monkeypatch.setattr(clients, "_BUILT_IN", {narrow.id: narrow})
    assert answer_of(NativeApp(org).open(org.browser()))["error"] == "invalid_scope"


def test_passes_over_a_scope_that_nobody_knows(org: Organisation) -> None:
    app = NativeApp(org).sign_in(org.signed_in(), scope="openid email UserAuthenticationMethod.Read")
    assert app.tokens["scope"] == "openid UserAuthenticationMethod.Read"
    assert "refresh_token" not in app.tokens


def test_refuses_another_verb_than_get(org: Organisation) -> None:
    response = org.browser().post(AUTHORIZE, NativeApp(org).parameters())
    assert response.status_code == 405


def test_an_answer_keeps_the_query_of_its_address() -> None:
    uri = answer_uri("https://a.example/cb?x=1", issuer="https://b.example", state="s t", code="c&d")
    assert uri == "https://a.example/cb?x=1&code=c%26d&state=s+t&iss=https%3A%2F%2Fb.example"


def test_what_is_kept_is_what_was_asked() -> None:
    parameters = {
        "client_id": "ostiary-authenticator",
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": "openid profile",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
        "prompt": "login consent",
        "max_age": "0",
        "login_hint": "ada",
    }
    request = parse_authorization_request(urlencode(parameters))
    assert AuthorizationRequest.from_json(request.as_json()) == request
    assert request.oldest_proof(1000) == 1000


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["state", "scope", "nonce", "prompt", "max_age", "code_challenge", "login_hint", "x", "display"]
        ),
        st.text(max_size=60),
        max_size=6,
    )
)
def test_whatever_is_sent_is_a_request_or_a_named_error(changes: dict[str, str]) -> None:
    sent = {
        "client_id": "ostiary-authenticator",
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": "openid",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
        **changes,
    }
    query = "&".join(f"{quote(name)}={quote(value, safe='', errors='surrogatepass')}" for name, value in sent.items())
    try:
        request = parse_authorization_request(query)
    except (RedirectedError, Refusal) as error:
        assert str(error)
    else:
        assert AuthorizationRequest.from_json(request.as_json()) == request
