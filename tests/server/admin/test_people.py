"""People in the admin centre: found, added, changed, removed; and that the audit log says by whom."""

import csv
import io

from ostiary.clock import HOUR, MINUTE
from ostiary.identity.roles import Role
from tests.organisation import Browser, Organisation
from tests.server.reading import says, text_of


def names_on(browser: Browser, path: str) -> list[str]:
    page = browser.get(path)
    assert page.status_code == 200, page.text
    return [name for name in ("ada@", "grace@", "admin@") if f"{name}contoso.example</bdi></a>" in page.text]


def secret_on(page_text: str) -> str:
    return page_text.partition("data-secret>")[2].partition("<")[0]


def test_finds_people_by_any_part_of_name_or_username(org: Organisation, admin: Browser) -> None:
    assert names_on(admin, "/admin/people") == ["ada@", "grace@", "admin@"]
    assert names_on(admin, "/admin/people?search=GRA") == ["grace@"]
    assert names_on(admin, "/admin/people?search=ad") == ["ada@", "admin@"]
    assert names_on(admin, "/admin/people?search=%25") == []
    assert "Nobody fits" in text_of(admin.get("/admin/people?search=nobody"))


def test_filters_people_in_the_address_bar(org: Organisation, admin: Browser) -> None:
    org.disable("grace")
    assert names_on(admin, "/admin/people?enabled=no") == ["grace@"]
    assert names_on(admin, "/admin/people?enabled=yes&search=a") == ["ada@", "admin@"]
    assert names_on(admin, f"/admin/people?role={Role.GLOBAL_ADMINISTRATOR.value}") == ["admin@"]
    assert admin.get("/admin/people?enabled=perhaps").status_code == 400
    assert admin.get("/admin/people?role=emperor").status_code == 400


def test_knows_who_has_a_passkey(org: Organisation, admin: Browser, laptop: object) -> None:
    assert names_on(admin, "/admin/people?passkey=yes") == ["ada@"]
    assert names_on(admin, "/admin/people?passkey=no") == ["grace@", "admin@"]
    admin.confirm()
    ada = org.person("ada")
    admin.post(f"/admin/people/{ada.id}/methods/{org.method('passkey').id}/remove")
    assert names_on(admin, "/admin/people?passkey=yes") == []


def test_pages_follow_each_other_without_gap(org: Organisation, admin: Browser) -> None:
    for number in range(60):
        org.add_person(f"person{number:02}", with_code=False)
    first = admin.get("/admin/people?search=person")
    following = first.text.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = admin.get(following)
    both = [f"person{number:02}@" for number in range(60)]
    assert [name for name in both if f"{name}contoso.example</bdi></a>" in first.text] == both[:50]
    assert [name for name in both if f"{name}contoso.example</bdi></a>" in second.text] == both[50:]
    assert 'rel="next"' not in second.text


def test_exports_people_as_a_spreadsheet_reads_it(org: Organisation, admin: Browser) -> None:
    answer = admin.post("/admin/people/new", {"username": "eve", "display_name": '=HYPERLINK("x")'})
    assert answer.status_code == 201
    export = admin.get("/admin/people.csv?search=e")
    assert export.headers["content-disposition"] == 'attachment; filename="people.csv"'
    rows = list(csv.DictReader(io.StringIO(export.text)))
    eve = next(row for row in rows if row["username"] == "eve@contoso.example")
    assert eve["name"] == '\'=HYPERLINK("x")'
    assert eve["methods"] == "password"
    event = org.events("admin:audit:export")[0]
    assert (event.actor, event.detail) == ("admin@contoso.example", "people")


def test_adds_a_person_who_can_sign_in(org: Organisation, admin: Browser) -> None:
    made = admin.post("/admin/people/new", {"username": "eve", "display_name": "Eve Adams"})
    assert made.status_code == 201
    password = secret_on(made.text)
    eve = org.browser()
    eve.type_username("eve")
    assert eve.follow(eve.type_password(password)).status_code == 200
    event = org.events("admin:person:create")[0]
    assert (event.actor, event.target) == ("admin@contoso.example", "eve@contoso.example")
    assert event.address and event.client == "Chrome/Windows"


