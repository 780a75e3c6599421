"""Our extension in a real Chromium, through the real native messaging host, to a real engine."""

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as TooSlow

from ostiary.passkeys import base64url
from ostiary.passkeys.authentication import verify_authentication
from ostiary.passkeys.registration import VerifiedRegistration, verify_registration
from ostiary.passkeys.responses import parse_authentication_response, parse_registration_response
from tests.authenticator.chromium.agent import APPROVED, DECLINED, TestAgent
from tests.authenticator.client.ceremonies import Stored

from .chromium import evaluate
from .extension import (
    SmallSite,
    begin,
    chromium_with_extension,
    create,
    extension_url,
    get,
    outcome,
    popup,
    wait_until_attached,
)

USER = {"id": "YWRh", "name": "ada@contoso.example", "displayName": "Ada Lovelace"}
UVPAA = "async () => await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()"
NOT_ALLOWED = {"error": "NotAllowedError", "message": "The operation either timed out or was not allowed."}


@pytest.fixture(scope="module")
def site() -> Iterator[SmallSite]:
    made = SmallSite()
    yield made
    made.close()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authenticator") / "data"


@pytest.fixture(scope="module")
def chromium(browser: Browser, data: Path, site: SmallSite) -> Iterator[BrowserContext]:
    home = data.parent / "home"
    with chromium_with_extension(browser, home, data) as context:
        yield context


@pytest.fixture
def agent(data: Path, site: SmallSite) -> Iterator[TestAgent]:
    """An app of its own for each test."""
    made = TestAgent(data, prompt_url=f"{site.url}/prompt")
    site.on_press = lambda answer: made.person.answers.put(APPROVED if answer == "approve" else DECLINED)
    yield made
    made.close()


@pytest.fixture
def tab(chromium: BrowserContext, site: SmallSite, agent: TestAgent) -> Iterator[Page]:
    page = chromium.new_page()
    page.goto(site.url)
    wait_until_attached(page)
    yield page
    for one in chromium.pages[1:]:
        with suppress(TooSlow):
            one.close()


def creation(**members: Any) -> dict[str, Any]:
    return {
        "rp": {"id": "localhost", "name": "A site"},
        "user": USER,
        "challenge": base64url.encode(secrets.token_bytes(32)),
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
        "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
        **members,
    }


def request(**members: Any) -> dict[str, Any]:
    challenge = base64url.encode(secrets.token_bytes(32))
    return {"rpId": "localhost", "challenge": challenge, "userVerification": "required", **members}


def registered(site: SmallSite, options: dict[str, Any], response: dict[str, Any]) -> VerifiedRegistration:
    return verify_registration(
        response=parse_registration_response(response),
        challenge=base64url.decode(options["challenge"]),
        origins=[site.url],
        rp_id="localhost",
        at=datetime.now(UTC),
    )


def test_registers_and_signs_in(tab: Page, site: SmallSite, agent: TestAgent) -> None:
    options = creation(attestation="direct", extensions={"credProps": True, "prf": {}})
    response = create(tab, options)
    facts = registered(site, options, response)
    assert facts.user_verified
    assert facts.attestation.format == "packed"
    assert response["clientExtensionResults"] == {"credProps": {"rk": True}, "prf": {"enabled": True}}
    assert agent.requests[-1]["params"]["origin"] == site.url
    assert agent.requests[-1]["params"]["source"] == "Chromium on this computer"

    asked = request(extensions={"prf": {"eval": {"first": "AAAA"}}})
    signed = get(tab, asked)
    verify_authentication(
        response=parse_authentication_response(signed),
        challenge=base64url.decode(asked["challenge"]),
        origins=[site.url],
        rp_id="localhost",
        credential=Stored.of(facts, b"ada"),
    )
    assert len(base64url.decode(signed["clientExtensionResults"]["prf"]["results"]["first"])) == 32


def test_attestation_is_only_for_who_asks(tab: Page, site: SmallSite) -> None:
    options = creation()
    assert registered(site, options, create(tab, options)).attestation.format == "none"


