"""Owner notices: what is told, in which words, and what *This wasn't me* takes back."""

import json
import re
from collections.abc import Callable, Mapping
from email.headerregistry import Address
from typing import Any

import pytest
from sqlalchemy import select

from ostiary.clock import DAY
from ostiary.identity import administration, notices, passes
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.events import Event
from ostiary.identity.notices import NOTICES, SILENT, Undo
from ostiary.identity.roles import Role
from ostiary.storage import outbox, people
from ostiary.storage.database import Query, Transaction
from ostiary.storage.outbox import Mail
from ostiary.storage.tables import disavowals
from ostiary.web.letters import HAPPENED, Letter
from ostiary.web.mail_server import MailServer
from ostiary.web.mailing import compose
from tests.oidc.native_app import NativeApp
from tests.organisation import ORIGIN, PASSWORD, Browser, Organisation, at_once
from tests.server.approvals.owners import with_device
from tests.server.reading import says, stage, text_of
from tests.software_authenticator import SoftwareAuthenticator

ADA = "ada@contoso.example"
SERVER = MailServer("127.0.0.1", 25, "none", "", "", "no-reply@login.contoso.example", "login.contoso.example")
NEW_PASSWORD = "difference-engine-1822"


def mail_to(org: Organisation, recipient: str = ADA) -> list[Mail]:
    return [mail for mail in org.administer(outbox.page_of_mail, limit=1000) if mail.recipient == recipient]


def told(org: Organisation, recipient: str = ADA) -> list[str]:
    """The events this person was told of, oldest first."""
    return [json.loads(mail.facts)["event"] for mail in mail_to(org, recipient)]


def letter_of(org: Organisation, mail: Mail, *, name: str | None = "Ada", helpdesk: str | None = None) -> Letter:
    return org.site.writer.write(mail, organisation="Contoso", helpdesk=helpdesk, name=name)


def link_of(org: Organisation, event: Event, recipient: str = ADA) -> str:
    """The path of the link in the newest notice of this event."""
    mail = [mail for mail in mail_to(org, recipient) if json.loads(mail.facts)["event"] == event][-1]
    link = letter_of(org, mail).link
    assert link is not None and link.startswith(f"{ORIGIN}/not-me/")
    return link.removeprefix(ORIGIN)


# --- every event that has a notice has its mail


def _add_code(browser: Browser) -> None:
    page = browser.get("/security-info/add/code").text
    enrolment = re.search(r'name="enrolment" value="([^"]+)"', page)
    secret = re.search(r"secret=([A-Z2-7]+)", page)
    assert enrolment and secret
    answer = browser.post("/security-info/add/code", {"enrolment": enrolment[1], "code": browser.code(secret[1])})
    assert answer.status_code == 303, text_of(answer)


def _rename(kind: str) -> Callable[[Organisation, Browser], None]:
    def do(org: Organisation, browser: Browser) -> None:
        path = f"/security-info/methods/{org.method(kind).id}"
        assert browser.send(path, {"name": "Another name"}, verb="PATCH").status_code == 200

    return do


def _remove(kind: str) -> Callable[[Organisation, Browser], None]:
    def do(org: Organisation, browser: Browser) -> None:
        path = f"/security-info/methods/{org.method(kind).id}"
        assert browser.send(path, {"understood": True}, verb="DELETE").status_code == 204

    return do


def _change_password(_org: Organisation, browser: Browser) -> None:
    form = {"current": PASSWORD, "new": NEW_PASSWORD, "repeat": NEW_PASSWORD}
    assert browser.post("/security-info/password", form).status_code == 303


def _choose(_org: Organisation, browser: Browser) -> None:
    assert browser.post("/security-info/default-second-factor", {"kind": "passkey"}).status_code == 303


def _connect_app(org: Organisation, browser: Browser) -> None:
    NativeApp(org).sign_in(browser)


def _register(_org: Organisation, browser: Browser) -> None:
    assert browser.register(SoftwareAuthenticator()).status_code == 201


def _set_password(org: Organisation, _browser: Browser) -> None:
    org.administer(
        administration.set_person_password,
        "ada",
        password=NEW_PASSWORD,
        actor=None,
        caller=COMMAND_LINE,
        now=org.clock(),
    )


