"""Unmodified Chromium as the computer, our Authenticator as the phone: the code on the screen, the advert, the tunnel,
and the question that takes a PIN."""

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
from playwright.sync_api import Page, Playwright, expect

from ostiary.authenticator.app import assembly
from ostiary.authenticator.app.errors import AppError
from ostiary.authenticator.app.nearby import find_code
from ostiary.authenticator.app.nearby_views import NearbyResult, NearbyView
from ostiary.authenticator.app.qr import read_texts
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import PromptView
from ostiary.authenticator.keys import memory_key_store
from ostiary.authenticator.ports import Purpose
from ostiary.hybrid.tunnel.client import Place
from tests.authenticator.app.conftest import PIN, until
from tests.authenticator.app.nearby.conftest import DOMAIN, HOST, keep_account, over
from tests.hybrid.bluez import FakeBluez, bluetooth
from tests.hybrid.tunnels import Listening, listening

from .chromium import ARGUMENTS, CHROMIUM
from .live_server import LiveServer, Visitor
from .screen import Picture, Screen, virtual_screen
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
def page(
    tmp_path: Path, screen: Screen, bluez: FakeBluez, tunnels: Listening, playwright: Playwright
) -> Iterator[Page]:
    """In a browser with a window, a Bluetooth adapter, and the tunnel service under its real name."""
    arguments = [one for one in ARGUMENTS if not one.startswith(("--headless", "--host-resolver-rules"))]
    port = tunnels.url.rpartition(":")[2]
    arguments += [f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{port}", "--ignore-certificate-errors"]
    environment = {"DISPLAY": screen.display, "DBUS_SYSTEM_BUS_ADDRESS": bluez.address, "HOME": str(tmp_path)}
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, headless=False, args=arguments, env={**environment, "PATH": "/usr/bin:/bin"}
    )
    context = browser.new_context(locale="en-GB", viewport={"width": 1000, "height": 700})
    context.set_default_timeout(_WITHIN)
    expect.set_options(timeout=_WITHIN)
    yield context.new_page()
    browser.close()


class Phone:
    """The Authenticator, as its pages drive it, in somebody's hand. Its organisation has the tunnel service."""

    def __init__(self, tunnels: Listening) -> None:
        insecure = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        insecure.check_hostname = False
        insecure.verify_mode = ssl.CERT_NONE
        keys = memory_key_store(pin=PIN)
        self.app = AuthenticatorService(
            keys, make_engine=assembly.make_engine, places=lambda domain: Place(HOST, tunnels.url, insecure)
        )
        keep_account(keys, tunnel_domain=DOMAIN)

    def scan(self, screen: Screen) -> PromptView:
        """Looks at the computer's screen; the question it is asked then."""
        picture = until(lambda: self._sees_a_code(screen))
        begun = self.app.nearby.begin_from_image(picture.pixels, picture.width, picture.height)
        prompt: PromptView = until(self.app.prompt)
        assert prompt.source == "another computer nearby" and prompt.needs_pin
        assert not begun.is_over
        return prompt

    def _sees_a_code(self, screen: Screen) -> Picture | None:
        picture = screen.look()
        try:
            find_code(read_texts(picture.pixels, picture.width, picture.height))
        except AppError:
            return None
        return picture

    def result(self) -> NearbyResult | None:
        view: NearbyView = over(self.app)
        assert view.message == ""
        return view.result


@pytest.fixture
def phone(tunnels: Listening) -> Iterator[Phone]:
    phone = Phone(tunnels)
    yield phone
    phone.app.close()


def test_registers_and_signs_in_across_the_tunnel(
    page: Page, screen: Screen, phone: Phone, server: LiveServer, ada: Visitor
) -> None:
    sign_in(page, server, ada)
    page.get_by_role("link", name="Add sign-in method").first.click()
    page.get_by_role("link", name="Phone or tablet").click()
    page.get_by_role("button", name="Create passkey").click()
    prompt = phone.scan(screen)
    assert (prompt.purpose, prompt.rp_id, prompt.accounts[0].name) == (Purpose.REGISTER, "localhost", ada.username)
    phone.app.approve_prompt(prompt.id, pin=PIN)
    expect(page.get_by_role("heading", name="Your passkey is saved")).to_be_visible()
    assert phone.result() is NearbyResult.REGISTERED
    page.get_by_label("Name").fill("My phone")
    page.get_by_role("button", name="Save name").click()
    page.goto(f"{server.url}/security-info")
    assert "On one device only" in row(page, "My phone")

    sign_out(page, server)
    phone.app.lock()  # the question opens it
    page.goto(f"{server.url}/sign-in")
    page.get_by_role("link", name="Sign-in options").click()
    page.get_by_role("button", name="Phone or tablet").click()
    prompt = phone.scan(screen)
    assert (prompt.purpose, prompt.accounts[0].name) == (Purpose.SIGN_IN, ada.username)
    phone.app.approve_prompt(prompt.id, pin=PIN)
    expect(page).to_have_url(SECURITY_INFO)
    assert phone.result() is NearbyResult.SIGNED_IN
    assert [one.user_name for one in phone.app.passkeys()] == [ada.username]


def test_declined_on_the_phone_and_then_registered_already(
    page: Page, screen: Screen, phone: Phone, server: LiveServer, ada: Visitor
) -> None:
    sign_in(page, server, ada)

    def add() -> PromptView:
        page.goto(f"{server.url}/security-info/add")
        page.get_by_role("link", name="Phone or tablet").click()
        page.get_by_role("button", name="Create passkey").click()
        return phone.scan(screen)

    phone.app.decline_prompt(add().id)
    expect(page.get_by_role("alert")).to_be_visible()
    assert phone.result() is NearbyResult.DECLINED and phone.app.passkeys() == ()
    phone.app.approve_prompt(add().id, pin=PIN)
    expect(page.get_by_role("heading", name="Your passkey is saved")).to_be_visible()
    assert phone.result() is NearbyResult.REGISTERED
    prompt = add()
    assert prompt.purpose is Purpose.ALREADY_REGISTERED
    phone.app.approve_prompt(prompt.id, pin=PIN)
    expect(page.get_by_text("already")).to_be_visible()
    assert phone.result() is NearbyResult.ALREADY_REGISTERED
    assert len(phone.app.passkeys()) == 1
    assert phone.app.nearby.computers.views() == ()  # this browser asks for no link
