"""The main paths from end to end, on each database."""

from collections.abc import Callable

import httpx2 as httpx
import pytest

from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.roles import Role
from tests.organisation import Browser, Organisation, at_once
from tests.software_authenticator import SoftwareAuthenticator


def test_from_password_and_code_to_a_passkey_and_back(org_on_each: Organisation) -> None:
    org = org_on_each
    browser, laptop = org.browser(), SoftwareAuthenticator()
    assert browser.sign_in().headers["location"] == "/security-info"

    registered = browser.register(laptop)
    assert registered.status_code == 201
    method_id = registered.json()["id"]

    other = org.browser()
    signed_in = other.sign_in_with(laptop)
    assert (signed_in.status_code, signed_in.json()) == (200, {"next": "/security-info"})
    page = other.get("/security-info")
    assert page.status_code == 200
    assert registered.json()["name"] in page.text

    renamed = other.send(f"/security-info/methods/{method_id}", {"name": "Ada’s laptop"}, verb="PATCH")
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Ada’s laptop")
    assert "Ada’s laptop" in browser.get("/security-info").text

    assert browser.send(f"/security-info/methods/{method_id}", {}, verb="DELETE").status_code == 204
    assert org.credentials() == []
    assert org.browser().sign_in_with(laptop, uv=True).json()["code"] == "credential_unknown"
    assert other.get("/security-info").headers["location"] == "/sign-in?next=/security-info"


def test_one_code_sent_many_times_at_once_signs_in_once(org_on_each: Organisation) -> None:
    org = org_on_each
    browsers = [org.browser() for _ in range(4)]
    for browser in browsers:
        browser.type_username()
        browser.type_password()
    org.clock.advance(30_000)
    code = browsers[0].code()

    def send(browser: Browser) -> Callable[[], httpx.Response]:
        return lambda: browser.type_code(code)

    answers = at_once([send(browser) for browser in browsers])
    assert sorted(answer.status_code for answer in answers) == [303, 401, 401, 401]
    assert len(org.sessions()) == 1
    assert sum(event.reason == "code_used" for event in org.events()) == 3


def test_one_assertion_sent_many_times_at_once_signs_in_once(org_on_each: Organisation) -> None:
    org = org_on_each
    laptop = SoftwareAuthenticator()
    org.signed_in().register(laptop)
    browser = org.browser()
    options = browser.send("/sign-in/passkey/options", {}).json()
    answer = laptop.get(options, "https://login.contoso.example")
    answers = at_once([lambda: browser.copy().send("/sign-in/passkey", answer)] * 4)
    assert sorted(one.status_code for one in answers) == [200, 400, 400, 400]
    assert {one.json()["code"] for one in answers if one.status_code == 400} == {"challenge_unknown"}


def test_one_registration_sent_many_times_at_once_is_kept_once(org_on_each: Organisation) -> None:
    org = org_on_each
    browser = org.signed_in()
    options = browser.send("/security-info/passkeys/options", {}).json()
    answer = SoftwareAuthenticator().create(options, "https://login.contoso.example")
    answers = at_once([lambda: browser.copy().send("/security-info/passkeys", answer)] * 4)
    assert sorted(one.status_code for one in answers) == [201, 400, 400, 400]
    assert len(org.credentials()) == 1


def test_what_an_administrator_does_reaches_the_browser(org_on_each: Organisation) -> None:
    org = org_on_each
    browser = org.signed_in("grace")
    now = org.clock()
    group = org.administer(
        administration.create_group, name="Pilots", description="First in", actor=None, caller=COMMAND_LINE, now=now
    )
    assert group.name == "Pilots"
    assert org.administer(
        administration.add_member, group="pilots", username="grace", actor=None, caller=COMMAND_LINE, now=now
    )
    assert not org.administer(
        administration.add_member, group="Pilots", username="grace", actor=None, caller=COMMAND_LINE, now=now
    )
    org.assign("grace", Role.HELPDESK)
    page = browser.get("/security-info").text
    assert "An administrator added you to a group." in page
    assert "An administrator gave you a role." in page

    assert org.administer(
        administration.remove_role, username="grace", role="helpdesk", actor=None, caller=COMMAND_LINE, now=now
    )
    assert org.administer(
        administration.remove_member, group="Pilots", username="grace", actor=None, caller=COMMAND_LINE, now=now
    )
    org.administer(administration.delete_group, "Pilots", actor=None, caller=COMMAND_LINE, now=now)
    assert browser.get("/security-info").status_code == 200
    org.disable("grace")
    assert browser.get("/security-info").headers["location"].startswith("/sign-in")


def test_refuses_to_remove_the_last_administrator(org_on_each: Organisation) -> None:
    now = org_on_each.clock()
    with pytest.raises(Refusal) as refused:
        org_on_each.administer(
            administration.remove_role,
            username="admin",
            role="global_administrator",
            actor=None,
            caller=COMMAND_LINE,
            now=now,
        )
    assert refused.value.reason is Reason.LAST_ADMINISTRATOR
    with pytest.raises(Refusal):
        org_on_each.administer(administration.delete_person, "admin", actor=None, caller=COMMAND_LINE, now=now)
    with pytest.raises(Refusal):
        org_on_each.administer(
            administration.set_person_enabled, "admin", is_enabled=False, actor=None, caller=COMMAND_LINE, now=now
        )
    assert org_on_each.signed_in("admin").get("/security-info").status_code == 200


@pytest.mark.parametrize("path", ["/security-info/methods/%00", "/branding/%00.css", "/help/%00"])
def test_refuses_characters_no_database_keeps(org_on_each: Organisation, path: str) -> None:
    browser = org_on_each.signed_in()
    for verb in ("GET", "PATCH", "DELETE"):
        assert browser.request(verb, path, json={"name": "a"}).status_code < 500, verb