def _take_method(org: Organisation, _browser: Browser) -> None:
    method_id = org.method("code").id
    org.administer(
        administration.remove_person_method, "ada", method_id, actor=None, caller=COMMAND_LINE, now=org.clock()
    )


def _issue_pass(org: Organisation, _browser: Browser) -> None:
    org.administer(
        passes.issue,
        org.site.methods.temporary_access_pass,
        org.person(),
        actor=org.person("admin"),
        caller=COMMAND_LINE,
        now=org.clock(),
    )


def _sign_in(org: Organisation, _browser: Browser) -> None:
    org.signed_in()


def _take_pass(org: Organisation, browser: Browser) -> None:
    _issue_pass(org, browser)
    org.administer(passes.remove, org.person(), actor=None, caller=COMMAND_LINE, now=org.clock())


def _disavow(org: Organisation, browser: Browser) -> None:
    assert browser.post(link_of(org, Event.BROWSER_ADD)).status_code == 200


def _with_authenticator(do: Callable[[Organisation, Browser], None]) -> Callable[[Organisation, Browser], None]:
    def done(org: Organisation, browser: Browser) -> None:
        with_device(org, "ada")
        do(org, browser)

    return done


def _report(org: Organisation, _browser: Browser) -> None:
    with with_device(org, "ada").connected() as connection:
        stranger = org.browser()
        stranger.type_username()
        stranger.type_password()
        stranger.post("/sign-in/method", {"method": "authenticator"})
        assert connection.answer(connection.receive(), decision="report") == "reported"


DONE: Mapping[Event, Callable[[Organisation, Browser], None]] = {
    Event.BROWSER_ADD: _sign_in,
    Event.PASSKEY_ADD: _register,
    Event.PASSKEY_RENAME: _rename("passkey"),
    Event.PASSKEY_REMOVE: _remove("passkey"),
    Event.CODE_ADD: lambda _, browser: _add_code(browser),
    Event.CODE_RENAME: _rename("code"),
    Event.CODE_REMOVE: _remove("code"),
    Event.AUTHENTICATOR_ADD: _with_authenticator(lambda _org, _browser: None),
    Event.AUTHENTICATOR_RENAME: _with_authenticator(_rename("authenticator")),
    Event.AUTHENTICATOR_REMOVE: _with_authenticator(_remove("authenticator")),
    Event.APPROVAL_REPORT: _report,
    Event.PASSWORD_CHANGE: _change_password,
    Event.SECOND_FACTOR_CHOOSE: _choose,
    Event.APP_CONNECT: _connect_app,
    Event.PERSON_PASSWORD_SET: _set_password,
    Event.PERSON_METHOD_REMOVE: _take_method,
    Event.PASS_ISSUE: _issue_pass,
    Event.PASS_REMOVE: _take_pass,
    Event.DISAVOW: _disavow,
}


def test_every_event_is_told_or_silent_on_purpose() -> None:
    assert set(NOTICES) | SILENT == set(Event)
    assert not set(NOTICES) & SILENT
    assert set(HAPPENED) == set(NOTICES) == set(DONE)


@pytest.mark.parametrize("event", NOTICES)
def test_the_owner_is_told(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator, event: Event) -> None:
    before = len(mail_to(org))
    DONE[event](org, ada)
    assert event in told(org)[before:]
    mail = mail_to(org)[-1]
    letter = letter_of(org, mail)
    text = letter.as_text()
    assert letter.subject.startswith("Contoso: ")
    assert "November 2026" in text
    if NOTICES[event] is Undo.NO_LINK:
        assert letter.link is None
        return
    assert "If somebody on the telephone asked you to do this, it is an attack." in text
    assert "This wasn't me" in text
    html = org.site.writer.html(letter)
    assert letter.link is not None
    for words in (text, html):
        assert letter.link in words
        assert set(re.findall(r"https?://[^\s\"<]+", words)) == {letter.link}
    assert html.count("href=") == 1
    assert "<img" not in html and "src=" not in html