def test_adds_a_person_without_a_password_who_gets_a_pass_next(org: Organisation, admin: Browser) -> None:
    added = admin.post("/admin/people/new", {"username": "eve", "no_password": "yes"})
    assert added.headers["location"] == f"/admin/people/{org.person('eve').id}/pass"
    assert org.methods("eve") == []
    assert "Cannot sign in." in text_of(admin.get(f"/admin/people/{org.person('eve').id}"))
    issued = admin.post(added.headers["location"], {"lifetime": "60"})
    assert issued.status_code == 201
    assert "Can sign in, with a Temporary Access Pass." in text_of(admin.get(f"/admin/people/{org.person('eve').id}"))


def test_says_on_the_form_what_is_wrong_with_a_new_person(org: Organisation, admin: Browser) -> None:
    for username, status, code in (
        ("ada", 409, "person_exists"),
        ("a b", 400, "username_invalid"),
        ("ada@elsewhere.example", 404, "domain_unknown"),
    ):
        page = admin.post("/admin/people/new", {"username": username})
        assert page.status_code == status
        assert says(page, code)
        assert 'aria-invalid="true"' in page.text


def test_tells_the_story_of_a_person(org: Organisation, admin: Browser) -> None:
    ada = org.person("ada")
    story = text_of(admin.get(f"/admin/people/{ada.id}"))
    assert "Can sign in, without a passkey." in story
    assert "Authenticator app" in story
    org.disable("ada")
    story = text_of(admin.get(f"/admin/people/{ada.id}"))
    assert "Cannot sign in." in story
    assert "The account is disabled" in story
    assert admin.get("/admin/people/nobody").status_code == 404


def test_disables_and_enables(org: Organisation, admin: Browser, ada: Browser) -> None:
    path = f"/admin/people/{org.person('ada').id}"
    done = admin.post(f"{path}/disable")
    assert "cannot sign in" in text_of(admin.follow(done))
    assert ada.get("/security-info").status_code == 303
    assert admin.follow(admin.post(f"{path}/enable")).status_code == 200
    assert [event.actor for event in org.events("admin:person:disable")] == ["admin@contoso.example"]
    assert [event.actor for event in org.events("admin:person:enable")] == ["admin@contoso.example"]


def test_ends_one_session_or_all(org: Organisation, admin: Browser, ada: Browser) -> None:
    other = org.signed_in("ada")
    path = f"/admin/people/{org.person('ada').id}"
    newest = org.sessions("ada")[0]
    admin.post(f"{path}/sessions/{newest.id}/end")
    assert [session.id for session in org.sessions("ada")] != [newest.id]
    assert len(org.sessions("ada")) == 1
    admin.post(f"{path}/sign-out")
    assert org.sessions("ada") == []
    assert other.get("/security-info").status_code == 303
    assert {event.actor for event in org.events("admin:sessions:end")} == {"admin@contoso.example"}


def test_sets_a_password(org: Organisation, admin: Browser, ada: Browser) -> None:
    path = f"/admin/people/{org.person('ada').id}/password"
    assert says(admin.post(path, {"password": "short"}), "password_too_short")
    made = admin.post(path, {"password": ""})
    assert made.status_code == 200
    assert org.person("ada").must_change_password
    assert len(secret_on(made.text)) == 19
    assert admin.post(path, {"password": "another-long-password"}).status_code == 303
    assert ada.get("/security-info").status_code == 303
    assert len(org.events("admin:password:set")) == 2


