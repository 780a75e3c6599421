"""The policy where people meet it: at registration, at every sign-in, and on the pages that tell beforehand."""

from typing import Any

import pytest

from ostiary.clock import DAY, MINUTE
from ostiary.identity.policy.model import MethodPolicy, Policy
from ostiary.identity.reasons import Reason, Refusal
from ostiary.web.wording import WORDING
from tests.organisation import ORIGIN, PASSWORD, Browser, Organisation
from tests.policies import (
    DEVICE_BOUND,
    OFF,
    SYNCED,
    allow,
    block,
    for_group,
    group_with,
    put_back,
    save,
    with_passkeys,
    with_profile,
    with_rules,
)
from tests.server.reading import asked_for, says, stage, text_of, without_references
from tests.software_authenticator import DEFAULT_AAGUID, AttestationAuthority, SoftwareAuthenticator

OUR_MODEL = "6f737469-6172-792d-736f-667477617265"
SAMSUNG_PASS = "53414d53-554e-4700-0000-000000000000"
YUBIKEY = "fa2b99dc-9e39-4257-8f92-4a30d23c4118"
ONE_PASSWORD = "bada5566-a7aa-401f-bd96-45619a55120d"
OPTIONS = "/security-info/passkeys/options"


def raw(aaguid: str) -> bytes:
    return bytes.fromhex(aaguid.replace("-", ""))


def synced(aaguid: str = SAMSUNG_PASS) -> SoftwareAuthenticator:
    return SoftwareAuthenticator(aaguid=raw(aaguid), backup_eligible=True, backup_state=True)


def refused(browser: Browser, answer: Any, code: str) -> dict[str, Any]:
    """A refusal with a reference that leads to its words."""
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"]) == (WORDING[code].status, code), problem
    assert says(browser.get(f"/help/{problem['reference']}"), code)
    assert says(browser.get(f"/help/{code}"), code)
    return problem


def create(browser: Browser, authenticator: SoftwareAuthenticator, **options: Any) -> Any:
    given = browser.send(OPTIONS, {}).json() | options
    return browser.send("/security-info/passkeys", authenticator.create(given, ORIGIN))


# --- before the ceremony: no passkey at all


def test_refuses_options_when_passkeys_are_off(org: Organisation, ada: Browser) -> None:
    save(org, with_passkeys(is_enabled=False))
    refused(ada, ada.send(OPTIONS, {}), "method_disabled")


def test_refuses_options_when_excluded_though_included(org: Organisation, ada: Browser) -> None:
    pilots = group_with(org, "Pilots", ["ada"])
    save(org, with_passkeys(targets=for_group(pilots), exclude=frozenset({pilots})))
    refused(ada, ada.send(OPTIONS, {}), "method_excluded")


def test_refuses_options_to_whom_no_profile_applies(org: Organisation, ada: Browser) -> None:
    save(org, with_passkeys(targets=for_group(group_with(org, "Pilots", ["grace"]))))
    refused(ada, ada.send(OPTIONS, {}), "method_not_targeted")
    assert org.signed_in("grace").send(OPTIONS, {}).status_code == 200


def test_refuses_options_without_self_service(org: Organisation, ada: Browser) -> None:
    save(org, with_passkeys(is_self_service_allowed=False))
    refused(ada, ada.send(OPTIONS, {}), "self_service_off")
    save(org, with_profile(is_self_service_allowed=False))
    refused(ada, ada.send(OPTIONS, {}), "self_service_off")