def test_nothing_is_told_of_what_was_rolled_back(org: Organisation) -> None:
    def fail(tx: Transaction) -> None:
        administration.set_person_password(
            tx, "ada", password=NEW_PASSWORD, actor=None, caller=COMMAND_LINE, now=org.clock()
        )
        raise RuntimeError

    with pytest.raises(RuntimeError):
        org.administer(fail)
    assert mail_to(org) == []


def test_a_notice_names_the_provider_the_device_the_place_and_the_time(org: Organisation, ada: Browser) -> None:
    ada.register(SoftwareAuthenticator(aaguid=bytes.fromhex("08987058cadc4b81b6e130de50dcbe96")))
    letter = letter_of(org, mail_to(org)[-1], helpdesk="+1 555 0100")
    facts = dict(letter.facts)
    assert facts["Kept in"].startswith("Windows Hello · ")
    assert facts["Device"] == "Chrome on Windows"
    assert facts["Internet address"] == "198.51.100.7"
    assert re.fullmatch(r"\d+ November 2026, \d\d:\d\d UTC", facts["When"])
    assert "+1 555 0100" in letter.as_text()
    assert "login.contoso.example/security-info" in letter.as_text()


def test_what_an_administrator_did_says_who(org: Organisation, ada: Browser) -> None:
    _issue_pass(org, ada)
    assert dict(letter_of(org, mail_to(org)[-1]).facts)["Done by"] == "admin@contoso.example"
    _set_password(org, ada)
    assert dict(letter_of(org, mail_to(org)[-1]).facts)["Done by"] == "An administrator, on the server itself"


def test_only_a_browser_never_seen_is_told(org: Organisation) -> None:
    browser = org.signed_in()
    browser.sign_in()
    assert told(org) == [Event.BROWSER_ADD]
    org.signed_in()
    assert told(org) == [Event.BROWSER_ADD] * 2
    grace = browser.copy()
    grace.sign_in("grace")
    assert told(org, "grace@contoso.example") == [Event.BROWSER_ADD]


# --- the words


def test_mail_speaks_the_language_of_its_reader(org: Organisation, ada: Browser) -> None:
    assert org.person().language is None
    ada.get("/security-info", **{"accept-language": "ar"})
    assert org.person().language == "ar"
    _register(org, ada)
    letter = letter_of(org, mail_to(org)[-1])
    assert (letter.language, letter.direction) == ("ar", "rtl")
    message = compose(mail_to(org)[-1], letter, org.site.writer.html(letter), SERVER)
    assert message["Content-Language"] == "ar"
    html = message.get_body(("html",))
    assert html is not None
    assert '<html lang="ar" dir="rtl">' in html.get_content()
    assert not re.search(r"%\(\w+\)", letter.as_text())
    assert len(re.findall(r"[\u0600-\u06ff]+", letter.as_text())) > 60

    ada.post("/language", {"language": "en", "return_to": "/security-info"})
    assert org.person().language == "en"


def test_a_name_cannot_become_a_header_or_markup(org: Organisation, ada: Browser) -> None:
    hostile = "<b>x</b>\r\nBcc: all@contoso.example\u202e"
    mail = Mail("id", ADA, None, "notice", notices.Facts(
        event=Event.PASSKEY_ADD, at=org.clock(), method=hostile, provider=hostile, is_synced=True,
        client=f"{hostile}/{hostile}", address=hostile, actor=hostile,
    ).as_json(token="t"), 0, 1, 0, None)  # fmt: skip
    letter = org.site.writer.write(mail, organisation="Contoso", helpdesk=hostile, name=hostile)
    assert "\nBcc" not in letter.as_text()
    assert "\u202e" not in letter.as_text()
    html = org.site.writer.html(letter)
    assert "<b>x" not in html
    assert "&lt;b&gt;x" in html
    with pytest.raises(ValueError, match=r"CR|newline|linefeed|header"):
        compose(mail, Letter(**{**_fields(letter), "title": hostile}), html, SERVER)
    with pytest.raises(ValueError, match=r"CR|newline|linefeed|header|arguments|address"):
        compose(mail._replace(recipient="a@b.example\r\nBcc: c@d.example"), letter, html, SERVER)


