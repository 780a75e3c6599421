"""From nothing to a passkey by a Temporary Access Pass, with the command line and a real browser."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from .chromium import VirtualAuthenticator
from .live_server import LiveServer
from .test_journey import SECURITY_INFO, add_passkey, row, sign_out

MINUTE = 60


def admin(server: LiveServer, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("ostiary")), "admin", *arguments, "--data", str(server.data)]
    environment = {**os.environ, "OSTIARY_CONFIG": str(server.data / "none.toml")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def add_somebody(server: LiveServer) -> str:
    """A person without any way to sign in."""
    username = f"p{uuid4().hex[:10]}@contoso.example"
    admin(server, "user", "create", username, "--name", "Linus Pauling", "--no-password")
    return username


def issue(server: LiveServer, username: str, *options: str) -> str:
    code: str = json.loads(admin(server, "tap", "issue", username, "--json", *options))["pass"]
    return code


def sign_in_by_pass(page: Page, server: LiveServer, username: str, code: str) -> None:
    page.goto(f"{server.url}/security-info")
    page.get_by_label("Username").fill(username)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="I have a Temporary Access Pass").click()
    expect(page.get_by_label("Temporary Access Pass")).to_be_focused()
    page.get_by_label("Temporary Access Pass").fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()


def violations(page: Page) -> list[str]:
    return [one["id"] for one in Axe().run(page).response["violations"]]


def test_from_a_pass_to_the_first_passkey_in_under_a_minute(
    page: Page, server: LiveServer, virtual_authenticator: VirtualAuthenticator
) -> None:
    username = add_somebody(server)
    began = time.monotonic()
    code = issue(server, username)
    sign_in_by_pass(page, server, username, code)
    expect(page).to_have_url(SECURITY_INFO)
    expect(page.get_by_text("Add a sign-in method of your own now")).to_be_visible()
    assert re.search(r"valid until \d+ \w+ \d{4}", row(page, "Temporary Access Pass"))
    assert violations(page) == []
    add_passkey(page, name="First laptop")
    virtual_authenticator.set_present(False)
    sign_out(page, server)
    page.get_by_role("link", name="Sign-in options").click()
    virtual_authenticator.set_present(True)
    page.get_by_role("button", name="Face, fingerprint, PIN or security key").click()
    expect(page).to_have_url(SECURITY_INFO)
    took = time.monotonic() - began
    assert took < MINUTE, f"{took:.1f} s"
    expect(page.get_by_text("Add a sign-in method of your own now")).to_have_count(0)
    assert "On one device only" in row(page, "First laptop")


def test_a_one_time_pass_is_refused_the_second_time_in_words(
    page: Page, server: LiveServer, virtual_authenticator: VirtualAuthenticator
) -> None:
    username = add_somebody(server)
    code = issue(server, username, "--one-time")
    sign_in_by_pass(page, server, username, code)
    expect(page).to_have_url(SECURITY_INFO)
    assert "was for one use, and was used" in row(page, "Temporary Access Pass")
    sign_out(page, server)
    sign_in_by_pass(page, server, username, code)
    problem = page.locator("#pass-problem")
    expect(problem).to_contain_text("was for one use, and was used")
    expect(problem).to_contain_text("Ask your helpdesk for a new one.")
    assert violations(page) == []
    reference = re.findall(r"P-[0-9A-Z-]+", problem.inner_text())[0]
    decoded = json.loads(admin(server, "audit", "show", reference, "--json"))
    assert (decoded["reason"], decoded["target"]) == ("pass_used", username)
    shown = json.loads(admin(server, "tap", "show", username, "--json"))
    assert (shown["usable"], shown["usability"]) == (False, "OneTimeUsed")


def test_its_owner_deletes_a_pass_and_axe_finds_nothing_on_the_way(page: Page, server: LiveServer) -> None:
    VirtualAuthenticator.plug_in(page)
    username = add_somebody(server)
    page.goto(f"{server.url}/sign-in")
    page.get_by_label("Username").fill(username)
    page.get_by_role("button", name="Next").click()
    assert violations(page) == []  # the password, and the pass as another way
    page.get_by_role("button", name="I have a Temporary Access Pass").click()
    assert violations(page) == []
    sign_in_by_pass(page, server, username, issue(server, username))
    add_passkey(page)
    page.goto(f"{server.url}/security-info")
    page.get_by_label("More for Temporary Access Pass").first.click()
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("Sessions it opened end")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("main").get_by_role("button", name="Delete").click()
    expect(page.get_by_label("Username")).to_be_visible()
    assert admin(server, "tap", "show", username).strip() == f"{username} has no pass."
