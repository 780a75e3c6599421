"""Each page's script in a real browser: real ceremonies, and a server that answers what a test prepares."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from . import stub_pages
from .chromium import VirtualAuthenticator, evaluate
from .stub_server import (
    ADD,
    ADD_OPTIONS,
    REPORTS,
    SIGN_IN,
    SIGN_IN_OPTIONS,
    StubServer,
    creation_options,
    problem,
    request_options,
)

ADDED_PATH = "/security-info/methods/m1/added"

# Notes every request for a credential and how it ended; the request itself is the browser's own.
WATCH_REQUESTS = """
window.requests = [];
const own = navigator.credentials.get.bind(navigator.credentials);
navigator.credentials.get = (options) => {
    const request = { mediation: options.mediation ?? "modal", isOver: false };
    window.requests.push(request);
    return own(options).finally(() => { request.isOver = true; });
};
"""

# A browser that never answers and heeds no signal.
DEAF = """
navigator.credentials.get = () => {
    window.requests.push({ mediation: "modal", isOver: false });
    return new Promise(() => {});
};
"""

WITHOUT_JSON_FUNCTIONS = """
delete PublicKeyCredential.parseCreationOptionsFromJSON;
delete PublicKeyCredential.parseRequestOptionsFromJSON;
delete PublicKeyCredential.prototype.toJSON;
"""

WITHOUT_AUTOFILL = """
PublicKeyCredential.getClientCapabilities = async () => ({ conditionalGet: false });
"""

BACK_FROM_CACHE = """() => { dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })); }"""


@pytest.fixture
def authenticator(page: Page, stub: StubServer, virtual_authenticator: VirtualAuthenticator) -> VirtualAuthenticator:
    """With one passkey for this server."""
    stub.pages |= {
        "/sign-in": stub_pages.SIGN_IN,
        "/prove": stub_pages.PROVE,
        "/security-info/add/passkey": stub_pages.ADD_PASSKEY,
        ADDED_PATH: stub_pages.ADDED,
        f"{ADDED_PATH}?tried=1": "<h1>It works</h1>",
    }
    page.add_init_script(WATCH_REQUESTS)
    virtual_authenticator.add_passkey(rp_id="localhost", user_handle=b"ada-handle", user_name="ada@contoso.example")
    return virtual_authenticator


@pytest.fixture
def nobody_there(authenticator: VirtualAuthenticator) -> VirtualAuthenticator:
    """Whatever is asked stays pending, as with a dialog that nobody answers."""
    authenticator.set_present(False)
    return authenticator


def wait_until_requested(page: Page, count: int) -> list[dict[str, Any]]:
    """The requests for a credential so far: as many as `count`, of which all but the last are over."""
    page.wait_for_function(
        "(count) => requests.length >= count && requests.slice(0, -1).every((request) => request.isOver)", arg=count
    )
    requests: list[dict[str, Any]] = evaluate(page, "() => requests")
    return requests


def kinds(requests: list[dict[str, Any]]) -> list[str]:
    return [request["mediation"] for request in requests]


def expect_problem(page: Page, code: str, *, reference: str | None) -> None:
    """What is told, with focus on it."""
    region = page.locator("[data-problem]")
    expect(region.locator("[data-title]")).to_have_text(f"Title of {code}.")
    expect(region.locator("[data-next]")).to_contain_text(f"Next step of {code}.")
    expect(region).to_be_focused()
    if reference is None:
        expect(region.locator("[data-reference]")).to_be_hidden()
    else:
        expect(region.locator("[data-reference]")).to_have_text(reference)
    expect(page.locator("[data-waiting]")).to_be_hidden()


# --- Sign-in: autofill --------------------------------------------------------------------------------------------


def test_passkey_picked_in_autofill_signs_in(page: Page, stub: StubServer, authenticator: VirtualAuthenticator) -> None:
    page.goto(f"{stub.url}/sign-in")
    page.wait_for_url("**/landed")
    assert stub.bodies(SIGN_IN_OPTIONS) == [{}]
    [sent] = stub.bodies(SIGN_IN)
    assert sent["type"] == "public-key"
    assert set(sent["response"]) >= {"clientDataJSON", "authenticatorData", "signature", "userHandle"}


def test_autofill_says_nothing_when_there_is_no_passkey(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    authenticator.clear()
    page.goto(f"{stub.url}/sign-in")
    page.wait_for_function("() => requests.length === 1 && requests[0].isOver")
    expect(page.locator("[data-problem]")).to_be_hidden()
    page.wait_for_timeout(200)
    assert len(stub.bodies(SIGN_IN_OPTIONS)) == 1  # and does not ask round and round
    assert stub.bodies(REPORTS) == []


def test_autofill_is_renewed_before_its_challenge_runs_out(
    page: Page, stub: StubServer, nobody_there: VirtualAuthenticator
) -> None:
    page.clock.install()
    page.goto(f"{stub.url}/sign-in")
    wait_until_requested(page, 1)
    page.clock.fast_forward("04:01")
    assert kinds(wait_until_requested(page, 2)) == ["conditional", "conditional"]
    assert len(stub.bodies(SIGN_IN_OPTIONS)) == 2


def test_hidden_page_is_armed_again_when_it_comes_to_the_front(
    page: Page, stub: StubServer, nobody_there: VirtualAuthenticator
) -> None:
    page.clock.install()
    page.goto(f"{stub.url}/sign-in")
    wait_until_requested(page, 1)
    show = """(state) => {
        Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    evaluate(page, show, "hidden")
    page.clock.fast_forward("04:01")
    page.wait_for_function("() => requests[0].isOver")
    page.wait_for_timeout(100)
    assert len(stub.bodies(SIGN_IN_OPTIONS)) == 1
    evaluate(page, show, "visible")
    wait_until_requested(page, 2)
    assert len(stub.bodies(SIGN_IN_OPTIONS)) == 2


def test_page_back_from_the_browsers_cache_is_armed_again(
    page: Page, stub: StubServer, nobody_there: VirtualAuthenticator
) -> None:
    page.goto(f"{stub.url}/sign-in")
    wait_until_requested(page, 1)
    evaluate(page, """() => { dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })); }""")
    evaluate(page, BACK_FROM_CACHE)
    assert kinds(wait_until_requested(page, 2)) == ["conditional", "conditional"]


def test_page_says_where_else_to_look_without_autofill(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    page.add_init_script(WITHOUT_AUTOFILL)
    page.goto(f"{stub.url}/sign-in")
    expect(page.locator("[data-when-no-autofill]")).to_be_visible()
    assert stub.bodies(SIGN_IN_OPTIONS) == []


def test_older_browsers_are_asked_the_older_way(
    page: Page, stub: StubServer, nobody_there: VirtualAuthenticator
) -> None:
    page.add_init_script("delete PublicKeyCredential.getClientCapabilities;")
    page.goto(f"{stub.url}/sign-in")
    assert kinds(wait_until_requested(page, 1)) == ["conditional"]
    expect(page.locator("[data-when-no-autofill]")).to_be_hidden()


# --- Sign-in: buttons ---------------------------------------------------------------------------------------------


def test_button_signs_in(page: Page, stub: StubServer, authenticator: VirtualAuthenticator) -> None:
    page.goto(f"{stub.url}/prove")
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url("**/landed")
    assert stub.bodies(SIGN_IN_OPTIONS) == [{"username": "ada@contoso.example"}]


def test_dialog_opens_within_the_click_itself(page: Page, stub: StubServer, nobody_there: VirtualAuthenticator) -> None:
    page.goto(f"{stub.url}/prove")
    button = page.get_by_role("button", name="Use your passkey")
    with page.expect_response(f"**{SIGN_IN_OPTIONS}"):
        button.focus()
    page.wait_for_timeout(50)
    assert evaluate(
        page, """() => { document.querySelector("[data-passkey-sign-in]").click(); return requests.length; }"""
    )
    expect(page.locator("[data-waiting]")).to_be_visible()
    assert len(stub.bodies(SIGN_IN_OPTIONS)) == 1


def test_button_takes_over_from_autofill_and_gives_back_after_cancel(
    page: Page, stub: StubServer, nobody_there: VirtualAuthenticator
) -> None:
    page.goto(f"{stub.url}/sign-in")
    wait_until_requested(page, 1)
    button = page.get_by_role("button", name="Sign in with a passkey")
    button.click()
    assert kinds(wait_until_requested(page, 2)) == ["conditional", "modal"]
    expect(page.locator("[data-waiting]")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    assert kinds(wait_until_requested(page, 3)) == ["conditional", "modal", "conditional"]
    expect(page.locator("[data-waiting]")).to_be_hidden()
    expect(page.locator("[data-problem]")).to_be_hidden()
    expect(button).to_be_focused()
    assert stub.bodies(REPORTS) == []


def test_second_press_does_not_begin_a_second_ceremony(
    page: Page, stub: StubServer, nobody_there: VirtualAuthenticator
) -> None:
    page.goto(f"{stub.url}/prove")
    page.get_by_role("button", name="Use your passkey").dblclick()
    wait_until_requested(page, 1)
    expect(page.locator("[data-waiting]")).to_be_visible()
    assert len(evaluate(page, "() => requests")) == 1


def test_browser_that_keeps_no_timeout_is_stopped(
    page: Page, stub: StubServer, nobody_there: VirtualAuthenticator
) -> None:
    page.clock.install()
    page.add_init_script(DEAF)
    page.goto(f"{stub.url}/prove")
    page.get_by_role("button", name="Use your passkey").click()
    wait_until_requested(page, 1)
    page.clock.fast_forward("05:06")
    expect_problem(page, "get_timeout", reference="C-2B4D")


def test_page_back_from_the_browsers_cache_is_not_stuck(
    page: Page, stub: StubServer, nobody_there: VirtualAuthenticator
) -> None:
    page.goto(f"{stub.url}/prove")
    button = page.get_by_role("button", name="Use your passkey")
    button.click()
    expect(page.locator("[data-waiting]")).to_be_visible()
    evaluate(page, BACK_FROM_CACHE)
    expect(page.locator("[data-waiting]")).to_be_hidden()
    expect(button).to_be_enabled()


def test_failure_is_told_reported_and_can_be_tried_again(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    credentials = authenticator.credentials()
    authenticator.clear()
    page.goto(f"{stub.url}/prove")
    page.get_by_role("button", name="Use your passkey").click()
    expect_problem(page, "get_none_here", reference="C-2B4D")
    [report] = stub.bodies(REPORTS)
    assert (report["code"], report["operation"]) == ("get_none_here", "get")
    assert 0 <= report["elapsed_ms"] < 1_000

    authenticator.add_credential(credentials[0])
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url("**/landed")


def test_failure_is_told_even_if_it_cannot_be_reported(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    authenticator.clear()
    stub.answers[REPORTS] = [problem(429, "too_many_attempts")]
    page.goto(f"{stub.url}/prove")
    page.get_by_role("button", name="Use your passkey").click()
    expect_problem(page, "get_none_here", reference=None)


def test_wrong_address_is_told(page: Page, stub: StubServer, authenticator: VirtualAuthenticator) -> None:
    page.goto(f"http://127.0.0.1:{stub.port}/prove")
    page.get_by_role("button", name="Use your passkey").click()
    expect_problem(page, "insecure_address", reference="C-2B4D")


def test_browser_without_passkeys_is_told_on_the_click(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    page.add_init_script("delete window.PublicKeyCredential;")
    page.goto(f"{stub.url}/sign-in")
    expect(page.locator("[data-when-no-autofill]")).to_be_visible()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect_problem(page, "no_webauthn", reference="C-2B4D")


def test_answer_cannot_send_a_person_elsewhere(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    stub.answers[SIGN_IN] = [(200, {"next": "//elsewhere.test/landed"})]
    page.goto(f"{stub.url}/prove")
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url(f"{stub.url}/")


# --- Sign-in: the server says no ----------------------------------------------------------------------------------


def test_passkey_the_server_no_longer_has_is_signalled(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    stub.answers[SIGN_IN] = [problem(404, "credential_unknown")]
    page.goto(f"{stub.url}/prove")
    page.get_by_role("button", name="Use your passkey").click()
    expect_problem(page, "credential_unknown", reference="P-7K3Q")
    assert authenticator.credentials() == []


@pytest.mark.parametrize(
    ("answer", "told", "reference"),
    [
        (problem(403, "account_disabled"), "account_disabled", "P-7K3Q"),
        (problem(503, "credential_unknown"), "credential_unknown", "P-7K3Q"),
        ((502, {"message": "Bad gateway"}), "offline", None),
        ((200, None), "offline", None),
    ],
)
def test_passkey_is_kept_on_any_other_refusal(
    page: Page,
    stub: StubServer,
    authenticator: VirtualAuthenticator,
    answer: tuple[int, dict[str, Any] | None],
    told: str,
    reference: str | None,
) -> None:
    stub.answers[SIGN_IN] = [answer]
    page.goto(f"{stub.url}/prove")
    page.get_by_role("button", name="Use your passkey").click()
    expect_problem(page, told, reference=reference)
    assert len(authenticator.credentials()) == 1
    assert stub.bodies(REPORTS) == []  # the server knows


def test_refused_autofill_is_told_once(page: Page, stub: StubServer, authenticator: VirtualAuthenticator) -> None:
    stub.defaults[SIGN_IN] = lambda: problem(403, "account_disabled")
    page.goto(f"{stub.url}/sign-in")
    expect_problem(page, "account_disabled", reference="P-7K3Q")
    page.wait_for_timeout(200)
    assert len(stub.bodies(SIGN_IN)) == 1  # a passkey that nobody picked is not picked again


def test_offline_before_the_dialog(page: Page, stub: StubServer, authenticator: VirtualAuthenticator) -> None:
    page.goto(f"{stub.url}/prove")
    page.route(f"**{SIGN_IN_OPTIONS}", lambda route: route.abort("internetdisconnected"))
    page.get_by_role("button", name="Use your passkey").click()
    expect_problem(page, "offline", reference=None)
    page.unroute(f"**{SIGN_IN_OPTIONS}")
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url("**/landed")


# --- Adding a passkey ---------------------------------------------------------------------------------------------


@pytest.fixture
def add_page(page: Page, stub: StubServer, authenticator: VirtualAuthenticator) -> Page:
    """Where a passkey can be added, with none there yet."""
    authenticator.clear()
    return page


def create(page: Page, stub: StubServer) -> None:
    page.goto(f"{stub.url}/security-info/add/passkey?provider=this_device")
    page.get_by_role("button", name="Create").click()


def test_passkey_is_created_and_sent(add_page: Page, stub: StubServer, authenticator: VirtualAuthenticator) -> None:
    create(add_page, stub)
    add_page.wait_for_url("**/security-info/methods/m%2F1/added")
    assert stub.bodies(ADD_OPTIONS) == [{"provider": "this_device"}]  # once, ahead
    [sent] = stub.bodies(ADD)
    assert set(sent["response"]) >= {"clientDataJSON", "attestationObject", "transports"}
    assert len(authenticator.credentials()) == 1


def test_passkey_already_there_is_good_news(page: Page, stub: StubServer, authenticator: VirtualAuthenticator) -> None:
    [id] = authenticator.credential_ids()
    stub.defaults[ADD_OPTIONS] = lambda: (
        200,
        creation_options(excludeCredentials=[{"type": "public-key", "id": id}]),
    )
    create(page, stub)
    expect(page.locator("[data-exists]")).to_be_focused()
    expect(page.locator("[data-create-area]")).to_be_hidden()
    expect(page.locator("[data-problem]")).to_be_hidden()
    page.get_by_role("button", name="Try it").click()
    page.wait_for_url("**/security-info?done=tried")
    assert [report["code"] for report in stub.bodies(REPORTS)] == ["create_exists"]


def test_refused_passkey_leaves_no_orphan(
    add_page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    stub.answers[ADD] = [problem(403, "attestation_untrusted")]
    create(add_page, stub)
    expect_problem(add_page, "attestation_untrusted", reference="P-7K3Q")
    expect(add_page.locator("[data-next]")).to_contain_text("Next step of orphan_removed.")
    assert authenticator.credentials() == []


def test_person_is_told_of_the_orphan_that_stays(
    add_page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    add_page.add_init_script("delete PublicKeyCredential.signalUnknownCredential;")
    stub.answers[ADD] = [problem(403, "attestation_untrusted")]
    create(add_page, stub)
    expect_problem(add_page, "attestation_untrusted", reference="P-7K3Q")
    expect(add_page.locator("[data-next]")).to_contain_text("Next step of orphan_left.")
    assert len(authenticator.credentials()) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (problem(503, "unavailable"), "unavailable"),
        ((502, {}), "offline"),
        (problem(409, "passkey_exists"), "passkey_exists"),
        (problem(400, "challenge_unknown"), "challenge_unknown"),
    ],
)
def test_passkey_the_server_may_have_is_kept(
    add_page: Page,
    stub: StubServer,
    authenticator: VirtualAuthenticator,
    answer: tuple[int, dict[str, Any]],
    told: str,
) -> None:
    stub.answers[ADD] = [answer]
    create(add_page, stub)
    expect(add_page.locator("[data-title]")).to_have_text(f"Title of {told}.")
    expect(add_page.locator("[data-next]")).to_have_text(f"Next step of {told}.")
    assert len(authenticator.credentials()) == 1


def test_passkey_is_kept_when_the_connection_breaks(
    add_page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    add_page.route(f"**{ADD}", lambda route: route.abort("connectionreset"))
    create(add_page, stub)
    expect_problem(add_page, "offline", reference=None)
    assert len(authenticator.credentials()) == 1


def test_step_up_is_asked_before_anything_is_pressed(add_page: Page, stub: StubServer) -> None:
    stub.answers[ADD_OPTIONS] = [problem(403, "fresh_mfa_required", next_path="/sign-in?step_up=add")]
    add_page.goto(f"{stub.url}/security-info/add/passkey")
    add_page.wait_for_url("**/sign-in?step_up=add")


def test_refused_options_are_told_on_the_click(add_page: Page, stub: StubServer) -> None:
    stub.defaults[ADD_OPTIONS] = lambda: problem(403, "passkey_limit")
    add_page.goto(f"{stub.url}/security-info/add/passkey")
    expect(add_page.locator("[data-problem]")).to_be_hidden()
    add_page.get_by_role("button", name="Create").click()
    expect_problem(add_page, "passkey_limit", reference="P-7K3Q")


def test_options_that_grew_old_are_fetched_anew(add_page: Page, stub: StubServer) -> None:
    add_page.clock.install()
    with add_page.expect_response(f"**{ADD_OPTIONS}"):
        add_page.goto(f"{stub.url}/security-info/add/passkey")
    add_page.wait_for_timeout(100)  # until the script, too, has the answer
    add_page.clock.fast_forward("04:01")
    evaluate(add_page, """() => { document.querySelector("[data-passkey-create]").click(); }""")
    add_page.wait_for_url("**/added")
    assert len(stub.bodies(ADD_OPTIONS)) == 2


def test_nobody_answering_the_dialog(add_page: Page, stub: StubServer, authenticator: VirtualAuthenticator) -> None:
    authenticator.set_present(False)
    stub.answers[ADD_OPTIONS] = [(200, creation_options(timeout=1_200))]
    create(add_page, stub)
    expect_problem(add_page, "create_timeout", reference="C-2B4D")


# --- Trying it ----------------------------------------------------------------------------------------------------


def test_passkey_is_tried(page: Page, stub: StubServer, authenticator: VirtualAuthenticator) -> None:
    page.goto(f"{stub.url}{ADDED_PATH}")
    page.get_by_role("button", name="Try it now").click()
    page.wait_for_url(f"**{ADDED_PATH}?tried=1")
    assert stub.bodies(SIGN_IN_OPTIONS) == [{"username": "ada@contoso.example"}]
    assert len(stub.bodies(SIGN_IN)) == 1


def test_options_are_there_before_a_focused_button_is_pressed(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    with page.expect_response(f"**{SIGN_IN_OPTIONS}"):
        page.goto(f"{stub.url}{ADDED_PATH}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{ADDED_PATH}?tried=1")
    assert len(stub.bodies(SIGN_IN_OPTIONS)) == 1


# --- Security info ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("is_accepted", "left"), [(True, ["ada@contoso.example (new)"]), (False, [])])
def test_providers_learn_what_the_server_keeps(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator, is_accepted: bool, left: list[str]
) -> None:
    [id] = authenticator.credential_ids()
    stub.pages["/security-info"] = stub_pages.security_info(
        {
            "rpId": "localhost",
            "userId": "YWRhLWhhbmRsZQ",
            "allAcceptedCredentialIds": [id] if is_accepted else [],
            "name": "ada@contoso.example (new)",
            "displayName": "Ada",
        }
    )
    page.goto(f"{stub.url}/security-info")
    page.wait_for_timeout(100)
    assert [kept["userName"] for kept in authenticator.credentials()] == left


def test_signals_a_browser_refuses_or_lacks_are_let_go(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    page.goto(stub.url)
    expression = """async (rpId) => {
        const { signalUnknownCredential } = await import("/static/js/webauthn.js");
        const refused = await signalUnknownCredential({ rpId, credentialId: "AAAA" });
        delete PublicKeyCredential.signalUnknownCredential;
        return [refused, await signalUnknownCredential({ rpId: "localhost", credentialId: "AAAA" })];
    }"""
    assert evaluate(page, expression, "elsewhere.example") == [False, False]


def test_menu_closes_on_escape_and_on_a_click_elsewhere(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    stub.pages["/security-info"] = stub_pages.security_info(
        {"rpId": "localhost", "userId": "AA", "allAcceptedCredentialIds": [], "name": "a", "displayName": "a"}
    )
    page.goto(f"{stub.url}/security-info")
    menu, more = page.locator("details"), page.locator("summary")
    more.click()
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", re.compile(""))
    expect(more).to_be_focused()
    more.click()
    page.get_by_role("heading").click()
    expect(menu).not_to_have_attribute("open", re.compile(""))


# --- Browsers without the JSON functions --------------------------------------------------------------------------


def test_registration_without_native_json_says_the_same(add_page: Page, stub: StubServer) -> None:
    create(add_page, stub)
    add_page.wait_for_url("**/added")
    add_page.add_init_script(WITHOUT_JSON_FUNCTIONS)
    create(add_page, stub)
    add_page.wait_for_url("**/added")
    native, ours = stub.bodies(ADD)
    assert shape(ours) == shape(native)


def test_authentication_without_native_json_says_the_same(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    [id] = authenticator.credential_ids()
    allowed = [{"type": "public-key", "id": id, "transports": ["internal"]}]
    stub.defaults[SIGN_IN_OPTIONS] = lambda: (200, request_options(allowCredentials=allowed))
    for script in ("", WITHOUT_JSON_FUNCTIONS):
        page.add_init_script(script)
        page.goto(f"{stub.url}/prove")
        page.get_by_role("button", name="Use your passkey").click()
        page.wait_for_url("**/landed")
    native, ours = stub.bodies(SIGN_IN)
    assert shape(ours) == shape(native)
    assert (ours["id"], ours["response"]["userHandle"]) == (native["id"], native["response"]["userHandle"])


def test_excluded_passkey_is_found_without_native_json(
    page: Page, stub: StubServer, authenticator: VirtualAuthenticator
) -> None:
    [id] = authenticator.credential_ids()
    stub.answers[ADD_OPTIONS] = [(200, creation_options(excludeCredentials=[{"type": "public-key", "id": id}]))]
    page.add_init_script(WITHOUT_JSON_FUNCTIONS)
    create(page, stub)
    expect(page.locator("[data-exists]")).to_be_visible()


def test_base64url_there_and_back(page: Page, stub: StubServer) -> None:
    page.goto(stub.url)
    expression = """async (rows) => {
        const { fromBase64url, toBase64url } = await import("/static/js/base64url.js");
        const texts = rows.map((row) => toBase64url(new Uint8Array(row)));
        return texts.map((text) => [text, [...new Uint8Array(fromBase64url(text))]]);
    }"""
    rows = [[], [0], [251, 255], [255, 254, 253]]
    assert evaluate(page, expression, rows) == [["", []], ["AA", [0]], ["-_8", [251, 255]], ["__79", [255, 254, 253]]]


def shape(value: object) -> object:
    """Which parts there are and of which kind; signatures and challenges differ each time."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in sorted(value.items())}
    return value if isinstance(value, list) else type(value).__name__