@pytest.mark.parametrize("answer", ["approve", "decline"])
def test_the_app_s_question_opens_over_the_page_and_goes_when_it_is_answered(
    tab: Page, chromium: BrowserContext, agent: TestAgent, answer: str
) -> None:
    agent.person.always = None
    with chromium.expect_page() as opened:
        begin(tab, "create", creation())
    prompt = opened.value
    assert prompt.url.endswith("/prompt")
    prompt.get_by_role("button", name=answer.title()).click()
    result = outcome(tab)
    assert ("id" in result) if answer == "approve" else (result == NOT_ALLOWED)
    if not prompt.is_closed():
        prompt.wait_for_event("close")


def test_closing_the_question_is_an_answer(tab: Page, chromium: BrowserContext, agent: TestAgent) -> None:
    agent.person.always = None
    with chromium.expect_page() as opened:
        begin(tab, "create", creation())
    opened.value.close()
    assert outcome(tab) == NOT_ALLOWED
    assert not agent.keys.credentials()


@pytest.mark.parametrize("how", ["abort", "close", "ask again"])
def test_a_page_that_gives_up_takes_the_question_away(
    tab: Page, chromium: BrowserContext, site: SmallSite, agent: TestAgent, how: str
) -> None:
    agent.person.always = None
    page = chromium.new_page()
    page.goto(site.url)
    with chromium.expect_page() as opened:
        begin(page, "create", creation())
    _, exchange = agent.person.asked.get(timeout=5)
    prompt = opened.value
    with prompt.expect_event("close"):
        if how == "abort":
            evaluate(page, "() => globalThis.giveUp.abort()")
            assert outcome(page)["error"] == "AbortError"
        elif how == "close":
            page.close()
        else:
            page.reload()
            begin(page, "create", creation())
    assert exchange.cancelled.wait(5)


def test_a_passkey_that_exists_already_is_said_to_the_page(tab: Page) -> None:
    made = create(tab, creation())
    again = create(tab, creation(excludeCredentials=[{"type": "public-key", "id": made["id"]}]))
    assert again["error"] == "InvalidStateError"


def test_no_passkey_is_said_to_the_person_and_not_to_the_page(
    tab: Page, chromium: BrowserContext, agent: TestAgent
) -> None:
    with chromium.expect_page() as opened:
        begin(tab, "get", request())
    window = opened.value
    expect(window.get_by_role("heading", name="No passkey here")).to_be_visible()
    expect(window.get_by_text("has no passkey for localhost that fits")).to_be_visible()
    assert evaluate(tab, "() => Promise.race([globalThis.outcome, Promise.resolve('pending')])") == "pending"
    window.get_by_role("button", name="Close").click()
    assert outcome(tab) == NOT_ALLOWED


def test_another_device_is_given_way_to_and_called_back_from(
    tab: Page, chromium: BrowserContext, agent: TestAgent
) -> None:
    with chromium.expect_page() as opened:
        begin(tab, "create", creation(authenticatorSelection={"authenticatorAttachment": "cross-platform"}))
    window = opened.value
    expect(window.get_by_role("heading", name="A security key or a phone is wanted")).to_be_visible()
    assert Axe().run(window).violations_count == 0
    window.get_by_role("button", name="Use another device").click()
    assert outcome(tab)["error"] == "NotAllowedError"
    expect(window.get_by_role("button", name="Back to the page")).to_be_focused()
    assert evaluate(tab, UVPAA) is False
    window.get_by_role("button", name="Back to the page").click()

    button = popup(chromium)
    expect(button.get_by_text("Paused", exact=True)).to_be_visible()
    button.get_by_role("button", name="Use it again now").click()
    expect(button.get_by_text("Connected")).to_be_visible()
    assert evaluate(tab, UVPAA) is True


