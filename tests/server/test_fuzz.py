"""Whatever is sent to whichever route: an answer in words, and never our own failure."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.passkeys import base64url
from ostiary.web.application import ROUTES
from tests.conftest import copied
from tests.organisation import Browser, Organisation, open_organisation

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
WRITES = [(path, verb) for path, faces in ROUTES.items() for verb in faces if verb != "GET"]
READS = [path for path, faces in ROUTES.items() if "GET" in faces]
FIELDS = (
    "username", "password", "code", "method", "name", "provider", "understood", "enrolment", "kind", "current", "new",
    "repeat", "language", "return_to", "operation", "elapsed_ms", "id", "rawId", "type", "response", "next",
    "clientExtensionResults", "authenticatorAttachment",
)  # fmt: skip
INNER = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle", "transports")
WORDS = (
    "ada", "ada@contoso.example", "passkey", "code", "this_device", "create", "create_closed", "ar", "public-key",
    "platform", "/security-info", "//evil.example", "000000", "\x00", "\ud800", "\u202e", "a" * 5000,
)  # fmt: skip

texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=40), st.binary(max_size=80).map(base64url.encode))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
client_data = st.fixed_dictionaries(
    {"type": st.sampled_from(("webauthn.create", "webauthn.get")), "challenge": texts, "origin": texts}
).map(lambda members: base64url.encode(json.dumps(members).encode()))
responses = st.fixed_dictionaries({}, optional=dict.fromkeys(INNER, values | client_data))
objects = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, values | responses))
ceremonies = st.builds(
    lambda identifier, response: {"id": identifier, "rawId": identifier, "type": "public-key", "response": response},
    st.binary(min_size=1, max_size=64).map(base64url.encode),
    st.fixed_dictionaries(
        {name: client_data | st.binary(min_size=1, max_size=80).map(base64url.encode) for name in INNER[:4]}
    ),
)
parts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Organisation]:
    directory: Path = tmp_path_factory.mktemp("fuzzed") / "data"
    with open_organisation(copied("sqlite", directory, request).directory) as org:
        yield org


class _Visitor:
    """Ada, who signs in again whenever something sent has signed her out."""

    def __init__(self, org: Organisation) -> None:
        self._org = org
        self._browser = org.browser()

    def browser(self) -> Browser:
        if not self._org.sessions():
            self._browser = self._org.signed_in("ada")
        return self._browser.copy()


@pytest.fixture(scope="module")
def visitor(fuzzed: Organisation) -> _Visitor:
    return _Visitor(fuzzed)


def _filled(path: str, part: str) -> str:
    return re.sub(r"\{\w+\}", lambda _: quote(part, safe=""), path)


def _is_answered(response: Any, sent: object) -> None:
    assert response.status_code < 500, sent
    if response.status_code >= 400 and response.headers["content-type"] == "application/problem+json":
        problem = response.json()
        assert problem["code"] and problem["title"] and problem["next"], sent


@QUICK
@given(st.sampled_from(WRITES), parts, objects | ceremonies | values)
def test_json(visitor: _Visitor, route: tuple[str, str], part: str, body: object) -> None:
    path, verb = route
    sent = json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    _is_answered(visitor.browser().request(verb, _filled(path, part), content=sent, headers=headers), (route, body))


@QUICK
@given(st.sampled_from(WRITES), parts, st.dictionaries(st.sampled_from(FIELDS), texts, max_size=6))
def test_forms(visitor: _Visitor, route: tuple[str, str], part: str, form: dict[str, str]) -> None:
    path, verb = route
    sent = urlencode(form, errors="replace").encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
    _is_answered(visitor.browser().request(verb, _filled(path, part), content=sent, headers=headers), (route, form))


@QUICK
@given(
    st.sampled_from(WRITES),
    st.binary(max_size=200),
    st.sampled_from(("application/json", "application/x-www-form-urlencoded", "text/plain")),
)
def test_bytes(visitor: _Visitor, route: tuple[str, str], sent: bytes, media_type: str) -> None:
    path, verb = route
    response = visitor.browser().request(verb, _filled(path, "x"), content=sent, headers={"content-type": media_type})
    _is_answered(response, (route, sent))


@QUICK
@given(st.sampled_from(READS), parts, st.dictionaries(st.sampled_from((*FIELDS, "step_up", "done")), texts, max_size=4))
def test_addresses(visitor: _Visitor, path: str, part: str, query: dict[str, str]) -> None:
    if path in ("/readyz", "/metrics"):
        return
    response = visitor.browser().get(f"{_filled(path, part)}?{urlencode(query, errors='replace')}")
    _is_answered(response, (path, part, query))
    if response.status_code == 303:
        assert re.match(r"/(?![/\\])", response.headers["location"])


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(("session", "sign-in", "browser", "language")),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
    )
)
def test_cookies(fuzzed: Organisation, values: dict[str, str]) -> None:
    browser = fuzzed.browser()
    browser.cookies = {f"__Host-ostiary-{name}": value for name, value in values.items()}
    for path in ("/sign-in", "/security-info"):
        _is_answered(browser.copy().get(path), values)
    _is_answered(browser.copy().send("/sign-in/passkey/options", {}), values)
