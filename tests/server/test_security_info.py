"""Security info: what a person sees of their sign-in methods, and what they may change."""

import json
import re
from html import unescape

import pytest

from ostiary.clock import MINUTE
from ostiary.passkeys import base64url
from tests.organisation import PASSWORD, Browser, Organisation
from tests.server.reading import problem_of, recorded_problem, says, stage, text_of
from tests.software_authenticator import SoftwareAuthenticator

NEW = "twelve-quiet-otters"


def _path(org: Organisation, kind: str = "passkey", username: str = "ada") -> str:
    return f"/security-info/methods/{org.method(kind, username).id}"


# --- the page


def test_lists_methods_sessions_and_activity(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    seen = text_of(ada.get("/security-info"))
    for words in (
        "ada@contoso.example",
        "You can sign in with 1 passkey",
        "Password",
        "Authenticator app",
        "Passkey, Windows, Nov 2026",
        "On one device only",
        "Chrome on Windows",
        "This session",
        "198.51.100.7",
        "You signed in.",
        "The passkey “Passkey, Windows, Nov 2026” was added.",
    ):
        assert words in seen, words


def test_says_when_there_is_only_a_password(org: Organisation) -> None:
    org.add_person("linus", with_code=False)
    browser = org.browser()
    browser.type_username("linus")
    page = browser.follow(browser.type_password())
    assert "Only a password protects this account" in text_of(page)


def test_tells_the_browser_which_passkeys_are_left(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    found = re.search(r'id="accepted-credentials">(.*?)</script>', ada.get("/security-info").text)
    assert found
    accepted = json.loads(unescape(found[1]))
    assert accepted == {
        "rpId": "login.contoso.example",
        "userId": base64url.encode(org.person().user_handle),
        "allAcceptedCredentialIds": [base64url.encode(laptop.credentials[0].id)],
        "name": "ada@contoso.example",
        "displayName": "Ada",
    }


def test_a_name_cannot_write_into_the_page(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    name = "</script><script>alert(1)"
    assert ada.send(_path(org), {"name": name}, verb="PATCH").status_code == 200
    page = ada.get("/security-info")
    assert "<script>alert" not in page.text
    assert name in unescape(page.text)


@pytest.mark.parametrize("path", ["/", "/mysecurityinfo"])
def test_other_addresses_lead_there(ada: Browser, path: str) -> None:
    assert ada.follow(ada.get(path)).status_code == 200


# --- activity


def test_a_refused_sign_in_is_shown_to_its_person(org: Organisation, ada: Browser) -> None:
    stranger = org.browser()
    stranger.type_username()
    stranger.type_password("wrong-password-here")
    assert says(ada.get("/security-info"), "credentials_wrong")
    assert not says(org.signed_in("grace").get("/security-info"), "credentials_wrong")


def test_every_change_is_told(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    path = _path(org)
    ada.send(path, {"name": "Blue laptop"}, verb="PATCH")
    ada.post("/security-info/default-second-factor", {"kind": "code"})
    ada.send(path, {}, verb="DELETE")
    ada.post("/security-info/password", {"current": PASSWORD, "new": NEW, "repeat": NEW})
    seen = text_of(ada.get("/security-info"))
    for words in (
        "A passkey was renamed to “Blue laptop”.",
        "The second step asked first was changed.",
        "The passkey “Blue laptop” was deleted.",
        "Your password was changed.",
    ):
        assert words in seen, words


# --- names

GOOD_NAMES = [
    ("x", "x"),
    ("a" * 30, "a" * 30),
    ("  Blue   laptop ", "Blue laptop"),
    ("青い\u3000電話", "青い 電話"),
    ("Ноутбук Ады", "Ноутбук Ады"),
    ("我的电话", "我的电话"),
    ("هاتف آدا", "هاتف آدا"),
    ("می\u200cخواهم", "می\u200cخواهم"),
    ("👩\u200d💻", "👩\u200d💻"),
    ("Cafe\u0301", "Café"),
    ("<b>&amp;", "<b>&amp;"),
    ("100 %", "100 %"),
]
BAD_NAMES = [
    "",
    " ",
    "\u00a0",
    "a" * 31,
    "a\nb",
    "a\tb",
    "a\x00b",
    "a\x7fb",
    "a\u202eb",
    "a\u2066b",
    "a\u200eb",
    "a\u200bb",
    "\ufeffa",
    "a\u2028b",
    "\ue000",
    "\u200d",
    "\u0301",
    "\u3164",
    "\u2800",
    "\uffa0",
]


@pytest.mark.parametrize(("typed", "kept"), GOOD_NAMES)
def test_a_name_may_be_in_any_script(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator, typed: str, kept: str
) -> None:
    answer = ada.send(_path(org), {"name": typed}, verb="PATCH")
    assert (answer.status_code, answer.json()["name"]) == (200, kept)
    assert org.method("passkey").name == kept
    assert kept in unescape(ada.get("/security-info").text)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_refuses_a_name(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator, name: str) -> None:
    before = org.method("passkey").name
    problem = recorded_problem(ada, ada.send(_path(org), {"name": name}, verb="PATCH"), 400, "name_invalid")
    assert problem["field"] == "name"
    assert org.method("passkey").name == before


def test_refuses_half_a_character(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    answer = ada.request(
        "PATCH", _path(org), content=b'{"name": "a\\ud800"}', headers={"content-type": "application/json"}
    )
    recorded_problem(ada, answer, 400, "name_invalid")


@pytest.mark.parametrize("name", [None, 5, True, ["a"], {"a": "b"}])
def test_refuses_a_name_that_is_no_text(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator, name: object
) -> None:
    answer = ada.send(_path(org), {"name": name}, verb="PATCH")
    assert recorded_problem(ada, answer, 400, "request_invalid")["field"] == "name"


@pytest.mark.parametrize(
    "name",
    ["Blue laptop", "BLUE LAPTOP", "Ｂｌｕｅ Ｌａｐｔｏｐ", "  blue  laptop", "Blue\u00a0laptop", "Blue\u200d laptop"],
)
def test_refuses_a_name_that_looks_like_another(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator, name: str
) -> None:
    ada.send(_path(org, "code"), {"name": "Blue laptop"}, verb="PATCH")
    recorded_problem(ada, ada.send(_path(org), {"name": name}, verb="PATCH"), 409, "name_taken")


def test_a_name_may_change_its_case(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    ada.send(_path(org), {"name": "laptop"}, verb="PATCH")
    assert ada.send(_path(org), {"name": "LAPTOP"}, verb="PATCH").json()["name"] == "LAPTOP"


def test_two_people_may_use_one_name(org: Organisation, ada: Browser) -> None:
    grace = org.signed_in("grace")
    for browser, username in ((ada, "ada"), (grace, "grace")):
        answer = browser.send(_path(org, "code", username), {"name": "My phone"}, verb="PATCH")
        assert answer.status_code == 200


def test_renaming_by_form(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    path = f"{_path(org)}/rename"
    assert 'value="Passkey, Windows, Nov 2026"' in ada.get(path).text
    page = ada.post(path, {"name": "a\u202eb"})
    assert (page.status_code, says(page, "name_invalid")) == (400, True)
    assert 'aria-invalid="true"' in page.text
    done = ada.post(path, {"name": "Blue laptop"})
    assert "The name is saved." in text_of(ada.follow(done))
    assert org.method("passkey").name == "Blue laptop"


def test_naming_right_after_adding(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    path = f"{_path(org)}/added"
    assert 'value="Passkey, Windows, Nov 2026"' in ada.get(path).text
    page = ada.post(path, {"name": ""})
    assert (page.status_code, says(page, "name_invalid")) == (400, True)
    page = ada.follow(ada.post(path, {"name": "Blue laptop"}))
    assert "Blue laptop" in text_of(page)
    assert 'name="name"' not in page.text


def test_refuses_to_rename_a_password(org: Organisation, ada: Browser) -> None:
    answer = ada.send(_path(org, "password"), {"name": "Secret"}, verb="PATCH")
    recorded_problem(ada, answer, 409, "method_not_renamable")


# --- deleting


def test_deleting_by_form(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    path = f"{_path(org)}/delete"
    page = text_of(ada.get(path))
    assert "The copy on the device stays." in page
    done = ada.post(path)
    assert "The sign-in method is deleted." in text_of(ada.follow(done))
    assert org.credentials() == []


def test_deleting_ends_the_sessions_it_opened(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    opened_by_it, by_password = org.browser(), org.signed_in("ada")
    opened_by_it.sign_in_with(laptop)
    assert ada.send(_path(org), {}, verb="DELETE").status_code == 204
    assert opened_by_it.get("/security-info").status_code == 303
    assert by_password.get("/security-info").status_code == 200
    assert ada.get("/security-info").status_code == 200


def test_deleting_is_audited(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    method = org.method("passkey")
    ada.send(_path(org), {}, verb="DELETE")
    event = org.events("person:passkey:remove")[0]
    assert (event.result, event.actor, event.target) == ("success", "ada@contoso.example", "ada@contoso.example")
    assert (event.method_id, event.method) == (method.id, method.name)
    assert event.aaguid == "6f737469-6172-792d-736f-667477617265"
    assert (event.address, event.client) == ("198.51.100.7", "Chrome/Windows")


def test_refuses_to_delete_a_password(org: Organisation, ada: Browser) -> None:
    recorded_problem(ada, ada.send(_path(org, "password"), {}, verb="DELETE"), 409, "method_not_removable")


def test_refuses_to_delete_the_last_strong_method_unsaid(org: Organisation, ada: Browser) -> None:
    path = _path(org, "code")
    problem = recorded_problem(ada, ada.send(path, {}, verb="DELETE"), 409, "last_strong_method")
    assert problem["field"] == "understood"
    recorded_problem(ada, ada.send(path, {"understood": False}, verb="DELETE"), 409, "last_strong_method")
    page = ada.post(f"{path}/delete")
    assert (page.status_code, says(page, "last_strong_method")) == (409, True)
    assert org.method("code")
    assert "This is your last safe way to sign in" in text_of(ada.get(f"{path}/delete"))


@pytest.mark.parametrize("by_form", [False, True])
def test_deletes_the_last_strong_method_when_it_is_understood(org: Organisation, ada: Browser, by_form: bool) -> None:
    path = _path(org, "code")
    if by_form:
        assert ada.post(f"{path}/delete", {"understood": "yes"}).status_code == 303
    else:
        assert ada.send(path, {"understood": True}, verb="DELETE").status_code == 204
    assert [method.kind for method in org.methods()] == ["password"]
    assert ada.get("/security-info").status_code == 200


def test_with_a_passkey_left_nothing_needs_to_be_understood(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    assert ada.send(_path(org, "code"), {}, verb="DELETE").status_code == 204


@pytest.mark.parametrize("understood", ["yes", 1, None, []])
def test_refuses_an_understanding_of_another_type(org: Organisation, ada: Browser, understood: object) -> None:
    answer = ada.send(_path(org, "code"), {"understood": understood}, verb="DELETE")
    recorded_problem(ada, answer, 400, "request_invalid")


# --- whose, and how fresh


@pytest.mark.parametrize("verb", ["PATCH", "DELETE"])
def test_refuses_a_method_of_another_person(org: Organisation, ada: Browser, verb: str) -> None:
    for path in (_path(org, "code", "grace"), "/security-info/methods/nonsense"):
        answer = ada.send(path, {"name": "Mine now"} if verb == "PATCH" else {}, verb=verb)
        recorded_problem(ada, answer, 404, "method_unknown")
    assert org.method("code", "grace").name == "Authenticator app"


@pytest.mark.parametrize("page", ["rename", "delete", "added"])
def test_refuses_to_show_a_method_of_another_person(org: Organisation, ada: Browser, page: str) -> None:
    grace, key = org.signed_in("grace"), SoftwareAuthenticator()
    grace.register(key)
    path = f"{_path(org, 'passkey', 'grace')}/{page}"
    for answer in (ada.get(path), ada.post(path, {"name": "Mine now", "understood": "yes"})):
        assert (answer.status_code, says(answer, "method_unknown")) == (404, True)
    assert len(org.credentials("grace")) == 1


def test_refuses_to_change_anything_on_stale_proof(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    path = _path(org)
    org.clock.advance(5 * MINUTE + 1)
    before = (org.methods(), org.person())
    for answer in (
        ada.send(path, {"name": "New"}, verb="PATCH"),
        ada.send(path, {}, verb="DELETE"),
        ada.send("/security-info/passkeys/options", {}),
    ):
        assert problem_of(answer, 403, "fresh_mfa_required")["next_path"].startswith("/sign-in?step_up=1&next=/")
    for address, form in (
        (f"{path}/rename", {"name": "New"}),
        (f"{path}/delete", {}),
        (f"{path}/added", {"name": "New"}),
        ("/security-info/password", {"current": PASSWORD, "new": NEW, "repeat": NEW}),
        ("/security-info/default-second-factor", {"kind": "code"}),
        ("/security-info/add/code", {"enrolment": "", "code": "123456"}),
    ):
        answer = ada.post(address, form)
        if address.endswith("/code"):  # judged before the proof: there is nothing pending to add
            assert says(answer, "enrolment_expired")
        else:
            assert answer.headers["location"].startswith("/sign-in?step_up=1"), address
    assert (org.methods(), org.person()) == before


# --- the second step asked first


def test_the_second_step_chosen_is_asked_first(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    def second_step() -> str:
        browser = org.browser()
        browser.type_username()
        browser.type_password()
        return stage(browser)

    assert second_step() == "code"  # the first one there was
    done = ada.post("/security-info/default-second-factor", {"kind": "passkey"})
    assert "Your choice is saved." in text_of(ada.follow(done))
    assert second_step() == "passkey"
    ada.send(_path(org), {}, verb="DELETE")
    assert second_step() == "code"
    assert org.person().preferred_second_factor is None


@pytest.mark.parametrize("kind", ["passkey", "password", "fingerprint", ""])
def test_refuses_a_second_step_the_person_does_not_have(org: Organisation, ada: Browser, kind: str) -> None:
    page = ada.post("/security-info/default-second-factor", {"kind": kind})
    assert (page.status_code, says(page, "method_not_offered")) == (400, True)
    assert org.person().preferred_second_factor == "code"


# --- the password


def test_a_password_change_ends_the_other_sessions(org: Organisation, ada: Browser) -> None:
    other = org.signed_in("ada")
    done = ada.post("/security-info/password", {"current": PASSWORD, "new": NEW, "repeat": NEW})
    assert "Your password is changed." in text_of(ada.follow(done))
    assert other.get("/security-info").status_code == 303
    old = org.browser()
    old.type_username()
    assert old.type_password(PASSWORD).status_code == 401
    assert org.browser().sign_in(password=NEW).headers["location"] == "/security-info"


@pytest.mark.parametrize(
    ("current", "new", "repeat", "status", "code"),
    [
        ("wrong-password-here", NEW, NEW, 401, "password_wrong"),
        ("", NEW, NEW, 401, "password_wrong"),
        (PASSWORD, "short", "short", 400, "password_too_short"),
        (PASSWORD, "x7" * 200, "x7" * 200, 400, "password_too_long"),
        (PASSWORD, "ada-is-my-name-", "ada-is-my-name-", 400, "password_too_easy"),
        (PASSWORD, NEW, NEW + "!", 400, "passwords_differ"),
        (PASSWORD, PASSWORD, PASSWORD, 400, "password_unchanged"),
    ],
)
def test_refuses_a_password_change(
    org: Organisation, ada: Browser, current: str, new: str, repeat: str, status: int, code: str
) -> None:
    page = ada.post("/security-info/password", {"current": current, "new": new, "repeat": repeat})
    assert (page.status_code, says(page, code)) == (status, True)
    assert f'value="{new}"' not in page.text
    assert org.browser().sign_in().headers["location"] == "/security-info"


def test_a_password_change_trusts_no_browser_any_more(org: Organisation, ada: Browser) -> None:
    thief = org.browser()
    thief.cookies = {name: value for name, value in ada.cookies.items() if "browser" in name}
    ada.confirm()
    form = {"current": PASSWORD, "new": "another-engine-1844", "repeat": "another-engine-1844"}
    assert ada.post("/security-info/password", form).status_code == 303
    thief.type_username("ada")
    for _ in range(10):
        thief.type_password("wrong-password-x")
    stranger = org.browser()
    stranger.type_username("ada")
    # the thief's copy of the cookie counts as a stranger now, so strangers are what it has locked out
    assert stranger.type_password("wrong-password-x").status_code == 429
