"""An organisation that takes attested passkeys of its own Authenticator alone: enrolled by a code, registered in the
browser, and refused without."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from typer.testing import CliRunner

from ostiary.cli.main import app as command_line
from ostiary.passkeys.providers import AUTHENTICATOR_SEALED_FILE

from .authenticator_app import (
    PIN,
    AuthenticatorApp,
    add_account,
    agree,
    choose_pin,
    enter_pin,
    opened,
    running_app,
    save_passkey,
)
from .chromium import WITHIN
from .extension import chromium_with_extension, wait_until_attached
from .live_server import LiveServer, Visitor
from .test_journey import row, sign_in, sign_out


class Office(LiveServer):
    """A server whose administrator types commands beside it."""

    def admin(self, *arguments: str, given: str | None = None) -> str:
        line = ["admin", *arguments, "--data", str(self.data)]
        result = CliRunner().invoke(command_line, line, input=given)
        assert result.exit_code == 0, result.output
        return result.stdout

    def code_for(self, person: Visitor) -> str:
        code: str = json.loads(self.admin("attestation", "code", "--for", person.username, "--json"))["code"]
        return code


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Its policy: attestation is enforced, and no AAGUID but the sealed-file Authenticator's is allowed."""
    server = Office(tmp_path_factory.mktemp("office"))
    server.start()
    server.admin("attestation", "init", "--country", "DE")
    policy = json.loads(server.admin("policy", "show"))
    [profile] = policy["passkey"]["profiles"]
    profile["rules"]["types"] = ["deviceBound"]
    profile["rules"]["is_attestation_enforced"] = True
    profile["rules"]["key_restrictions"] = {"enforcement": "allow", "aaguids": [str(AUTHENTICATOR_SEALED_FILE)]}
    file = server.data / "policy.json"
    file.write_text(json.dumps(policy))
    server.admin("policy", "set", str(file), "--yes")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthenticatorApp]:
    with running_app(tmp_path_factory.mktemp("authenticator") / "data") as app:
        yield app


@pytest.fixture(scope="module")
def chromium(browser: Browser, app: AuthenticatorApp) -> Iterator[BrowserContext]:
    with chromium_with_extension(browser, app.data.parent / "home", app.data) as context:
        yield context


@pytest.fixture
def page(chromium: BrowserContext, server: Office) -> Iterator[Page]:
    page = chromium.new_page()
    page.goto(f"{server.url}/sign-in")
    wait_until_attached(page)
    yield page
    chromium.clear_cookies()
    for one in chromium.pages[1:]:
        one.close()


def create_passkey(chromium: BrowserContext, page: Page) -> None:
    """At Security info, as far as the app's part in it."""
    page.bring_to_front()  # a browser answers no page that nobody sees
    page.get_by_role("link", name="Add sign-in method").first.click()
    page.get_by_role("link", name="This device").click()
    prompt = opened(chromium, page.get_by_role("button", name="Create passkey").click)
    enter_pin(prompt)
    prompt.get_by_role("button", name="Save passkey").click()


def test_refused_until_enrolled_then_attested_then_refused_once_revoked(
    chromium: BrowserContext, page: Page, app: AuthenticatorApp, server: Office
) -> None:
    ada, grace = server.add_person("Ada Lovelace"), server.add_person("Grace Hopper")
    tab = app.open(chromium)
    choose_pin(tab)

    # an Authenticator that nobody enrolled
    sign_in(page, server, ada)
    create_passkey(chromium, page)
    refusal = page.locator("[data-problem]")
    expect(refusal).to_contain_text("needs a passkey whose maker can be verified")

    # enrolled in the app, by the code of an administrator
    add_account(chromium, tab, server, ada)
    save_passkey(tab)
    refused = tab.get_by_role("listitem").filter(has_text="needs a passkey whose maker can be verified")
    expect(refused).to_contain_text("Ask your administrator for a code and use it here")
    tab.get_by_label("Code from your administrator").fill("aaaa-bbbb-cccc")
    tab.get_by_role("button", name="Use this code").click()
    expect(tab.get_by_role("alert")).to_contain_text("That enrolment code is not right, or not for you.")
    tab.get_by_label("Code from your administrator").fill(server.code_for(ada))
    tab.get_by_role("button", name="Use this code").click()
    proof = tab.get_by_role("listitem").filter(has_text="Proof of this Authenticator")
    expect(proof).to_contain_text("Done")

    # the same at Security info is taken now: attested, on this device only
    page.goto(f"{server.url}/security-info")
    create_passkey(chromium, page)
    expect(page.get_by_role("heading", name="Your passkey is saved")).to_be_visible()
    page.goto(f"{server.url}/security-info")
    assert "Ostiary Authenticator" in row(page, "On one device only added today")
    tab.get_by_role("link", name="Accounts").first.click()
    tab.get_by_role("link", name="On this computer only").click()
    expect(tab.get_by_role("definition").filter(has_text="Your organisation")).to_be_visible()

    # a certificate that is revoked vouches for nobody
    [enrolled] = json.loads(server.admin("attestation", "list", "--json"))
    revoked = json.loads(server.admin("attestation", "revoke", enrolled["serial"], "--json"))
    assert [one["username"] for one in revoked["passkeys"]] == [ada.username]
    sign_out(page, server)
    sign_in(page, server, grace)
    create_passkey(chromium, page)
    expect(page.locator("[data-problem]")).to_contain_text(
        "Your organisation no longer vouches for this Authenticator."
    )


def test_enrols_from_the_command_line(
    browser: Browser, server: Office, ada: Visitor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing runs: the command signs in by the browser it names, and shows each passkey's maker from then on."""
    data = tmp_path_factory.mktemp("alone") / "data"
    command = [sys.executable, "-P", "-m", "ostiary", "authenticator", "--data", str(data), "enrol"]
    command += ["--server", server.url, "--code", server.code_for(ada)]
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(WITHIN)
    environment = {**os.environ, "BROWSER": "true"}  # it opens none; the page is opened here
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{PIN}\n")
        process.stdin.close()
        link = next(line for line in process.stdout if line.startswith("http"))
        page = context.new_page()
        page.goto(link)
        agree(page, ada)
        said = process.stdout.read()
    assert process.returncode == 0, said
    assert "vouches for passkeys made here" in said
    assert ada.username in server.admin("attestation", "list", "--json")
    context.close()