def test_removes_a_method(org: Organisation, admin: Browser, laptop: object, ada: Browser) -> None:
    method = org.method("passkey")
    path = f"/admin/people/{org.person('ada').id}/methods/{method.id}/remove"
    assert method.name and method.name in admin.get(path).text
    assert "The sign-in method is removed" in text_of(admin.follow(admin.post(path)))
    assert ada.get("/security-info").status_code == 303
    event = org.events("admin:method:remove")[0]
    assert (event.actor, event.target, event.method) == ("admin@contoso.example", "ada@contoso.example", method.name)
    assert admin.post(path).status_code == 404


def test_issues_a_pass_that_signs_in_and_takes_it_back(org: Organisation, admin: Browser) -> None:
    path = f"/admin/people/{org.person('ada').id}/pass"
    assert says(admin.post(path, {"lifetime": "5"}), "pass_lifetime_invalid")
    assert says(admin.post(path, {"lifetime": "soon"}), "pass_lifetime_invalid")
    issued = admin.post(path, {"lifetime": "120", "one_time": "yes"})
    assert issued.status_code == 201
    code = secret_on(issued.text)
    assert code not in admin.get(f"/admin/people/{org.person('ada').id}").text
    browser = org.browser()
    browser.type_username("ada")
    browser.post("/sign-in/method", {"method": "temporary_access_pass"})
    assert browser.post("/sign-in/temporary-access-pass", {"pass": code}).headers["location"] == "/security-info"
    page = text_of(admin.get(f"/admin/people/{org.person('ada').id}"))
    assert "Used" in page
    admin.post(f"{path}/remove")
    assert browser.get("/security-info").status_code == 303
    assert [org.events(f"admin:pass:{what}")[0].actor for what in ("issue", "remove")] == ["admin@contoso.example"] * 2


def test_a_pass_can_start_later(org: Organisation, admin: Browser) -> None:
    person = org.person("ada")
    issued = admin.post(f"/admin/people/{person.id}/pass", {"lifetime": "60", "starts": "2030-01-01T08:00"})
    assert "1 January 2030" in issued.text
    assert "Not valid yet" in text_of(admin.get(f"/admin/people/{person.id}"))
    assert admin.post(f"/admin/people/{person.id}/pass", {"starts": "tomorrow"}).status_code == 400


def test_deletes_a_person(org: Organisation, admin: Browser) -> None:
    path = f"/admin/people/{org.person('grace').id}/delete"
    assert "for good" in text_of(admin.get(path))
    assert admin.post(path).headers["location"] == "/admin/people?done=person_deleted"
    assert names_on(admin, "/admin/people") == ["ada@", "admin@"]
    assert org.events("admin:person:delete")[0].actor == "admin@contoso.example"


def test_the_last_administrator_stays(org: Organisation, admin: Browser) -> None:
    org.assign("ada", Role.GLOBAL_ADMINISTRATOR)
    ada = org.signed_in("ada")
    ada.post(f"/admin/roles/global_administrator/{org.person('admin').id}/remove")
    page = ada.post(f"/admin/roles/global_administrator/{org.person('ada').id}/remove")
    assert says(page, "not_yourself")


def test_explains(org: Organisation, admin: Browser) -> None:
    page = text_of(admin.get(f"/admin/people/{org.person('ada').id}/explain"))
    assert "Can sign in." in page
    assert "The account is enabled." in page


def test_groups_and_their_members(org: Organisation, admin: Browser) -> None:
    made = admin.post("/admin/groups", {"name": "Pilots", "description": "First in"})
    path = made.headers["location"].partition("?")[0]
    assert says(admin.post("/admin/groups", {"name": "pilots"}), "group_exists")
    assert "in the group" in text_of(admin.follow(admin.post(path, {"username": "grace"})))
    assert says(admin.post(path, {"username": "nobody"}), "person_unknown")
    grace = org.person("grace")
    assert "Pilots" in text_of(admin.get(f"/admin/people/{grace.id}"))
    assert "1 member" in text_of(admin.get(path))
    admin.post(f"{path}/members/{grace.id}/remove")
    assert "Nobody is in it yet" in text_of(admin.get(path))
    admin.post(f"{path}/delete")
    assert admin.get(path).status_code == 404
    for event in ("group:create", "group-member:add", "group-member:remove", "group:delete"):
        assert org.events(f"admin:{event}")[0].actor == "admin@contoso.example", event


