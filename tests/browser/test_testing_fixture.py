"""The software authenticator behind the page of a Playwright test: the whole journey with no hand on anything."""

import re

from playwright.sync_api import BrowserContext, expect

from ostiary.authenticator import Decision, Outcome
from ostiary.authenticator.hosts.testing import SoftwareAuthenticator

from .chromium import evaluate
from .live_server import LiveServer, Visitor
from .test_journey import SECURITY_INFO, add_passkey, row, sign_in, sign_out

_KINDS = """async () => {
    const options = { challenge: new Uint8Array(16), rpId: "localhost", userVerification: "required" };
    const found = await navigator.credentials.get({ publicKey: options });
    return [
        found instanceof PublicKeyCredential,
        found.response instanceof AuthenticatorAssertionResponse,
        found.rawId instanceof ArrayBuffer,
        found.toJSON().id === found.id,
    ];
}"""
_FAILING = """async (options) => {
    try {
        await navigator.credentials.get({ publicKey: { challenge: new Uint8Array(16), ...options } });
    } catch (error) {
        return [error instanceof DOMException, error.name];
    }
}"""
_ABORTED = """async () => {
    const signal = AbortSignal.abort();
    const publicKey = { challenge: new Uint8Array(16) };
    return navigator.credentials.get({ publicKey, signal }).catch((error) => error.name);
}"""


def test_a_journey_through_the_fixture(
    context: BrowserContext, server: LiveServer, ada: Visitor, ostiary_authenticator: SoftwareAuthenticator
) -> None:
    ostiary_authenticator.attach(context)
    page = context.new_page()
    sign_in(page, server, ada)
    add_passkey(page, name="From a test")
    page.goto(f"{server.url}/security-info")
    assert "On one device only" in row(page, "From a test")
    sign_out(page, server)
    page.goto(f"{server.url}/sign-in")
    page.get_by_role("link", name="Sign-in options").click()
    page.get_by_role("button", name=re.compile("Face, fingerprint")).click()
    expect(page).to_have_url(SECURITY_INFO)
    assert [prompt.purpose for prompt in ostiary_authenticator.person.prompts] == ["register", "sign_in"]
    assert evaluate(page, _KINDS) == [True, True, True, True]
    assert evaluate(page, _FAILING, {"rpId": "contoso.example"}) == [True, "SecurityError"]
    assert evaluate(page, _ABORTED) == "AbortError"
    ostiary_authenticator.person.decide = lambda prompt, exchange: Decision(outcome=Outcome.DECLINED)
    assert evaluate(page, _FAILING, {}) == [True, "NotAllowedError"]