def test_refuses_options_beyond_the_largest_number(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    save(org, with_profile(most_passkeys=1))
    problem = refused(ada, ada.send(OPTIONS, {}), "passkey_limit")
    assert problem["title"] == "You have as many passkeys as your organisation lets you have: 1."


def test_policy_is_told_before_anybody_proves_who_they_are(org: Organisation, ada: Browser) -> None:
    org.clock.advance(6 * MINUTE)
    assert ada.send(OPTIONS, {}).json()["code"] == "fresh_mfa_required"
    save(org, with_passkeys(is_enabled=False))
    refused(ada, ada.send(OPTIONS, {}), "method_disabled")


def test_a_policy_that_takes_nothing_is_not_saved(org: Organisation) -> None:
    with pytest.raises(Refusal) as caught:
        save(org, with_rules(key_restrictions=allow()))
    assert caught.value.reason is Reason.POLICY_INVALID


# --- after the ceremony: not this one


def test_refuses_a_synced_passkey(org: Organisation, ada: Browser) -> None:
    save(org, with_rules(types=DEVICE_BOUND))
    problem = refused(ada, create(ada, synced()), "synced_not_allowed")
    assert "Samsung Pass" in problem["title"]
    assert create(ada, SoftwareAuthenticator()).status_code == 201


def test_refuses_a_passkey_that_stays_on_one_device(org: Organisation, ada: Browser) -> None:
    save(org, with_rules(types=SYNCED))
    refused(ada, create(ada, SoftwareAuthenticator()), "device_bound_not_allowed")
    assert create(ada, synced()).status_code == 201


def test_refuses_a_provider_that_is_not_listed_by_name_and_rule(org: Organisation, ada: Browser) -> None:
    save(org, with_rules(key_restrictions=allow(YUBIKEY, ONE_PASSWORD)))
    problem = refused(ada, create(ada, synced()), "aaguid_not_allowed")
    assert problem["title"] == "Your organisation does not accept passkeys saved in Samsung Pass."
    assert "1Password, YubiKey 5 NFC" in problem["next"]
    assert "Pilot" in problem["next"]
    assert create(ada, synced(ONE_PASSWORD)).status_code == 201


def test_refuses_a_blocked_provider(org: Organisation, ada: Browser) -> None:
    save(org, with_rules(key_restrictions=block(SAMSUNG_PASS)))
    refused(ada, create(ada, synced()), "aaguid_not_allowed")
    assert create(ada, synced(ONE_PASSWORD)).status_code == 201


def test_no_restrictions_take_what_an_empty_block_list_takes(org: Organisation, ada: Browser) -> None:
    save(org, with_rules(key_restrictions=block()))
    assert create(ada, synced()).status_code == 201


def test_refuses_a_passkey_without_attestation_where_it_is_enforced(org: Organisation, ada: Browser) -> None:
    save(org, with_rules(is_attestation_enforced=True))
    refused(ada, create(ada, SoftwareAuthenticator()), "attestation_required")


def test_refuses_self_attestation_claiming_an_allowed_aaguid(org: Organisation, ada: Browser) -> None:
    save(org, with_rules(is_attestation_enforced=True, key_restrictions=allow(OUR_MODEL)))
    impostor = SoftwareAuthenticator(aaguid=DEFAULT_AAGUID, attestation="self")
    refused(ada, create(ada, impostor), "attestation_required")
    assert org.credentials() == []


def test_refuses_an_attestation_by_a_root_it_brings_itself(org: Organisation, ada: Browser) -> None:
    save(org, with_rules(is_attestation_enforced=True, key_restrictions=allow(OUR_MODEL)))
    impostor = SoftwareAuthenticator(attestation="packed", authority=AttestationAuthority())
    refused(ada, create(ada, impostor), "attestation_required")


# --- at every sign-in


def test_a_change_of_policy_refuses_at_registration_and_at_the_next_sign_in(org: Organisation, ada: Browser) -> None:
    phone = synced()
    assert ada.register(phone).status_code == 201
    browser = org.browser()
    assert browser.sign_in_with(phone).status_code == 200
    save(org, with_rules(key_restrictions=allow(YUBIKEY)))
    problem = refused(browser, browser.sign_in_with(phone), "aaguid_not_allowed")
    assert problem["title"] == "Your organisation no longer accepts passkeys saved in Samsung Pass."
    assert problem["next"].startswith("Sign in another way, then add a passkey saved in YubiKey 5 NFC.")
    problem = refused(ada, create(ada, SoftwareAuthenticator(aaguid=raw(SAMSUNG_PASS))), "aaguid_not_allowed")
    assert problem["title"] == "Your organisation does not accept passkeys saved in Samsung Pass."


def test_a_refused_sign_in_changes_nothing(org: Organisation, ada: Browser, laptop: SoftwareAuthenticator) -> None:
    save(org, with_rules(types=SYNCED))
    before = (org.credentials(), org.method("passkey"), len(org.sessions()))
    refused(ada, org.browser().sign_in_with(laptop, sign_count=9), "device_bound_not_allowed")
    assert (org.credentials(), org.method("passkey"), len(org.sessions())) == before


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (with_passkeys(is_enabled=False), "method_disabled"),
        (with_passkeys(targets=()), "method_not_targeted"),
        (with_rules(types=SYNCED), "device_bound_not_allowed"),
        (with_rules(key_restrictions=block(OUR_MODEL)), "aaguid_not_allowed"),
        (with_rules(key_restrictions=allow(OUR_MODEL), is_attestation_enforced=True), "attestation_required"),
    ],
)
def test_refuses_a_sign_in(org: Organisation, laptop: SoftwareAuthenticator, policy: Policy, code: str) -> None:
    save(org, policy)
    browser = org.browser()
    refused(browser, browser.sign_in_with(laptop), code)