def test_the_switch_detaches_it_and_is_remembered(tab: Page, chromium: BrowserContext) -> None:
    window = popup(chromium)
    switch = window.get_by_role("switch", name="Use for passkeys in this browser")
    expect(window.get_by_text("Connected")).to_be_visible()
    expect(switch).to_be_checked()
    switch.press("Space")
    expect(window.get_by_text("Switched off")).to_be_visible()
    assert evaluate(tab, UVPAA) is False
    window.reload()
    expect(window.get_by_text("Switched off")).to_be_visible()
    expect(switch).not_to_be_checked()
    switch.press("Space")
    expect(window.get_by_text("Connected")).to_be_visible()
    assert evaluate(tab, UVPAA) is True


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_pages_are_accessible(tab: Page, chromium: BrowserContext, scheme: Any) -> None:
    for path in ("popup.html", "elsewhere.html?why=verification_unavailable&who=contoso.example"):
        page = chromium.new_page()
        page.emulate_media(color_scheme=scheme)
        page.goto(extension_url(path))
        page.wait_for_timeout(300)
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        page.set_viewport_size({"width": 320, "height": 600})
        width = evaluate(
            page, "() => { document.documentElement.dir = 'rtl'; return document.documentElement.scrollWidth; }"
        )
        assert width <= (340 if path == "popup.html" else 320)


def test_a_framed_page_is_told_to_the_app_as_one(tab: Page, site: SmallSite, agent: TestAgent) -> None:
    evaluate(
        tab,
        """async (url) => {
          const frame = document.createElement("iframe");
          frame.allow = "publickey-credentials-create; publickey-credentials-get";
          const loaded = new Promise((resolve) => (frame.onload = resolve));
          frame.src = url;
          document.body.append(frame);
          await loaded;
        }""",
        site.url.replace("localhost", "framed.localhost"),
    )
    frame = tab.frames[-1]
    result = frame.evaluate(
        """async (options) => {
          const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
          const signal = AbortSignal.timeout(2000);
          return await navigator.credentials.get({ publicKey, signal }).catch(({ name }) => name);
        }""",
        request(rpId="framed.localhost"),
    )
    assert result in ("AbortError", "TimeoutError")  # a window says that there is no passkey
    params = agent.requests[-1]["params"]
    assert params["origin"] == site.url.replace("localhost", "framed.localhost")
    assert params["sameOriginWithAncestors"] is False


def test_when_the_app_is_gone_the_browser_answers_for_itself(browser: Browser, site: SmallSite, tmp_path: Path) -> None:
    made = TestAgent(tmp_path / "data")
    with chromium_with_extension(browser, tmp_path / "home", tmp_path / "data") as context:
        tab = context.new_page()
        tab.goto(site.url)
        wait_until_attached(tab)
        made.close()
        (tmp_path / "data" / "store").write_text("what is left of a disk")  # so that it cannot be started either
        assert create(tab, creation())["error"] == "NotAllowedError"
        assert evaluate(tab, UVPAA) is False
        window = popup(context)
        # asked how it is, the host starts nothing
        expect(window.get_by_text("The app is not running. It starts by itself")).to_be_visible()


def test_where_nobody_set_it_up_it_leaves_the_browser_alone(browser: Browser, site: SmallSite, tmp_path: Path) -> None:
    with chromium_with_extension(browser, tmp_path, None) as context:
        window = popup(context)
        expect(window.get_by_text("The app is not set up for this browser")).to_be_visible()
        expect(window.get_by_text("ostiary authenticator install-browser")).to_be_visible()
        tab = context.new_page()
        tab.goto(site.url)
        assert evaluate(tab, UVPAA) is False


def test_says_that_another_extension_answers(
    browser: Browser, site: SmallSite, tmp_path: Path, agent: TestAgent
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    manifest = {
        "manifest_version": 3,
        "name": "Another",
        "version": "1",
        "permissions": ["webAuthenticationProxy"],
        "background": {"service_worker": "worker.js"},
    }
    (other / "manifest.json").write_text(json.dumps(manifest))
    (other / "worker.js").write_text("chrome.webAuthenticationProxy.attach();")
    data = agent.directory
    with chromium_with_extension(browser, tmp_path / "home", data, others=[other]) as context:
        window = popup(context)
        expect(window.get_by_text("Another extension is in the way")).to_be_visible()


def test_wakes_for_the_next_request(tab: Page, chromium: BrowserContext, site: SmallSite) -> None:
    cdp = chromium.new_cdp_session(tab)
    cdp.send("ServiceWorker.enable")
    cdp.send("ServiceWorker.stopAllWorkers")
    options = creation()
    registered(site, options, create(tab, options))
