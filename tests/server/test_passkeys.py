"""Adding a passkey under Security info."""

import html
from typing import Literal

import pytest
import segno

from ostiary.clock import MINUTE
from ostiary.passkeys import base64url
from tests.organisation import ORIGIN, RP_ID, Browser, Organisation
from tests.server.reading import asked_for, problem_of, recorded_problem, says, text_of
from tests.software_authenticator import SoftwareAuthenticator

WINDOWS_HELLO = bytes.fromhex("08987058cadc4b81b6e130de50dcbe96")
APPLE_PASSWORDS = bytes.fromhex("fbfc3007154e4ecc8c0b6e020557d7bd")


def _options(browser: Browser, provider: str | None = None) -> dict[str, object]:
    answer = browser.send("/security-info/passkeys/options", {} if provider is None else {"provider": provider})
    assert answer.status_code == 200, answer.text
    options: dict[str, object] = answer.json()
    return options


# --- what is asked for


def test_asks_for_a_discoverable_verified_passkey(org: Organisation, ada: Browser) -> None:
    options = _options(ada)
    person = org.person()
    assert options["rp"] == {"id": RP_ID, "name": "Contoso"}
    assert options["user"] == {
        "id": base64url.encode(person.user_handle),
        "name": "ada@contoso.example",
        "displayName": "Ada",
    }
    assert b"ada" not in person.user_handle
    selection = options["authenticatorSelection"]
    assert isinstance(selection, dict)
    assert (selection["residentKey"], selection["userVerification"]) == ("required", "required")
    assert len(base64url.decode(str(options["challenge"]))) == 32
    assert options["challenge"] != _options(ada)["challenge"]


@pytest.mark.parametrize(
    ("provider", "hints", "attachment"),
    [
        ("this_device", ["client-device"], "platform"),
        ("phone_or_tablet", ["hybrid"], "cross-platform"),
        ("security_key", ["security-key"], "cross-platform"),
        (None, None, None),
    ],
)
def test_hints_follow_the_choice(
    ada: Browser, provider: str | None, hints: list[str] | None, attachment: str | None
) -> None:
    options = _options(ada, provider)
    assert options.get("hints") == hints
    selection = options["authenticatorSelection"]
    assert isinstance(selection, dict)
    assert selection.get("authenticatorAttachment") == attachment


@pytest.mark.parametrize("provider", ["fridge", "", 5, [], {}, True])
def test_refuses_a_provider_there_is_not(ada: Browser, provider: object) -> None:
    answer = ada.send("/security-info/passkeys/options", {"provider": provider})
    assert recorded_problem(ada, answer, 400, "request_invalid")["field"] == "provider"


def test_names_the_passkeys_there_are(ada: Browser, laptop: SoftwareAuthenticator) -> None:
    assert _options(ada)["excludeCredentials"] == [
        {"type": "public-key", "id": base64url.encode(laptop.credentials[0].id), "transports": ["internal"]}
    ]


# --- what comes back


def test_answers_with_the_sign_in_method(org: Organisation, ada: Browser) -> None:
    answer = ada.register(SoftwareAuthenticator(aaguid=APPLE_PASSWORDS, backup_eligible=True, backup_state=True))
    assert answer.status_code == 201
    method = org.method("passkey")
    assert answer.json() == {
        "id": method.id,
        "kind": "passkey",
        "name": "Apple Passwords, Nov 2026",
        "provider": "Apple Passwords",
        "aaguid": "fbfc3007-154e-4ecc-8c0b-6e020557d7bd",
        "binding": "synced",
        "attestation": "none",
        "added": org.clock(),
        "last_used": None,
    }


def test_keeps_the_credential_record(org: Organisation, ada: Browser) -> None:
    authenticator = SoftwareAuthenticator(transports=("usb", "nfc", "carrier-pigeon"))
    ada.register(authenticator)
    record = org.credentials()[0]
    assert record.credential_id == authenticator.credentials[0].id
    assert (record.algorithm, record.sign_count, record.transports, record.rp_id) == (-7, 0, "usb,nfc", RP_ID)
    assert (record.uv_initialized, record.backup_eligible, record.backup_state) == (True, False, False)


