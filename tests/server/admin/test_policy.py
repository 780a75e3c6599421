"""The policy in the admin centre: read, changed with a preview, versioned, put back."""

import html
import re

import httpx2 as httpx

from ostiary.clock import MINUTE
from ostiary.identity.policy import keeping
from ostiary.identity.policy.model import DEFAULT_PROFILE, Enforcement, PasskeyType
from tests.organisation import Browser, Organisation
from tests.server.reading import says, text_of

PROFILE = {"part": "profile", "profile": DEFAULT_PROFILE, "name": "Everybody's", "self_service": "yes"}
ANY_TYPE = {"type:deviceBound": "yes", "type:synced": "yes"}
BLOCK = {**PROFILE, **ANY_TYPE, "restrictions": "block", "provider:Bitwarden": "yes", "aaguids": ""}
DEVICE_BOUND_ONLY = {**PROFILE, "type:deviceBound": "yes", "restrictions": ""}


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def previewed(browser: Browser, form: dict[str, str]) -> httpx.Response:
    """Of a form that was filled in on the policy in force."""
    found = re.search(r"Version (\d+) is in force", text_of(browser.get("/admin/policy")))
    return browser.post("/admin/policy/preview", {"based_on": found[1] if found else "0", **form})


def saved(browser: Browser, form: dict[str, str], note: str = "") -> httpx.Response:
    """Through the preview, as people do."""
    preview = previewed(browser, form)
    assert preview.status_code == 200, preview.text
    sent = {"document": hidden(preview, "document"), "based_on": hidden(preview, "based_on"), "note": note}
    return browser.post("/admin/policy", sent)


def test_stands_as_sentences(admin: Browser) -> None:
    page = text_of(admin.get("/admin/policy"))
    assert "For all people : Default passkey profile" in page
    assert (
        "People may register device-bound and synced passkeys from any provider . Attestation is not required" in page
    )


def test_a_provider_is_blocked_by_name(org: Organisation, admin: Browser) -> None:
    preview = previewed(admin, BLOCK)
    assert "from any provider but Bitwarden" in text_of(preview)
    assert org.administer(keeping.current).passkey.profiles[0].rules.key_restrictions is None
    assert saved(admin, BLOCK, "After the incident").headers["location"] == "/admin/policy?done=policy_saved"
    profile = org.administer(keeping.current).passkey.profiles[0]
    assert profile.name == "Everybody's"
    restrictions = profile.rules.key_restrictions
    assert restrictions is not None
    assert restrictions.enforcement is Enforcement.BLOCK
    assert restrictions.aaguids == {"d548826e-79b4-db40-a3d8-11116f7e8349"}
    event = org.events("admin:policy:save")[0]
    assert event.actor == "admin@contoso.example"
    assert "After the incident" in (event.detail or "")
    form = admin.get(f"/admin/policy/profiles/{DEFAULT_PROFILE}").text
    assert re.search(r'name="provider:Bitwarden" value="yes" checked', form)
    assert re.search(r'name="restrictions" value="block" checked', form)


def test_the_preview_names_who_loses_a_passkey(org: Organisation, admin: Browser, laptop: object) -> None:
    only_synced = {**PROFILE, "type:synced": "yes", "restrictions": ""}
    preview = text_of(previewed(admin, only_synced))
    assert "1 person: lose every passkey that signs in" in preview
    assert "Ada" in preview
    assert "Nothing changes at once" in text_of(previewed(admin, {**PROFILE, **ANY_TYPE}))


def test_a_profile_nothing_can_satisfy_is_not_saved(org: Organisation, admin: Browser) -> None:
    contradiction = {**PROFILE, "type:synced": "yes", "attestation": "yes", "restrictions": ""}
    page = previewed(admin, contradiction)
    assert "This cannot be saved" in text_of(page)
    assert 'name="document"' not in page.text
    empty = previewed(admin, {**PROFILE, **ANY_TYPE, "restrictions": "allow"})
    assert "This cannot be saved" in text_of(empty)
    wrong = previewed(admin, {**BLOCK, "aaguids": "not-an-aaguid"})
    assert "not-an-aaguid" in text_of(wrong)


