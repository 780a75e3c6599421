"""Unmodified Chromium as the computer, our engine as the phone: the code on the screen, the advert, the tunnel."""

import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from playwright.sync_api import Page, expect, sync_playwright

from ostiary.authenticator import Decision, Outcome
from ostiary.hybrid.tunnel.client import Place
from tests.hybrid.bluez import FakeBluez, bluetooth
from tests.hybrid.test_air import DOMAIN, HOST, Phone
from tests.hybrid.tunnels import Listening, listening

from .chromium import ARGUMENTS, CHROMIUM
from .live_server import LiveServer, Visitor
from .screen import Screen, virtual_screen
from .test_journey import SECURITY_INFO, row, sign_in, sign_out

_WITHIN = 20_000


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A certificate that nobody trusts: the browser is told not to look."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def bluez(tmp_path: Path) -> Iterator[FakeBluez]:
    with bluetooth(tmp_path) as found:
        yield found


@pytest.fixture
def tunnels(tls: ssl.SSLContext) -> Iterator[Listening]:
    with listening("alone", tls=tls) as found:
        yield found


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    with virtual_screen(tmp_path) as found:
        yield found


@pytest.fixture
def page(tmp_path: Path, screen: Screen, bluez: FakeBluez, tunnels: Listening) -> Iterator[Page]:
    """In a browser with a window, a Bluetooth adapter, and the tunnel service under its real name."""
    arguments = [one for one in ARGUMENTS if not one.startswith(("--headless", "--host-resolver-rules"))]
    port = tunnels.url.rpartition(":")[2]
    arguments += [f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{port}", "--ignore-certificate-errors"]
    environment = {"DISPLAY": screen.display, "DBUS_SYSTEM_BUS_ADDRESS": bluez.address, "HOME": str(tmp_path)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=False, args=arguments, env={**environment, "PATH": "/usr/bin:/bin"}
        )
        context = browser.new_context(locale="en-GB", viewport={"width": 1000, "height": 700})
        context.set_default_timeout(_WITHIN)
        expect.set_options(timeout=_WITHIN)
        yield context.new_page()
        browser.close()


@pytest.fixture
def phone(tunnels: Listening) -> Phone:
    insecure = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    insecure.check_hostname = False
    insecure.verify_mode = ssl.CERT_NONE
    phone = Phone(tunnels)
    phone.place = Place(HOST, tunnels.url, insecure)
    return phone


def test_registers_and_signs_in_across_the_tunnel(
    page: Page, screen: Screen, phone: Phone, server: LiveServer, ada: Visitor
) -> None:
    sign_in(page, server, ada)
    page.get_by_role("link", name="Add sign-in method").first.click()
    page.get_by_role("link", name="Phone or tablet").click()
    page.get_by_role("button", name="Create passkey").click()
    phone.scan(screen.read_code("FIDO:/"))
    expect(page.get_by_role("heading", name="Your passkey is saved")).to_be_visible()
    phone.put_away()
    page.get_by_label("Name").fill("My phone")
    page.get_by_role("button", name="Save name").click()
    page.goto(f"{server.url}/security-info")
    assert "On one device only" in row(page, "My phone")

    sign_out(page, server)
    page.goto(f"{server.url}/sign-in")
    page.get_by_role("link", name="Sign-in options").click()
    page.get_by_role("button", name="Face, fingerprint, PIN or security key").click()
    phone.scan(screen.read_code("FIDO:/"))
    expect(page).to_have_url(SECURITY_INFO)
    phone.put_away()
    assert phone.failures == []
    assert [prompt.purpose for prompt in phone.verifier.prompts] == ["register", "sign_in"]


def test_declined_on_the_phone_and_then_registered_already(
    page: Page, screen: Screen, phone: Phone, server: LiveServer, ada: Visitor
) -> None:
    sign_in(page, server, ada)

    def add() -> None:
        page.goto(f"{server.url}/security-info/add")
        page.get_by_role("link", name="Phone or tablet").click()
        page.get_by_role("button", name="Create passkey").click()
        phone.scan(screen.read_code("FIDO:/"))

    phone.verifier.decide = lambda prompt, exchange: Decision(outcome=Outcome.DECLINED)
    add()
    expect(page.get_by_role("alert")).to_be_visible()
    phone.put_away()
    phone.verifier.decide = None
    add()
    expect(page.get_by_role("heading", name="Your passkey is saved")).to_be_visible()
    phone.put_away()
    add()
    expect(page.get_by_text("already")).to_be_visible()
    phone.put_away()
    assert phone.failures == [] and DOMAIN == 266