@pytest.mark.parametrize("attestation", ["self", "packed"])
def test_an_authenticator_that_vouches_for_itself_is_not_attested(
    org: Organisation, ada: Browser, attestation: Literal["self", "packed"]
) -> None:
    """Nor is one whose statement brings its own root: nobody gave us that."""
    options = {**_options(ada), "attestation": "direct"}
    vouching = SoftwareAuthenticator(attestation=attestation)
    answer = ada.send("/security-info/passkeys", vouching.create(options, ORIGIN))
    assert answer.status_code == 201
    assert answer.json()["attestation"] == ("self" if attestation == "self" else "untrusted")
    assert org.credentials()[0].attestation_format == "packed"


def test_is_audited(org: Organisation, ada: Browser) -> None:
    ada.register(SoftwareAuthenticator(aaguid=WINDOWS_HELLO))
    method, event = org.method("passkey"), org.events("person:passkey:add")[0]
    assert (event.result, event.actor, event.target) == ("success", "ada@contoso.example", "ada@contoso.example")
    assert (event.method_id, event.method) == (method.id, "Windows Hello, Nov 2026")
    assert event.aaguid == "08987058-cadc-4b81-b6e1-30de50dcbe96"
    assert (event.at, event.address, event.client) == (org.clock(), "198.51.100.7", "Chrome/Windows")


# --- names


@pytest.mark.parametrize(
    ("transports", "name"),
    [
        (("internal",), "Passkey, Windows, Nov 2026"),
        ((), "Passkey, Windows, Nov 2026"),
        (("hybrid",), "Phone, Nov 2026"),
        (("usb",), "Security key, Nov 2026"),
        (("nfc", "ble"), "Security key, Nov 2026"),
    ],
)
def test_a_default_name_says_what_and_when(ada: Browser, transports: tuple[str, ...], name: str) -> None:
    assert ada.register(SoftwareAuthenticator(transports=transports, aaguid=bytes(16))).json()["name"] == name


def test_default_names_are_numbered(ada: Browser) -> None:
    names = [ada.register(SoftwareAuthenticator(aaguid=WINDOWS_HELLO)).json()["name"] for _ in range(3)]
    assert names == ["Windows Hello, Nov 2026", "Windows Hello, Nov 2026 2", "Windows Hello, Nov 2026 3"]


def _register_named(browser: Browser, name: object) -> "tuple[int, str]":
    answer = SoftwareAuthenticator().create(_options(browser), ORIGIN)
    response = browser.send("/security-info/passkeys", {**answer, "name": name})
    body = response.json()
    return response.status_code, str(body["name"] if response.status_code == 201 else body["code"])


def test_a_name_may_come_with_it(ada: Browser) -> None:
    assert _register_named(ada, " Mein Laptop ") == (201, "Mein Laptop")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("", 400, "name_invalid"),
        ("a\u202eb", 400, "name_invalid"),
        ("a" * 31, 400, "name_invalid"),
        (5, 400, "request_invalid"),
        (["a"], 400, "request_invalid"),
        ("authenticator APP", 409, "name_taken"),
    ],
)
def test_refuses_the_name_it_comes_with(org: Organisation, ada: Browser, name: object, status: int, code: str) -> None:
    assert _register_named(ada, name) == (status, code)
    assert org.credentials() == []


# --- who may


def test_proof_is_judged_before_the_ceremony(org: Organisation, ada: Browser) -> None:
    org.clock.advance(5 * MINUTE)
    options = _options(ada)
    org.clock.advance(4 * MINUTE)  # the person takes their time with the device
    answer = ada.send("/security-info/passkeys", SoftwareAuthenticator().create(options, ORIGIN))
    assert answer.status_code == 201


