"""The permission table as a table: every role against everything the admin centre does."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.policy.document import dump
from ostiary.identity.policy.model import Policy
from ostiary.identity.roles import Role
from ostiary.web.application import ROUTES
from tests.organisation import Browser, Organisation
from tests.server.reading import says

G, P, A, V, H, R = (
    Role.GLOBAL_ADMINISTRATOR,
    Role.AUTHENTICATION_POLICY_ADMINISTRATOR,
    Role.AUTHENTICATION_ADMINISTRATOR,
    Role.PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    Role.HELPDESK,
    Role.GLOBAL_READER,
)
ALL = frozenset(Role)
READERS = ALL - {H}


class Deed(NamedTuple):
    verb: str
    path: str
    roles: frozenset[Role]
    form: Mapping[str, str] = {}


PERSON = "/admin/people/{person_id}"
GROUP = "/admin/groups/{group_id}"
DEEDS = (
    Deed("GET", "/admin", ALL),
    Deed("GET", "/admin/people", ALL),
    Deed("GET", "/admin/people.csv", ALL),
    Deed("GET", "/admin/people/new", frozenset({G})),
    Deed("POST", "/admin/people/new", frozenset({G}), {"username": "new"}),
    Deed("GET", PERSON, ALL),
    Deed("GET", f"{PERSON}/explain", ALL),
    Deed("GET", f"{PERSON}/methods/{{method_id}}/remove", frozenset({G, A, V})),
    Deed("POST", f"{PERSON}/methods/{{method_id}}/remove", frozenset({G, A, V})),
    Deed("POST", f"{PERSON}/sessions/{{session_id}}/end", frozenset({G, A, V})),
    Deed("GET", f"{PERSON}/sign-out", frozenset({G, A, V})),
    Deed("POST", f"{PERSON}/sign-out", frozenset({G, A, V})),
    Deed("POST", f"{PERSON}/enable", frozenset({G})),
    Deed("GET", f"{PERSON}/disable", frozenset({G})),
    Deed("POST", f"{PERSON}/disable", frozenset({G})),
    Deed("GET", f"{PERSON}/delete", frozenset({G})),
    Deed("POST", f"{PERSON}/delete", frozenset({G})),
    Deed("GET", f"{PERSON}/password", frozenset({G})),
    Deed("POST", f"{PERSON}/password", frozenset({G})),
    Deed("GET", f"{PERSON}/pass", frozenset({G, P, A, V})),
    Deed("POST", f"{PERSON}/pass", frozenset({G, P, A, V})),
    Deed("POST", f"{PERSON}/pass/remove", frozenset({G, P, A, V})),
    Deed("GET", "/admin/groups", READERS),
    Deed("POST", "/admin/groups", frozenset({G}), {"name": "Pilots"}),
    Deed("GET", GROUP, READERS),
    Deed("POST", GROUP, frozenset({G}), {"username": "ada"}),
    Deed("POST", f"{GROUP}/members/{{person_id}}/remove", frozenset({G})),
    Deed("GET", f"{GROUP}/delete", frozenset({G})),
    Deed("POST", f"{GROUP}/delete", frozenset({G})),
    Deed("GET", "/admin/roles", READERS),
    Deed("POST", "/admin/roles", frozenset({G}), {"username": "ada", "role": "helpdesk"}),
    Deed("POST", "/admin/roles/{role}/{person_id}/remove", frozenset({G})),
    Deed("GET", "/admin/policy", READERS),
    Deed("POST", "/admin/policy", frozenset({G, P}), {"document": dump(Policy()), "based_on": "0"}),
    Deed("POST", "/admin/policy/preview", frozenset({G, P}), {"part": "password", "enabled": "yes"}),
    Deed("GET", "/admin/policy/confirmed", ALL),
    Deed("GET", "/admin/policy/methods/{part}", frozenset({G, P})),
    Deed("GET", "/admin/policy/profiles/{profile_id}", frozenset({G, P})),
    Deed("GET", "/admin/policy/versions/{number}", READERS),
    Deed("GET", "/admin/trust", READERS),
    Deed("POST", "/admin/trust", frozenset({G, P}), {"name": "x"}),
    Deed("POST", "/admin/trust/names", frozenset({G, P}), {"list": "{}"}),
    Deed("GET", "/admin/trust/{root_id}/remove", frozenset({G, P})),
    Deed("POST", "/admin/trust/{root_id}/remove", frozenset({G, P})),
    Deed("GET", "/admin/audit", READERS),
    Deed("GET", "/admin/audit.csv", READERS),
    Deed("GET", "/admin/audit.jsonl", READERS),
    Deed("GET", "/admin/references", ALL),
)


def test_the_table_has_every_route() -> None:
    served = {(verb, path) for path, faces in ROUTES.items() if path.startswith("/admin") for verb in faces}
    assert {(deed.verb, deed.path) for deed in DEEDS} == served


@pytest.fixture
def fill(org: Organisation) -> Callable[[str], str]:
    """Puts what there is into a path: Grace is whom it is done to."""
    org.signed_in("grace")
    now = org.clock()
    group = org.administer(
        administration.create_group, name="Staff", description="", actor=None, caller=COMMAND_LINE, now=now
    )
    values = {
        "person_id": org.person("grace").id,
        "method_id": org.method("code", "grace").id,
        "session_id": org.sessions("grace")[0].id,
        "group_id": group.id,
        "role": "helpdesk",
        "part": "password",
        "profile_id": "new",
        "number": "1",
        "root_id": "none",
    }
    return lambda path: path.format_map(values)


def as_role(org: Organisation, role: Role) -> Browser:
    org.add_person("actor")
    org.assign("actor", role)
    return org.signed_in("actor")


def is_refused(browser: Browser, deed: Deed, path: str) -> bool:
    answer = browser.get(path) if deed.verb == "GET" else browser.post(path, deed.form)
    assert answer.status_code < 500, (deed, answer.text)
    if answer.status_code == 403 and says(answer, "not_permitted"):
        return True
    assert answer.status_code in (200, 201, 303, 400, 404), (deed, answer.status_code, answer.text)
    assert "/sign-in" not in answer.headers.get("location", "")
    return False


@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_what_the_table_says_and_nothing_else(
    org: Organisation, fill: Callable[[str], str], role: Role
) -> None:
    browser = as_role(org, role)
    ordered = sorted(DEEDS, key=lambda deed: deed.path.endswith("/delete"))  # what ends things comes last
    refused = {(deed.verb, deed.path) for deed in ordered if is_refused(browser, deed, fill(deed.path))}
    assert refused == {(deed.verb, deed.path) for deed in DEEDS if role not in deed.roles}


ON_ADMINISTRATORS = [deed for deed in DEEDS if deed.path.startswith(PERSON) and deed.roles != ALL]


@pytest.mark.parametrize("role", [A, P])
def test_some_help_only_people_without_a_role(org: Organisation, fill: Callable[[str], str], role: Role) -> None:
    browser = as_role(org, role)
    org.assign("grace", H)
    for deed in ON_ADMINISTRATORS:
        assert is_refused(browser, deed, fill(deed.path)), deed
    assert org.person("grace").is_enabled
    assert org.sessions("grace")
    page = browser.get(fill(PERSON))
    assert "Issue a pass" not in page.text
    assert "/remove" not in page.text


def test_a_privileged_one_helps_administrators(org: Organisation, fill: Callable[[str], str]) -> None:
    browser = as_role(org, V)
    org.assign("grace", G)
    assert browser.post(fill(f"{PERSON}/methods/{{method_id}}/remove")).status_code == 303
    assert "code" not in {method.kind for method in org.methods("grace")}


@pytest.mark.parametrize("role", [G, A, P, V])
def test_never_on_oneself(org: Organisation, fill: Callable[[str], str], role: Role) -> None:
    browser = as_role(org, role)
    me = org.person("actor")
    for deed in ON_ADMINISTRATORS:
        path = deed.path.format(
            person_id=me.id, method_id=org.method("code", "actor").id, session_id=org.sessions("actor")[0].id
        )
        answer = browser.get(path) if deed.verb == "GET" else browser.post(path, deed.form)
        assert answer.status_code == 403, deed
        assert says(answer, "not_yourself") or says(answer, "not_permitted")
    page = browser.get(f"/admin/people/{me.id}").text
    assert not [word for word in ("/remove", "/disable", "/delete", "/pass") if f"{me.id}{word}" in page]
    answer = browser.post("/admin/roles", {"username": "actor", "role": H.value})
    assert answer.status_code == 403


@pytest.mark.parametrize("role", Role)
def test_the_sidebar_shows_what_may_be_read(org: Organisation, role: Role) -> None:
    page = as_role(org, role).get("/admin/people").text
    for path in ("groups", "roles", "policy", "trust", "audit"):
        assert (f'href="/admin/{path}"' in page) is (role is not H)
    assert 'href="/admin/references"' in page
    assert ("/admin/people/new" in page) is (role is G)


@pytest.mark.parametrize("role", [R, H])
def test_readers_are_offered_nothing_to_change(org: Organisation, fill: Callable[[str], str], role: Role) -> None:
    browser = as_role(org, role)
    for path in (PERSON, "/admin/policy", "/admin/roles", "/admin/groups", GROUP, "/admin/trust"):
        page = browser.get(fill(path)).text
        main = page.partition("<main")[2].partition("</main")[0]
        assert 'method="post"' not in main, path
