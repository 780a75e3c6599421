"""Registering an Ostiary Authenticator, and what becomes of it under Security info and in the policy."""

import html
import re
import threading
from typing import Any

import pytest

from ostiary.identity import authenticator_registration, policy_changes
from ostiary.identity.assurance import MethodKind
from ostiary.identity.authenticator_registration import parse_device_key
from ostiary.identity.events import Event
from ostiary.identity.policy.document import dump, load
from ostiary.identity.policy.model import AuthenticatorPolicy, Policy
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import base64url
from tests.organisation import ORIGIN, Organisation
from tests.policies import save
from tests.server.approvals.owners import Owner, go_on, number_on, owner, person_of, register, tells, with_device
from tests.server.test_notices import link_of
from tests.software_authenticator import SoftwareAuthenticator
from tests.software_device import MODEL, SoftwareDevice

__all__ = ["owner"]
OTHER_HALF = base64url.encode(bytes(32))


def test_it_is_kept_with_what_the_app_says_of_itself(org_on_each: Organisation) -> None:
    device = SoftwareDevice(ORIGIN)
    made = register(org_on_each, "ada", device, "Ada's laptop")
    assert made.method.kind == MethodKind.AUTHENTICATOR
    with org_on_each.database.transaction() as tx:
        found = authenticator_registration.authenticators_of(tx, person_of(tx, "ada").id)
    assert found == (made,)
    assert (made.device.public_key, made.device.model, made.device.platform) == (device.point, MODEL, "Linux")


def test_the_same_key_again_is_the_same_method(org: Organisation) -> None:
    device = SoftwareDevice(ORIGIN)
    first = register(org, "ada", device)
    again = register(org, "ada", device, app_version="0.2.0")
    assert again.method == first.method
    assert again.device.app_version == "0.2.0"


def test_refuses_a_key_of_somebody_else(org: Organisation) -> None:
    device = SoftwareDevice(ORIGIN)
    register(org, "ada", device)
    org.add_person("mallory")
    with pytest.raises(Refusal, match="device_key_taken"):
        register(org, "mallory", device)


def test_refuses_a_sixth(org: Organisation) -> None:
    for _ in range(5):
        register(org, "ada", SoftwareDevice(ORIGIN))
    with pytest.raises(Refusal, match="authenticator_limit"):
        register(org, "ada", SoftwareDevice(ORIGIN))


def test_a_name_that_is_taken_gets_a_number(org: Organisation) -> None:
    register(org, "ada", SoftwareDevice(ORIGIN), "Laptop")
    assert register(org, "ada", SoftwareDevice(ORIGIN), "Laptop").method.name == "Laptop 2"


@pytest.mark.parametrize(
    "instead",
    [
        {"kty": "OKP"},
        {"crv": "P-384"},
        {"x": OTHER_HALF},  # not on the curve
        {"x": 1},
        {"y": None},
        {"y": base64url.encode(bytes(31))},
        {"x": "not base64url!"},
        {"x": "é"},
        {"d": OTHER_HALF},  # a private key is no secret any more once it was sent
    ],
)
def test_refuses_a_key_that_is_no_public_p256_key(instead: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        parse_device_key(SoftwareDevice(ORIGIN).jwk | instead)
    assert refused.value.reason is Reason.DEVICE_KEY_INVALID


@pytest.mark.parametrize("point", [b"", b"\x00", b"\x04" + bytes(64), bytes(65), b"\x04" + b"\xff" * 64])
def test_refuses_a_point_that_is_not_on_the_curve(point: bytes) -> None:
    with pytest.raises(Refusal, match="device_key_invalid"):
        parse_device_key(point)


def test_takes_a_point_as_sec1_writes_it() -> None:
    device = SoftwareDevice(ORIGIN)
    assert parse_device_key(device.point) == device.point


@pytest.mark.parametrize(
    ("instead", "reason"),
    [
        ({"model": "an app"}, "device_invalid"),
        ({"model": "08987058-cadc-4b81-b6e1-30de50dcbe96"}, "device_invalid"),  # not one of ours
        ({"app_version": ""}, "device_invalid"),
        ({"platform": "a" * 41}, "device_invalid"),
        ({"platform": "a\nb"}, "device_invalid"),
        ({"display_name": ""}, "name_invalid"),
    ],
)
def test_refuses_words_that_cannot_be_shown(org: Organisation, instead: dict[str, str], reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        register(org, "ada", SoftwareDevice(ORIGIN), **instead)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"is_enabled": False}, "method_disabled"),
        ({"exclude": frozenset({"everyone"})}, "method_excluded"),
        ({"include": frozenset()}, "method_not_targeted"),
        ({"is_self_service_allowed": False}, "self_service_off"),
    ],
)
def test_refuses_what_policy_does_not_allow(org: Organisation, rules: dict[str, Any], reason: str) -> None:
    save(org, Policy(authenticator=AuthenticatorPolicy(**rules)))
    with pytest.raises(Refusal, match=reason):
        register(org, "ada", SoftwareDevice(ORIGIN))


def test_policy_that_turns_it_off_asks_for_something_else(org: Organisation) -> None:
    owner = with_device(org, "ada")
    save(org, Policy(authenticator=AuthenticatorPolicy(is_enabled=False)))
    browser = owner.typed_password()
    assert 'action="/sign-in/code"' in browser.get("/sign-in").text
    assert tells(browser.post("/sign-in/approval"), "method_not_offered")