def test_refuses_stale_proof_before_the_ceremony(org: Organisation, ada: Browser) -> None:
    org.clock.advance(5 * MINUTE + 1)
    problem = problem_of(ada.send("/security-info/passkeys/options", {}), 403, "fresh_mfa_required")
    assert problem["next_path"] == "/sign-in?step_up=1&next=/security-info/add"
    problem = problem_of(
        ada.send("/security-info/passkeys/options", {"provider": "phone_or_tablet"}), 403, "fresh_mfa_required"
    )
    page = ada.get(problem["next_path"])
    assert asked_for(page) == "password"
    ada.type_password()
    assert ada.type_code().headers["location"] == "/security-info/add/passkey?provider=phone_or_tablet"


def test_refuses_whoever_has_no_second_factor_and_leads_there(org: Organisation) -> None:
    org.add_person("linus", with_code=False)
    browser = org.browser()
    browser.type_username("linus")
    browser.type_password()
    answer = browser.send("/security-info/passkeys/options", {})
    problem = recorded_problem(browser, answer, 403, "second_factor_required")
    assert problem["next_path"] == "/security-info/add/code"
    assert browser.get(problem["next_path"]).status_code == 200
    cards = browser.follow(browser.get("/security-info/add/passkey"))
    assert says(cards, "second_factor_required")
    assert "provider=this_device" not in cards.text


def test_refuses_an_eleventh(org: Organisation, ada: Browser) -> None:
    waiting = _options(ada)
    for _ in range(10):
        assert ada.register(SoftwareAuthenticator()).status_code == 201
    recorded_problem(ada, ada.send("/security-info/passkeys/options", {}), 409, "passkey_limit")
    late = ada.send("/security-info/passkeys", SoftwareAuthenticator().create(waiting, ORIGIN))
    recorded_problem(ada, late, 409, "passkey_limit")
    assert len(org.credentials()) == 10
    assert says(ada.get("/security-info/add"), "passkey_limit")


def test_refuses_a_credential_registered_before(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    known = laptop.credentials[0].id
    for browser in (ada, org.signed_in("grace")):
        answer = browser.register(SoftwareAuthenticator(), credential_id=known)
        recorded_problem(browser, answer, 409, "passkey_exists")
    assert len(org.credentials("ada")) == 1
    assert org.credentials("grace") == []


# --- the pages around it


def test_the_cards_offer_every_way(ada: Browser) -> None:
    page = ada.get("/security-info/add")
    for path in (
        "passkey?provider=this_device",
        "passkey?provider=phone_or_tablet",
        "passkey?provider=security_key",
        "code",
    ):
        assert f'href="/security-info/add/{path}"' in page.text


@pytest.mark.parametrize("provider", ["this_device", "phone_or_tablet", "security_key"])
def test_there_is_a_page_before_each_ceremony(ada: Browser, provider: str) -> None:
    page = ada.get(f"/security-info/add/passkey?provider={provider}")
    assert page.status_code == 200
    assert "Create a passkey" in text_of(page)


def test_an_unknown_choice_leads_back_to_the_cards(ada: Browser) -> None:
    assert ada.get("/security-info/add/passkey?provider=fridge").headers["location"] == "/security-info/add"


# --- on the phone itself


def test_the_phones_page_leads_the_phone_itself_to_security_info(org: Organisation, ada: Browser) -> None:
    """By a plain address in a QR code, before the way that needs Bluetooth."""
    page = ada.get("/security-info/add/passkey?provider=phone_or_tablet").text
    address = f"{ORIGIN}/security-info/add"
    assert address in page
    assert html.escape(segno.make(address, micro=False).svg_data_uri(scale=4, border=2)) in page
    assert page.index("on-the-phone") < page.index("data-passkey-create")
    for other in ("this_device", "security_key"):
        assert "on-the-phone" not in ada.get(f"/security-info/add/passkey?provider={other}").text