def test_roles_are_assigned_and_taken(org: Organisation, admin: Browser) -> None:
    assert says(admin.post("/admin/roles", {"username": "nobody", "role": "helpdesk"}), "person_unknown")
    admin.post("/admin/roles", {"username": "grace", "role": "helpdesk"})
    assert "grace@contoso.example" in admin.get("/admin/roles").text
    admin.post(f"/admin/roles/helpdesk/{org.person('grace').id}/remove")
    assert "grace@contoso.example" not in admin.get("/admin/roles").text
    assert org.events("admin:role:assign")[0].actor == "admin@contoso.example"
    assert org.events("admin:role:remove")[0].actor == "admin@contoso.example"


def test_the_audit_log_is_searched(org: Organisation, admin: Browser) -> None:
    ada = org.browser()
    ada.type_username("ada")
    ada.type_password("wrong-password-here")
    found = text_of(admin.get("/admin/audit?person=ada&result=refused"))
    assert "The username or password is not right." in found
    assert "Nothing fits" in text_of(admin.get("/admin/audit?person=grace&result=refused"))
    assert "Nothing fits" in text_of(admin.get("/admin/audit?until=2020-01-01"))
    assert "Role assigned" in text_of(admin.get("/admin/audit?event=admin:role:assign&since=2026-01-01"))
    assert says(admin.get("/admin/audit?person=nobody"), "person_unknown")
    assert admin.get("/admin/audit?since=yesterday").status_code == 400


def test_the_audit_log_is_exported_and_says_so(org: Organisation, admin: Browser) -> None:
    lines = admin.get("/admin/audit.jsonl?event=admin:role:assign").text.splitlines()
    assert len(lines) == 1 and '"admin:role:assign"' in lines[0]
    rows = list(csv.DictReader(io.StringIO(admin.get("/admin/audit.csv").text)))
    assert rows[0]["event"] == "admin:audit:export"
    assert rows[0]["actor"] == "admin@contoso.example"
    assert "event=admin%3Arole%3Aassign" in (org.events("admin:audit:export")[1].detail or "")


def test_a_reference_is_looked_up_however_it_was_read(org: Organisation, helpdesk: Browser) -> None:
    ada = org.browser()
    ada.type_username("ada")
    ada.type_password("wrong-password-here")
    reference = next(event.reference for event in org.events() if event.reference)
    assert reference
    for code in (reference, reference.lower(), reference.replace("-", " "), f" {reference[2:]} "):
        page = helpdesk.request("GET", f"/admin/references?code={code.replace(' ', '+')}")
        assert says(page, "credentials_wrong"), code
        assert "ada@contoso.example" in page.text
    assert helpdesk.get("/admin/references?code=P-2222-22").status_code == 404
    assert helpdesk.get("/admin/references").status_code == 200


def test_idle_administrators_prove_themselves_again(org: Organisation, admin: Browser) -> None:
    admin.clock.advance(16 * MINUTE)
    assert "step_up=1" in admin.get("/admin/people").headers["location"]
    admin.clock.advance(13 * HOUR)
    assert "step_up" not in admin.get("/admin/people").headers["location"]


def test_both_databases_find_the_same(org_on_each: Organisation) -> None:
    org, admin = org_on_each, org_on_each.signed_in("admin")
    org.disable("grace")
    assert names_on(admin, "/admin/people?search=RAC&enabled=no&passkey=no") == ["grace@"]
    assert names_on(admin, "/admin/people?role=global_administrator") == ["admin@"]
    found = admin.get("/admin/audit?person=grace&event=admin:person:disable&result=success&since=2026-01-01")
    assert "Person disabled" in text_of(found)
    assert admin.get(f"/admin/people/{org.person('ada').id}").status_code == 200
    assert admin.get("/admin/policy").status_code == 200