def test_a_document_from_before_passwordless_approvals_still_loads() -> None:
    text = dump(Policy())
    assert '"is_passwordless_allowed": false' in text
    old = text.replace(', "is_passwordless_allowed": false', "").replace('"is_passwordless_allowed": false, ', "")
    assert "passwordless" not in old
    assert load(old) == Policy()


def test_security_info_lists_renames_and_removes_it(org: Organisation) -> None:
    browser = org.signed_in("ada")
    owner = with_device(org, "ada")
    page = browser.get("/security-info").text
    assert "Laptop" in page
    assert "0.1.0, Linux" in page
    path = f"/security-info/methods/{owner.device.id}"
    assert browser.send(path, {"name": "Work laptop"}, verb="PATCH").json()["name"] == "Work laptop"
    assert "stays in that Authenticator" in browser.get(f"{path}/delete").text
    with owner.connected() as connection:
        assert browser.send(path, {"understood": True}, verb="DELETE").status_code == 204
        assert connection.receive() == {"type": "refused", "reason": "device_unknown"}
    assert "Work laptop" not in browser.get("/security-info").text.split("Recent activity")[0]


def test_it_can_be_asked_first_after_a_password(org: Organisation) -> None:
    owner = with_device(org, "ada")
    browser = org.signed_in("ada")
    assert browser.post("/security-info/default-second-factor", {"kind": "authenticator"}).status_code == 303
    number_on(owner.typed_password(org.browser()).get("/sign-in").text)


def test_the_page_to_add_one_names_the_server_and_notices_when_it_is_done(org: Organisation) -> None:
    browser = org.signed_in("ada")
    assert "/security-info/add/authenticator" in browser.get("/security-info/add").text
    page = browser.get("/security-info/add/authenticator").text
    assert ORIGIN in page
    since = re.search(r'data-since="(\d+)"', page)
    assert since
    heard: list[str] = []
    listener = browser.copy()
    path = f"/security-info/add/authenticator/events?since={since[1]}"
    waiting = threading.Thread(target=lambda: heard.append(listener.get(path).text))
    waiting.start()
    with_device(org, "ada")
    waiting.join(5)
    assert '"registered"' in heard[0]
    assert "is set up" in browser.get(f"/security-info/add/authenticator?since={since[1]}").text


def test_the_choice_is_grey_where_policy_does_not_allow_it(org: Organisation) -> None:
    save(org, Policy(authenticator=AuthenticatorPolicy(is_self_service_allowed=False)))
    browser = org.signed_in("ada")
    assert 'href="/security-info/add/authenticator"' not in browser.get("/security-info/add").text
    assert browser.get("/security-info/add/authenticator").status_code == 403


def test_an_administrator_turns_passwordless_approvals_on_and_the_preview_says_so(org: Organisation) -> None:
    admin = org.signed_in("admin")
    key = SoftwareAuthenticator()
    assert admin.register(key).status_code == 201
    admin = org.browser()
    assert admin.sign_in_with(key).status_code == 200
    form = {
        "part": "authenticator",
        "based_on": "0",
        "enabled": "yes",
        "include:everyone": "yes",
        "self_service": "yes",
    }
    assert 'name="passwordless"' in admin.get("/admin/policy/methods/authenticator").text
    preview = admin.post("/admin/policy/preview", form | {"passwordless": "yes"})
    assert preview.status_code == 200, preview.text
    assert "stand in for the password" in preview.text
    with org.database.transaction() as tx:
        assert not policy_changes.read(tx, actor=None).policy.authenticator.is_passwordless_allowed
    document = re.search(r'name="document" value="([^"]+)"', preview.text)
    assert document
    saved = admin.post("/admin/policy", {"document": html.unescape(document[1]), "based_on": "0", "note": ""})
    assert saved.status_code == 303, saved.text
    with org.database.transaction() as tx:
        assert policy_changes.read(tx, actor=None).policy.authenticator.is_passwordless_allowed


def test_this_wasnt_me_removes_it(org: Organisation) -> None:
    owner = with_device(org, "ada")
    with owner.connected() as connection:
        assert org.browser().post(link_of(org, Event.AUTHENTICATOR_ADD)).status_code == 200
        assert connection.receive() == {"type": "refused", "reason": "device_unknown"}


def test_the_administrators_page_of_a_person_shows_it(org: Organisation) -> None:
    with_device(org, "ada")
    admin, key = org.signed_in("admin"), SoftwareAuthenticator()
    assert admin.register(key).status_code == 201
    admin = org.browser()
    assert admin.sign_in_with(key).status_code == 200
    with org.database.transaction() as tx:
        person = person_of(tx, "ada")
    page = admin.get(f"/admin/people/{person.id}").text
    assert "0.1.0, Linux" in page


def test_a_step_up_by_password_and_approval(owner: Owner) -> None:
    org = owner.organisation
    with owner.connected() as connection:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        assert connection.answer(connection.receive(), number) == "approved"
        assert go_on(browser).status_code == 303
        org.clock.advance(6 * 60_000)
        assert browser.get("/security-info/add/passkey").status_code == 303
        browser.get("/sign-in?step_up=1&next=/security-info")
        assert browser.type_password().headers["location"] == "/sign-in"
        number = number_on(browser.get("/sign-in").text)
        assert connection.answer(connection.receive(), number) == "approved"
        assert go_on(browser).headers["location"] == "/security-info"