def _fields(letter: Letter) -> dict[str, Any]:
    return {name: getattr(letter, name) for name in letter.__slots__}


def test_a_message_is_whole(org: Organisation, ada: Browser) -> None:
    mail = mail_to(org)[-1]
    letter = letter_of(org, mail)
    message = compose(mail, letter, org.site.writer.html(letter), SERVER._replace(sender="Door <door@contoso.example>"))
    assert message["From"].addresses == (Address("Door", "door", "contoso.example"),)
    assert message["To"] == ADA
    assert message["Auto-Submitted"] == "auto-generated"
    assert mail.id in message["Message-ID"]
    plain, html = message.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert bytes(message).isascii()
    assert max(len(line) for line in bytes(message).splitlines()) < 999


# --- this wasn't me


def test_a_link_followed_changes_nothing(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    path = link_of(org, Event.PASSKEY_ADD)
    before = (org.methods(), org.person(), org.sessions(), len(org.events()), len(mail_to(org)))
    for verb in ("GET", "HEAD", "GET"):
        page = org.browser().request(verb, path)
        assert page.status_code == 200
    assert (org.methods(), org.person(), org.sessions(), len(org.events()), len(mail_to(org))) == before
    assert "was added." in text_of(page)
    assert ADA in text_of(page)
    assert "The sign-in method that was added is removed" in text_of(page)


def test_refuses_a_press_from_another_site(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    path = link_of(org, Event.PASSKEY_ADD)
    foreign = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    answer = org.browser().request("POST", path, form={}, headers=foreign)
    assert says(answer, "cross_site_request")
    assert len(org.credentials()) == 1


def test_an_owner_takes_a_passkey_back(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    """The passkey is gone, so are all sessions and the browser's trust; the log warns, administrators are told."""
    org.assign("grace", Role.AUTHENTICATION_ADMINISTRATOR)
    path = link_of(org, Event.PASSKEY_ADD)
    thief = org.browser()
    assert thief.sign_in_with(laptop).status_code == 200
    page = org.browser().post(path)
    assert page.status_code == 200
    assert "Your account is protected" in text_of(page)
    assert "Sign in again" in text_of(page)  # password and code are still there
    assert org.credentials() == []
    assert org.sessions() == []
    assert org.person().must_change_password
    for browser in (ada, thief):
        assert browser.get("/security-info").headers["location"].startswith("/sign-in")
    event = org.events(Event.DISAVOW)[0]
    assert event.target == ADA
    assert event.detail is not None and "person:passkey:add" in event.detail
    for administrator in ("admin@contoso.example", "grace@contoso.example"):
        alert = mail_to(org, administrator)[-1]
        assert alert.letter == notices.Letter.ALERT
        letter = letter_of(org, alert)
        assert ADA in letter.as_text()
        assert letter.link == f"{ORIGIN}/admin/people/{org.person().id}"
    told_before = len(mail_to(org))
    ada.sign_in()  # a browser that was trusted before counts as new
    assert stage(ada) == "new_password"
    ada.post("/sign-in/new-password", {"new": NEW_PASSWORD, "repeat": NEW_PASSWORD})
    assert Event.BROWSER_ADD in told(org)[told_before:]
    assert "You said that something was not you." in text_of(ada.get("/security-info"))


def test_a_link_works_once(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    path = link_of(org, Event.PASSKEY_ADD)
    org.browser().post(path)
    events = len(org.events(Event.DISAVOW))
    for answer in (org.browser().post(path), org.browser().get(path)):
        assert answer.status_code == 410
        assert says(answer, "link_used")
    refused = [event for event in org.events(Event.DISAVOW) if event.result == "refused"]
    assert len(org.events(Event.DISAVOW)) - len(refused) == events


def test_refuses_a_link_after_thirty_days(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    path = link_of(org, Event.PASSKEY_ADD)
    org.clock.advance(7 * DAY - 1)
    assert org.browser().get(path).status_code == 200
    org.clock.advance(1)
    for answer in (org.browser().get(path), org.browser().post(path)):
        assert (answer.status_code, says(answer, "link_expired")) == (410, True)
    assert len(org.credentials()) == 1


@pytest.mark.parametrize("token", ["nonsense", "A" * 43, "%00", "é"])
def test_refuses_a_link_that_never_was(org: Organisation, token: str) -> None:
    for verb in ("GET", "POST"):
        assert org.browser().request(verb, f"/not-me/{token}", form={}).status_code == 404


def test_a_token_is_stored_only_as_a_hash_once_its_mail_is_gone(org: Organisation, ada: Browser) -> None:
    token = link_of(org, Event.BROWSER_ADD).rpartition("/")[2]

    def clear(tx: Transaction) -> None:
        for mail in outbox.page_of_mail(tx, limit=10):
            outbox.delete_mail(tx, mail.id)

    org.administer(clear)
    with org.database.transaction() as tx:
        assert token not in str(tx.all(Query(select(disavowals))))
    assert org.browser().get(f"/not-me/{token}").status_code == 200


def test_a_password_that_was_not_changed_by_its_owner_works_for_nobody(org: Organisation, ada: Browser) -> None:
    _change_password(org, ada)
    page = org.browser().post(link_of(org, Event.PASSWORD_CHANGE))
    assert "You have no strong way to sign in left" in text_of(page)
    assert "helpdesk" in text_of(page)
    assert "The old password" not in text_of(page)
    assert org.person().must_change_password
    thief = org.browser()
    thief.sign_in(password=NEW_PASSWORD)
    assert org.sessions() == []
    assert {method.kind for method in org.methods()} == {"code"}
    _set_password(org, ada)  # as a helpdesk does
    browser = org.browser()
    browser.sign_in(password=NEW_PASSWORD)
    assert stage(browser) == "new_password"


def test_an_older_notice_does_not_take_a_newer_password(org: Organisation, ada: Browser) -> None:
    _change_password(org, ada)
    path = link_of(org, Event.PASSWORD_CHANGE)
    org.clock.advance(1000)
    _set_password(org, ada)
    org.browser().post(path)
    assert {method.kind for method in org.methods()} == {"code", "password"}
    assert org.person().must_change_password


def test_a_pass_is_taken_back(org: Organisation, ada: Browser) -> None:
    _issue_pass(org, ada)
    org.browser().post(link_of(org, Event.PASS_ISSUE))
    assert "temporary_access_pass" not in {method.kind for method in org.methods()}


def test_what_was_removed_asks_for_another_password(org: Organisation, ada: Browser) -> None:
    _remove("code")(org, ada)
    page = org.browser().post(link_of(org, Event.CODE_REMOVE))
    assert "You have no strong way to sign in left" in text_of(page)
    assert org.person().must_change_password
    assert org.sessions() == []


def test_a_method_its_owner_has_removed_already_is_no_error(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    path = link_of(org, Event.PASSKEY_ADD)
    _remove("passkey")(org, ada)
    assert org.browser().post(path).status_code == 200
    assert org.sessions() == []


def test_a_disabled_administrator_is_not_alerted(org: Organisation, ada: Browser) -> None:
    org.assign("grace", Role.GLOBAL_ADMINISTRATOR)
    org.disable("grace")
    org.browser().post(link_of(org, Event.BROWSER_ADD))
    assert mail_to(org, "grace@contoso.example") == []
    assert len(mail_to(org, "admin@contoso.example")) == 1


def test_a_deleted_person_leaves_a_dead_link(org: Organisation, ada: Browser) -> None:
    path = link_of(org, Event.BROWSER_ADD)
    org.administer(people.delete_person, org.person().id)
    assert says(org.browser().get(path), "link_unknown")


def test_takes_back_once_on_each_database(org_on_each: Organisation) -> None:
    """Pressed four times at the same moment."""
    org = org_on_each
    org.signed_in().register(SoftwareAuthenticator())
    path = link_of(org, Event.PASSKEY_ADD)
    answers = at_once([lambda: org.browser().post(path)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410]
    assert (org.credentials(), org.sessions()) == ([], [])
    assert len(mail_to(org, "admin@contoso.example")) == 1
