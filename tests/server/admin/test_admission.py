"""Who gets into the admin centre, and how well they must have proven who they are."""

import pytest

from ostiary.clock import MINUTE
from ostiary.identity.roles import Role
from tests.organisation import Browser, Organisation
from tests.server.reading import asked_for, says, text_of
from tests.software_authenticator import SoftwareAuthenticator


def test_strangers_are_led_to_sign_in(org: Organisation) -> None:
    answer = org.browser().get("/admin/people")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/admin/people"


def test_refuses_people_without_a_role(org: Organisation, ada: Browser) -> None:
    page = ada.get("/admin/people")
    assert page.status_code == 403
    assert says(page, "not_permitted")
    assert "Admin centre" not in text_of(ada.get("/security-info"))


def test_administrators_find_the_way_from_security_info(admin: Browser) -> None:
    assert 'href="/admin"' in admin.get("/security-info").text
    assert admin.follow(admin.get("/admin")).status_code == 200


@pytest.mark.parametrize("role", Role)
def test_every_role_gets_in(org: Organisation, ada: Browser, role: Role) -> None:
    org.assign("ada", role)
    assert ada.get("/admin/people").status_code == 200


def test_wants_the_passkey_once_there_is_one(org: Organisation, admin: Browser) -> None:
    key = SoftwareAuthenticator()
    assert admin.register(key).status_code == 201
    page = admin.get("/admin/people")
    assert page.headers["location"] == "/sign-in?step_up=passkey&next=/admin/people"
    asked = admin.follow(page)
    assert asked_for(asked) == "passkey"
    assert 'value="password"' not in asked.text
    answer = admin.sign_in_with(key, "admin")
    assert answer.json() == {"next": "/admin/people"}
    assert admin.get("/admin/people").status_code == 200


def test_password_and_code_do_not_stand_in_for_the_passkey(org: Organisation, admin: Browser) -> None:
    admin.register(SoftwareAuthenticator())
    admin.follow(admin.get("/admin/people"))
    assert admin.post("/sign-in/method", {"method": "password"}).status_code == 400
    admin.type_password()
    admin.type_code()
    assert admin.get("/admin/people").status_code == 303


def test_writes_want_fresh_proof_and_come_back(org: Organisation, admin: Browser) -> None:
    admin.clock.advance(6 * MINUTE)
    assert admin.get("/admin/people").status_code == 200
    ada = org.person("ada")
    for path, back in (
        ("/admin/people/new", "/admin/people/new"),
        (f"/admin/people/{ada.id}/disable", f"/admin/people/{ada.id}/disable"),
        (f"/admin/people/{ada.id}/enable", f"/admin/people/{ada.id}"),
        ("/admin/groups", "/admin/groups"),
        ("/admin/roles", "/admin/roles"),
    ):
        answer = admin.post(path)
        assert answer.headers["location"] == f"/sign-in?step_up=1&next={back}", path
    assert org.person("ada").is_enabled
    asked = admin.follow(admin.post(f"/admin/people/{ada.id}/enable"))
    assert "Confirm it is you" in text_of(asked)
    admin.type_password()
    assert admin.type_code().headers["location"] == f"/admin/people/{ada.id}"


def test_refuses_writes_from_another_site(org: Organisation, admin: Browser) -> None:
    ada = org.person("ada")
    answer = admin.request("POST", f"/admin/people/{ada.id}/disable", form={}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert org.person("ada").is_enabled