@pytest.mark.parametrize(
    "policy",
    [
        with_rules(is_attestation_enforced=True),  # judged at registration alone
        with_passkeys(is_self_service_allowed=False),
        with_profile(most_passkeys=1),
        with_rules(types=DEVICE_BOUND),
        with_rules(key_restrictions=allow(OUR_MODEL)),
    ],
)
def test_takes_a_sign_in(org: Organisation, laptop: SoftwareAuthenticator, policy: Policy) -> None:
    save(org, policy)
    assert org.browser().sign_in_with(laptop).status_code == 200


def test_exclusion_by_group_begins_and_ends_with_membership(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    save(org, with_passkeys(exclude=frozenset({group_with(org, "Leavers", ["ada"])})))
    browser = org.browser()
    refused(browser, browser.sign_in_with(laptop), "method_excluded")
    save(org, with_passkeys(exclude=frozenset({group_with(org, "Others", ["grace"])})))
    assert browser.sign_in_with(laptop).status_code == 200


def test_grace_lets_sign_in_until_it_ends(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    save(org, with_profile())
    save(org, with_profile(with_rules(types=SYNCED).passkey.profiles[0].rules, grace_days=14))
    browser = org.browser()
    assert browser.sign_in_with(laptop).status_code == 200
    refused(browser, create(org.signed_in(), SoftwareAuthenticator()), "device_bound_not_allowed")
    org.clock.advance(14 * DAY)
    refused(browser, browser.sign_in_with(laptop), "device_bound_not_allowed")


def test_a_policy_put_back_is_in_force_again(org: Organisation, laptop: SoftwareAuthenticator) -> None:
    first = save(org, with_profile())
    save(org, with_rules(types=SYNCED))
    browser = org.browser()
    refused(browser, browser.sign_in_with(laptop), "device_bound_not_allowed")
    assert put_back(org, first) == 3
    assert browser.sign_in_with(laptop).status_code == 200
    save(org, with_rules(types=SYNCED))
    put_back(org, 0)
    assert browser.sign_in_with(laptop).status_code == 200


# --- passwords and codes


def test_a_password_that_is_off_is_offered_to_nobody(org: Organisation) -> None:
    save(org, Policy(password=OFF))
    pages = []
    for username in ("ada", "nobody"):
        browser = org.browser()
        browser.type_username(username)
        assert stage(browser) == "passkey"
        pages.append(without_references(browser.get("/sign-in")).replace(f"{username}@", "somebody@"))
        assert says(browser.type_password(), "method_not_offered")
    assert pages[0] == pages[1]


def test_refuses_the_right_password_of_somebody_excluded_and_says_why(org: Organisation) -> None:
    save(org, Policy(password=MethodPolicy(exclude=frozenset({group_with(org, "Passwordless", ["ada"])}))))
    browser = org.browser()
    browser.type_username()
    assert stage(browser) == "password"  # as for anybody
    assert says(browser.type_password("a wrong password"), "credentials_wrong")
    assert says(browser.type_password(), "method_excluded")
    assert org.sessions() == []
    assert org.signed_in("grace").get("/security-info").status_code == 200


def test_unknown_usernames_look_like_those_excluded(org: Organisation) -> None:
    save(org, Policy(password=MethodPolicy(exclude=frozenset({group_with(org, "Passwordless", ["ada"])}))))
    pages = []
    for username in ("ada", "nobody"):
        browser = org.browser()
        browser.type_username(username)
        page = browser.type_password("a wrong password")
        pages.append((page.status_code, without_references(page).replace(f"{username}@", "somebody@")))
    assert pages[0] == pages[1]


def test_codes_that_are_off_are_not_offered_and_a_password_alone_is_still_not_enough(org: Organisation) -> None:
    save(org, Policy(code=OFF))
    browser = org.browser()
    browser.type_username()
    page = browser.follow(browser.type_password())
    assert says(page, "no_method_left")  # told, not passed over
    assert page.status_code == 403
    assert says(browser.type_code(), "method_not_offered")
    assert org.sessions() == []


def test_a_browser_known_for_a_passkey_that_is_taken_no_more_is_asked_for_the_password(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    ada.post("/sign-out")
    ada.type_username()
    assert stage(ada) == "passkey"
    save(org, with_rules(types=SYNCED))
    ada.type_username()
    assert stage(ada) == "password"
    assert asked_for(ada.follow(ada.type_password())) == "code"


def test_a_step_up_that_cannot_be_finished_says_so(org: Organisation, ada: Browser) -> None:
    save(org, Policy(code=OFF))
    org.clock.advance(6 * MINUTE)
    ada.get("/sign-in?step_up=1&next=/security-info/add")
    page = ada.follow(ada.type_password())
    assert says(page, "no_method_left")
    assert page.status_code == 403


def test_whoever_has_a_passkey_goes_on_with_it_when_codes_are_off(
    org: Organisation, laptop: SoftwareAuthenticator
) -> None:
    save(org, Policy(code=OFF))
    browser = org.browser()
    browser.type_username()
    assert asked_for(browser.follow(browser.type_password(PASSWORD))) == "passkey"
    assert browser.sign_in_with(laptop, "ada").status_code == 200


def test_refuses_to_add_an_authenticator_app(org: Organisation, ada: Browser) -> None:
    save(org, Policy(code=MethodPolicy(is_self_service_allowed=False)))
    assert says(ada.get("/security-info/add/code"), "self_service_off")
    save(org, Policy(code=OFF))
    assert says(ada.get("/security-info/add/code"), "method_disabled")
    assert says(ada.get("/security-info/add"), "method_disabled")


# --- told beforehand


def test_attestation_is_asked_for_only_where_a_profile_enforces_it(org: Organisation, ada: Browser) -> None:
    assert ada.send(OPTIONS, {}).json()["attestation"] == "none"
    save(org, with_rules(is_attestation_enforced=True))
    assert ada.send(OPTIONS, {}).json()["attestation"] == "direct"


def test_options_hint_at_the_only_place_policy_takes(org: Organisation, ada: Browser) -> None:
    assert "hints" not in ada.send(OPTIONS, {}).json()
    save(org, with_rules(key_restrictions=allow(YUBIKEY)))
    options = ada.send(OPTIONS, {}).json()
    assert options["hints"] == ["security-key"]
    assert options["authenticatorSelection"]["authenticatorAttachment"] == "cross-platform"


def test_every_choice_is_shown_and_the_refused_ones_say_why(org: Organisation, ada: Browser) -> None:
    page = ada.get("/security-info/add")
    assert "/security-info/why" not in page.text
    save(org, with_rules(key_restrictions=allow(YUBIKEY)))
    page = ada.get("/security-info/add")
    for name in ("This device", "Phone or tablet", "Security key"):
        assert name in text_of(page)
    assert "provider=security_key" in page.text
    assert "provider=phone_or_tablet" not in page.text
    assert says(page, "aaguid_not_allowed")
    assert "/security-info/why" in page.text
    assert ada.get("/security-info/add/passkey?provider=phone_or_tablet").headers["location"] == "/security-info/add"


def test_accepted_providers_are_named_before_the_dialog(org: Organisation, ada: Browser) -> None:
    path = "/security-info/add/passkey?provider=this_device"
    assert "accepts passkeys saved in" not in text_of(ada.get(path))
    save(org, with_rules(key_restrictions=allow(ONE_PASSWORD, SAMSUNG_PASS, YUBIKEY)))
    assert "Your organisation accepts passkeys saved in Samsung Pass, 1Password." in text_of(ada.get(path))


def test_why_tells_what_is_in_the_way_and_what_helps(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    assert "You can add a passkey now." in text_of(ada.get("/security-info/why"))
    save(org, with_passkeys(is_enabled=False))
    seen = text_of(ada.get("/security-info/why"))
    assert "You cannot add a passkey now." in seen
    assert "Passkeys are turned off for everybody. Whoever administers the policy can change this." in seen
    assert "does not sign in." in seen
