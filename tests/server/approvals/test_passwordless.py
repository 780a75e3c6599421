"""A username and an approval, without a password, where policy allows it; and that it says nothing of anybody."""

import re
from dataclasses import replace

import httpx2 as httpx

from ostiary.clock import HOUR, MINUTE, SECOND
from ostiary.identity.policy.model import AuthenticatorPolicy, Policy
from ostiary.storage import approvals
from tests.organisation import Browser, Organisation
from tests.policies import save
from tests.server.approvals.owners import Owner, go_on, number_on, owner, person_of, tells

__all__ = ["owner"]


def allow(org: Organisation, **rules: object) -> None:
    policy = AuthenticatorPolicy(is_passwordless_allowed=True)
    save(org, replace(Policy(), authenticator=replace(policy, **rules)))  # type: ignore[arg-type]


def ask(org: Organisation, username: str, browser: Browser | None = None) -> tuple[Browser, httpx.Response]:
    browser = browser or org.browser()
    browser.type_username(username)
    response = browser.post("/sign-in/method", {"method": "authenticator"})
    return browser, browser.follow(response) if response.status_code == 303 else response


def test_a_username_and_an_approval_sign_in(owner: Owner) -> None:
    org = owner.organisation
    allow(org)
    with owner.connected() as connection:
        browser, page = ask(org, "lin")
        approval = connection.receive()
        assert approval["is_passwordless"] is True
        assert connection.answer(approval, number_on(page.text)) == "approved"
    assert go_on(browser).headers["location"] == "/security-info"
    assert browser.get("/security-info").status_code == 200


def test_it_is_not_offered_unless_policy_allows_it(owner: Owner) -> None:
    _, page = ask(owner.organisation, "lin")
    assert tells(page, "method_not_offered")


def test_it_is_multi_factor_but_does_not_resist_phishing(owner: Owner) -> None:
    org = owner.organisation
    allow(org)
    with owner.connected() as connection:
        browser, page = ask(org, "lin")
        connection.answer(connection.receive(), number_on(page.text))
        go_on(browser)
    assert browser.get("/security-info/add/passkey?provider=this_device").status_code == 200


def test_nobody_can_tell_who_is_there(owner: Owner) -> None:
    """Of somebody with an Authenticator, somebody without one, and nobody: the same pages and the same end."""
    org = owner.organisation
    org.add_person("without", with_code=False)
    allow(org)
    told = {}
    for username in ("lin", "without", "nobody"):
        browser, page = ask(org, username)
        seen: list[object] = [_shape(page, username)]
        assert 10 <= int(number_on(page.text)) <= 99
        seen.append(_shape(go_on(browser), username))
        other, elsewhere = ask(org, username)
        seen.append(_shape(elsewhere, username))
        org.clock.advance(MINUTE)
        seen.append(browser.get("/sign-in/approval/events").text)
        seen.append(_shape(go_on(browser), username))
        for _ in range(2):
            browser.post("/sign-in/approval")
        seen.append(_shape(browser.post("/sign-in/approval"), username))
        assert tells(other.get("/sign-in"), "approvals_paused") is False
        told[username] = seen
        org.clock.advance(2 * HOUR)
    assert told["lin"] == told["without"] == told["nobody"]


def _shape(page: httpx.Response, username: str) -> tuple[int, str]:
    text = page.text.replace(f"{username}@", "USER@")
    text = re.sub(r"P-\w{4}-\w{2}", "REFERENCE", text)
    text = re.sub(r'(class="number"[^>]*>)\d\d<', r"\1NN<", text)
    return page.status_code, re.sub(r"Number \d\d", "Number NN", text)


def test_nobody_asked_in_vain_has_a_row_that_a_device_could_see(owner: Owner) -> None:
    org = owner.organisation
    allow(org, exclude=frozenset({"everyone-else"}))
    org.add_person("without", with_code=False)
    ask(org, "without")
    ask(org, "nobody")
    with org.database.transaction() as tx:
        assert approvals.pending_request_of(tx, person_of(tx, "without").id, now=org.clock()) is None


def test_a_disabled_account_is_asked_in_vain(owner: Owner) -> None:
    org = owner.organisation
    allow(org)
    with owner.connected() as connection:
        org.disable("lin")
        assert connection.receive() == {"type": "refused", "reason": "account_disabled"}
    _, page = ask(org, "lin")
    number_on(page.text)
    with org.database.transaction() as tx:
        assert approvals.pending_request_of(tx, person_of(tx, "lin").id, now=org.clock()) is None


def test_strangers_can_send_three_requests_an_hour(owner: Owner) -> None:
    org = owner.organisation
    allow(org)
    for _ in range(3):
        _, page = ask(org, "lin", org.browser("203.0.113.5"))
        number_on(page.text)
        org.clock.advance(61 * SECOND)
    _, page = ask(org, "lin", org.browser("203.0.113.77"))
    assert tells(page, "approvals_paused")
    # and the password still leads on, from where they are known or not
    number_on(owner.typed_password().get("/sign-in").text)


def test_one_network_can_ask_only_so_many_people(owner: Owner) -> None:
    org = owner.organisation
    allow(org)
    pages = [ask(org, f"person{n}", org.browser("203.0.113.5"))[1] for n in range(61)]
    assert all('class="number"' in page.text for page in pages[:60])
    assert tells(pages[60], "approvals_paused")


def test_policy_that_changed_meanwhile_is_asked_again(owner: Owner) -> None:
    org = owner.organisation
    allow(org)
    with owner.connected() as connection:
        browser, page = ask(org, "lin")
        assert connection.answer(connection.receive(), number_on(page.text)) == "approved"
    save(org, Policy())
    assert go_on(browser).status_code != 303


def test_a_step_up_after_a_while_asks_for_an_approval_again(owner: Owner) -> None:
    org = owner.organisation
    allow(org)
    with owner.connected() as connection:
        browser, page = ask(org, "lin")
        connection.answer(connection.receive(), number_on(page.text))
        go_on(browser)
        org.clock.advance(6 * MINUTE)
        page = browser.get("/sign-in?step_up=1&next=/security-info")
        connection.answer(connection.receive(), number_on(page.text))
        assert go_on(browser).headers["location"] == "/security-info"


def test_no_other_site_can_make_a_device_ask(owner: Owner) -> None:
    """A link from elsewhere shows the page; what is sent is sent at a press."""
    org = owner.organisation
    allow(org)
    with owner.connected() as connection:
        browser, page = ask(org, "lin")
        connection.answer(connection.receive(), number_on(page.text))
        go_on(browser)
        org.clock.advance(6 * MINUTE)
        for site in ("cross-site", "same-site"):
            led = browser.get("/sign-in?step_up=1&next=/security-info", **{"sec-fetch-site": site})
            assert led.status_code == 200
        assert org.administer(approvals.pending_request_of, org.person("lin").id, now=org.clock()) is None
        page = browser.get("/sign-in?step_up=1&next=/security-info", **{"sec-fetch-site": "same-origin"})
        connection.answer(connection.receive(), number_on(page.text))
        assert go_on(browser).headers["location"] == "/security-info"


def test_a_device_is_not_told_of_a_password_that_was_typed_long_ago(owner: Owner) -> None:
    org = owner.organisation
    allow(org)
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        approval = connection.receive()
        assert approval["is_passwordless"] is False
        assert connection.answer(approval, number) == "approved"
        go_on(browser)
        org.clock.advance(HOUR)
        number = number_on(browser.get("/sign-in?step_up=1&next=/security-info").text)
        approval = connection.receive()
        assert approval["is_passwordless"] is True
        assert connection.answer(approval, number) == "approved"
