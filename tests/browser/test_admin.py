"""What an administrator does in the browser alone, against the real server."""

import re

from playwright.sync_api import Browser, Page, expect

from ostiary.clock import system_clock
from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.roles import Role
from ostiary.storage.database import Database, sqlite_url

from .live_server import LiveServer, Visitor
from .test_journey import sign_in


def add_administrator(server: LiveServer) -> Visitor:
    visitor = server.add_person("Margaret Hamilton")
    database = Database(sqlite_url(server.data / "ostiary.db"))
    with database.transaction() as tx:
        administration.assign_role(
            tx,
            username=visitor.username,
            role=Role.GLOBAL_ADMINISTRATOR,
            actor=None,
            caller=COMMAND_LINE,
            now=system_clock(),
        )
    database.close()
    return visitor


def noun(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Admin centre").get_by_role("link", name=name, exact=True).click()


def test_from_a_new_person_to_a_policy_put_back(browser: Browser, page: Page, server: LiveServer) -> None:
    administrator = add_administrator(server)
    sign_in(page, server, administrator)
    page.get_by_role("link", name="Admin centre").click()
    expect(page.get_by_role("heading", name="People")).to_be_visible()

    # a person, who gets in by a pass
    page.get_by_role("link", name="Add person").click()
    username = f"new{administrator.username.partition('@')[0]}"
    page.get_by_label("Username").fill(username)
    page.get_by_label("Name", exact=True).fill("Katherine Johnson")
    page.get_by_role("button", name="Add person").click()
    expect(page.get_by_role("heading", name="Katherine Johnson is added")).to_be_visible()
    page.get_by_role("link", name="Issue a Temporary Access Pass").click()
    page.get_by_label("Lifetime in minutes").fill("90")
    page.get_by_role("button", name="Issue pass").click()
    code = page.locator("[data-secret]").inner_text()
    page.get_by_role("link", name="I have it").click()
    expect(page.get_by_text("Can sign in, with a Temporary Access Pass.")).to_be_visible()

    guest = browser.new_context(locale="en-GB")
    theirs = guest.new_page()
    theirs.goto(f"{server.url}/sign-in")
    theirs.get_by_label("Username").fill(username)
    theirs.get_by_role("button", name="Next").click()
    theirs.get_by_role("button", name="I have a Temporary Access Pass").click()
    theirs.get_by_label("Temporary Access Pass").fill("not-the-pass")
    theirs.get_by_role("button", name="Sign in", exact=True).click()
    told = theirs.get_by_role("alert").filter(visible=True)
    expect(told).to_contain_text("P-")
    reference = re.findall(r"P-[0-9A-Z]{4}-[0-9A-Z]{2}", told.inner_text())
    theirs.get_by_label("Temporary Access Pass").fill(code)
    theirs.get_by_role("button", name="Sign in", exact=True).click()
    expect(theirs).to_have_url(re.compile("/security-info"))
    guest.close()

    # the reference they read out
    noun(page, "References")
    page.get_by_label("Reference").fill(reference[0].lower())
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("link", name=f"{username}@contoso.example")).to_be_visible()

    # a provider blocked, seen before it is saved, and put back
    noun(page, "Policy")
    page.get_by_role("link", name="any provider").click()
    page.get_by_label("Block these").check()
    page.get_by_label("Bitwarden").check()
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_role("heading", name="What it does to people")).to_be_visible()
    expect(page.get_by_text("from any provider but Bitwarden")).to_be_visible()
    page.get_by_label("Why").fill("Not while we look into it")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The policy is saved and in force.")).to_be_visible()
    expect(page.get_by_role("link", name="Bitwarden")).to_be_visible()
    page.get_by_role("link", name=re.compile("Not while we look into it")).click()
    page.get_by_role("button", name="Put back what was before it").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="any provider")).to_be_visible()

    # and all of it is on record
    noun(page, "Audit")
    page.get_by_label("Event").select_option("admin:policy:save")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("row").filter(has_text=administrator.username)).to_have_count(2)


def test_rows_are_walked_with_the_keyboard(page: Page, server: LiveServer) -> None:
    sign_in(page, server, add_administrator(server))
    page.goto(f"{server.url}/admin/people?search=contoso")
    rows = page.locator("[data-row]")
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(rows.last).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    expect(rows.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/admin/people/[0-9a-f-]{36}"))
