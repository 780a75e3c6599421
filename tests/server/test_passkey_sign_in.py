"""Sign-in with a passkey: without a username, with one, and what is refused."""

import pytest

from ostiary.passkeys import base64url
from tests.organisation import ORIGIN, RP_ID, Browser, Organisation, open_organisation
from tests.server.reading import recorded_problem, stage
from tests.software_authenticator import SoftwareAuthenticator


def test_without_a_username(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    browser = org.browser()
    options = browser.send("/sign-in/passkey/options", {}).json()
    assert options["allowCredentials"] == []
    assert options["rpId"] == RP_ID
    assert options["userVerification"] == "required"
    answer = browser.send("/sign-in/passkey", laptop.get(options, ORIGIN))
    assert (answer.status_code, answer.json()) == (200, {"next": "/security-info"})
    assert "ada@contoso.example" in browser.get("/security-info").text


def test_one_passkey_is_enough(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    browser = org.browser()
    browser.sign_in_with(laptop)
    assert browser.send("/security-info/passkeys/options", {}).status_code == 200  # it counts as two factors


def test_after_a_typed_username(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    browser = org.browser()
    browser.get("/sign-in?next=/security-info/add")
    browser.type_username()
    assert browser.sign_in_with(laptop, "ada").json() == {"next": "/security-info/add"}


def test_as_the_second_step(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    browser = org.browser()
    browser.type_username()
    browser.type_password()
    assert browser.sign_in_with(laptop, "ada").status_code == 200


def test_a_passkey_of_somebody_else_begins_their_own_sign_in(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    browser = org.browser()
    browser.type_username("grace")
    browser.type_password()
    assert browser.sign_in_with(laptop).status_code == 200
    page = browser.get("/security-info").text
    assert "ada@contoso.example" in page
    assert "grace@contoso.example" not in page
    assert org.sessions("grace") == []


def test_refuses_the_passkey_of_another_than_the_username_named(
    org: Organisation, laptop: SoftwareAuthenticator
) -> None:
    browser = org.browser()
    options = browser.send("/sign-in/passkey/options", {"username": "grace"}).json()
    answer = laptop.get(options, ORIGIN, credential=laptop.credentials[0])
    recorded_problem(browser, browser.send("/sign-in/passkey", answer), 403, "different_person")
    assert org.sessions("grace") == []
    assert len(org.sessions("ada")) == 1


def test_refuses_a_passkey_of_a_disabled_person(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    org.disable()
    browser = org.browser()
    recorded_problem(browser, browser.sign_in_with(laptop), 403, "account_disabled")
    assert org.sessions() == []


def test_refuses_a_username_that_is_none(org: Organisation) -> None:
    browser = org.browser()
    answer = browser.send("/sign-in/passkey/options", {"username": "a b"})
    assert recorded_problem(browser, answer, 400, "username_invalid")["field"] == "username"
    answer = browser.send("/sign-in/passkey/options", {"username": "ada@fabrikam.example"})
    recorded_problem(browser, answer, 404, "domain_unknown")


def test_the_newest_passkey_is_named_first(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    phone = SoftwareAuthenticator(transports=("hybrid", "internal"))
    ada.register(phone)
    options = org.browser().send("/sign-in/passkey/options", {"username": "ada"}).json()
    assert [one["id"] for one in options["allowCredentials"]] == [
        base64url.encode(phone.credentials[0].id),
        base64url.encode(laptop.credentials[0].id),
    ]
    assert options["allowCredentials"][0]["transports"] == ["hybrid", "internal"]


# --- nobody learns who has a passkey


def _named(org: Organisation, username: str) -> list[dict[str, object]]:
    options = org.browser().send("/sign-in/passkey/options", {"username": username}).json()
    named: list[dict[str, object]] = options["allowCredentials"]
    return named


def test_an_unknown_username_is_answered_like_any_other(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    real, decoys = _named(org, "ada"), [_named(org, name) for name in ("grace", "nobody")]
    for decoy in decoys:
        assert len(decoy) in (1, 2)
        for one in decoy:
            assert one.keys() == real[0].keys()
            assert len(base64url.decode(str(one["id"]))) in (16, 20, 32, 64)
    assert decoys[0] != decoys[1]


def test_a_decoy_is_the_same_every_time(org: Organisation) -> None:
    first = _named(org, "nobody")
    assert _named(org, "Nobody@Contoso.example") == first
    with open_organisation(org.directory, clock=org.clock) as restarted:
        assert _named(restarted, "nobody") == first
    org.add_person("nobody")
    assert _named(org, "nobody") == first


def test_a_browser_the_person_is_known_from_is_offered_the_passkey_first(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    stranger = org.browser()
    stranger.type_username()
    assert stage(stranger) == "password"
    ada.post("/sign-out")
    ada.type_username()
    assert stage(ada) == "passkey"
    ada.type_username("grace")
    assert stage(ada) == "password"  # known for Ada alone


def test_a_forgotten_browser_is_a_stranger_again(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    ada.post("/security-info/sign-out-everywhere")
    ada.type_username()
    assert stage(ada) == "password"


@pytest.mark.parametrize("count", [0, 7])
def test_counters_are_kept(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator, count: int) -> None:
    org.browser().sign_in_with(laptop, sign_count=count)
    assert org.credentials()[0].sign_count == count


def test_use_is_shown(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    assert org.method("passkey").last_used_at is None
    org.browser().sign_in_with(laptop)
    used = org.method("passkey")
    assert (used.last_used_at, used.last_used_client) == (org.clock(), "Chrome/Windows")