def test_a_version_is_compared_and_put_back(org: Organisation, admin: Browser) -> None:
    saved(admin, DEVICE_BOUND_ONLY, "Keys only")
    saved(admin, BLOCK)
    assert "Keys only" in text_of(admin.get("/admin/policy"))
    version = text_of(admin.get("/admin/policy/versions/1"))
    assert "Before" in version and "device-bound and synced" in version
    assert "After" in version and "Put this version back" in version
    answer = saved(admin, {"version": "1"}, "As it was")
    assert answer.status_code == 303
    assert org.administer(keeping.current).passkey.profiles[0].rules.types == {PasskeyType.DEVICE_BOUND}
    assert "Version 3 is in force" in text_of(admin.get("/admin/policy"))
    assert saved(admin, {"version": "0"}).status_code == 303
    assert admin.get("/admin/policy/versions/99").status_code == 404


def test_groups_are_included_and_excluded(org: Organisation, admin: Browser) -> None:
    group = admin.post("/admin/groups", {"name": "Pilots"}).headers["location"].partition("?")[0].rpartition("/")[2]
    assert "Pilots" in admin.get("/admin/policy/methods/temporary_access_pass").text
    form = {
        "part": "temporary_access_pass",
        "enabled": "yes",
        f"include:{group}": "yes",
        "minimum_minutes": "10",
        "maximum_minutes": "60",
        "default_minutes": "30",
        "length": "12",
        "one_time": "yes",
    }
    saved(admin, form)
    policy = org.administer(keeping.current)
    assert policy.temporary_access_pass.include == {group}
    assert policy.pass_settings.length == 12
    assert policy.pass_settings.is_one_time_required
    passkey = {
        "part": "passkey",
        "enabled": "yes",
        f"exclude:{group}": "yes",
        f"target:everyone:{DEFAULT_PROFILE}": "yes",
    }
    saved(admin, passkey)
    policy = org.administer(keeping.current)
    assert policy.passkey.exclude == {group}
    assert not policy.passkey.is_self_service_allowed
    assert "Never for Pilots" in text_of(admin.get("/admin/policy"))


def test_profiles_come_and_go(org: Organisation, admin: Browser) -> None:
    saved(admin, {**DEVICE_BOUND_ONLY, "profile": "new", "name": "Keys", "most": "2", "grace_days": "7"})
    added = org.administer(keeping.current).passkey.profiles[1]
    assert (added.name, added.most_passkeys, added.grace_days) == ("Keys", 2, 7)
    saved(admin, {"part": "profile_delete", "profile": added.id})
    assert len(org.administer(keeping.current).passkey.profiles) == 1


def test_nobody_undoes_what_they_have_not_seen(org: Organisation, admin: Browser) -> None:
    mine = previewed(admin, BLOCK)
    saved(admin, DEVICE_BOUND_ONLY)
    sent = {"document": hidden(mine, "document"), "based_on": hidden(mine, "based_on")}
    late = admin.post("/admin/policy", sent)
    assert late.status_code == 409
    assert says(late, "policy_changed_meanwhile")
    assert org.administer(keeping.current).passkey.profiles[0].rules.key_restrictions is None


def test_proof_that_has_become_old_loses_nothing(org: Organisation, admin: Browser) -> None:
    preview = previewed(admin, BLOCK)
    sent = {"document": hidden(preview, "document"), "based_on": hidden(preview, "based_on"), "note": "Kept"}
    admin.clock.advance(6 * MINUTE)
    again = admin.post("/admin/policy", sent)
    assert again.status_code == 403
    assert "First confirm that it is you" in text_of(again)
    assert hidden(again, "document") == sent["document"]
    assert 'value="Kept"' in again.text
    assert org.events("admin:policy:save") == []
    admin.confirm()
    assert admin.post("/admin/policy", sent).status_code == 303


def test_refuses_what_no_form_sends(admin: Browser) -> None:
    for form in ({}, {"part": "nonsense"}, {**BLOCK, "restrictions": "perhaps"}, {**BLOCK, "profile": "other"}):
        assert previewed(admin, form).status_code == 400, form
    assert admin.post("/admin/policy", {"document": "{}", "based_on": "x"}).status_code == 400
    assert admin.post("/admin/policy", {"document": "no json", "based_on": "0"}).status_code == 400
    assert admin.get("/admin/policy/methods/nonsense").status_code == 404
    assert admin.get("/admin/policy/profiles/nonsense").status_code == 404
