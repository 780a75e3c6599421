"""`ostiary admin`: on the data directory, in words, and with `--json` for programs."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from ostiary.identity.reasons import Reason
from ostiary.identity.roles import Role
from ostiary.web.wording import WORDING
from tests.cli.conftest import Run
from tests.organisation import Organisation, TickingClock, open_organisation
from tests.software_authenticator import SoftwareAuthenticator

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def _listed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def _is_refused(result: Result, reason: Reason) -> bool:
    """In words, on stderr, with a next step, and no traceback."""
    wording = WORDING[reason]
    return (result.exit_code, result.stderr.strip()) == (1, f"{wording.title} {wording.next}")


@contextmanager
def _served(data: Path) -> Iterator[Organisation]:
    with open_organisation(data, clock=TickingClock()) as org:
        yield org


# --- init


def test_init_makes_an_organisation_and_its_administrator(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "new"
    arguments = ("--name", "Fabrikam", "--domain", "Fabrikam.example", "--administrator", "root", "--data", data)
    made = run("admin", "init", *arguments)
    assert made.exit_code == 0, made.output
    assert data.stat().st_mode & 0o077 == 0
    password = next(line.rpartition(" ")[2] for line in made.stdout.splitlines() if "first password" in line)
    listed = _listed(run("admin", "user", "list", "--data", data, "--json"))
    assert [(one["username"], one["roles"]) for one in listed] == [("root@fabrikam.example", ["global_administrator"])]
    assert _listed(run("admin", "user", "show", "root", "--data", data, "--json"))["must_change_password"] is True
    with _served(data) as org:
        browser = org.browser()
        browser.type_username("root")
        assert browser.type_password(password).headers["location"] == "/sign-in"
        new = "twelve-quiet-otters"
        done = browser.post("/sign-in/new-password", {"new": new, "repeat": new})
        assert done.headers["location"] == "/security-info"


def test_init_asks_for_what_was_not_said(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "new"
    assert run("admin", "init", "--data", data, given="Fabrikam\nfabrikam.example\nroot\n").exit_code == 0
    assert _listed(run("admin", "domain", "list", "--data", data, "--json"))[0]["domain"] == "fabrikam.example"


def test_refuses_a_second_organisation(run: Run, data: Path) -> None:
    result = run("admin", "init", "--name", "X", "--domain", "x.example", "--administrator", "x", "--data", data)
    assert _is_refused(result, Reason.ORGANIZATION_EXISTS)


def test_refuses_an_organisation_by_halves(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "new"
    arguments = ("--name", "X", "--domain", "x.example", "--administrator", "a b", "--data", data)
    assert _is_refused(run("admin", "init", *arguments), Reason.USERNAME_INVALID)
    assert _listed(run("admin", "domain", "list", "--data", data, "--json")) == []


def test_refuses_to_add_people_to_nothing(run: Run, tmp_path: Path) -> None:
    assert _is_refused(run("admin", "user", "create", "ada", "--data", tmp_path / "new"), Reason.ORGANIZATION_MISSING)


# --- people


def test_creating_a_person(run: Run, data: Path) -> None:
    made = run("admin", "user", "create", "linus", "--name", "Linus B.", "--data", data)
    assert "linus@contoso.example" in made.stdout
    shown = _listed(run("admin", "user", "show", "linus", "--data", data, "--json"))
    assert (shown["name"], shown["enabled"], shown["must_change_password"]) == ("Linus B.", True, True)
    assert [method["kind"] for method in shown["methods"]] == ["password"]
    assert "hash" not in json.dumps(shown)


def test_a_password_comes_from_a_file_and_is_not_printed(run: Run, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("twelve-quiet-otters\n")
    made = run("admin", "user", "create", "linus", "--password-file", file, "--data", data)
    assert made.exit_code == 0
    assert "otters" not in made.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("user", "create", "ada"), Reason.PERSON_EXISTS),
        (("user", "create", "ADA@contoso.example"), Reason.PERSON_EXISTS),
        (("user", "create", "a b"), Reason.USERNAME_INVALID),
        (("user", "create", "x@fabrikam.example"), Reason.DOMAIN_UNKNOWN),
        (("user", "show", "nobody"), Reason.PERSON_UNKNOWN),
        (("user", "enable", "nobody"), Reason.PERSON_UNKNOWN),
        (("user", "disable", "admin"), Reason.LAST_ADMINISTRATOR),
        (("user", "delete", "admin", "--yes"), Reason.LAST_ADMINISTRATOR),
        (("user", "remove-method", "ada", "nonsense"), Reason.METHOD_UNKNOWN),
        (("group", "add", "Nobody", "ada"), Reason.GROUP_UNKNOWN),
        (("group", "members", "Nobody"), Reason.GROUP_UNKNOWN),
        (("group", "create", " "), Reason.NAME_INVALID),
        (("role", "assign", "ada", "emperor"), Reason.ROLE_UNKNOWN),
        (("role", "remove", "admin", "global_administrator"), Reason.LAST_ADMINISTRATOR),
        (("domain", "add", "contoso.example"), Reason.DOMAIN_EXISTS),
        (("domain", "add", "not a domain"), Reason.DOMAIN_INVALID),
        (("domain", "remove", "contoso.example"), Reason.DOMAIN_IN_USE),
        (("domain", "remove", "fabrikam.example"), Reason.DOMAIN_UNKNOWN),
        (("domain", "brand", "contoso.example", "--name", "X", "--accent", "teal"), Reason.ACCENT_INVALID),
        (("audit", "list", "--user", "nobody"), Reason.PERSON_UNKNOWN),
    ],
)
def test_refuses_in_words(run: Run, data: Path, arguments: tuple[str, ...], reason: Reason) -> None:
    assert _is_refused(run("admin", *arguments, "--data", data), reason)


@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "create", "x", "--password-file", "nowhere"),
        ("domain", "brand", "contoso.example", "--name", "X", "--logo", "nowhere"),
    ],
)
def test_refuses_a_file_that_is_not_there(run: Run, data: Path, arguments: tuple[str, ...]) -> None:
    result = run("admin", *arguments, "--data", data)
    assert (result.exit_code, result.stderr.strip()) == (1, "There is no file nowhere.")


def test_refuses_a_weak_password_from_a_file(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("short")
    result = run("admin", "user", "set-password", "ada", "--password-file", tmp_path / "password", "--data", data)
    assert _is_refused(result, Reason.PASSWORD_TOO_SHORT)


def test_disabling_enabling_and_signing_out(run: Run, data: Path) -> None:
    with _served(data) as org:
        browser = org.signed_in("ada")
        assert run("admin", "user", "sign-out", "ada", "--data", data).stdout == "1 sessions ended.\n"
        assert browser.get("/security-info").status_code == 303
        assert run("admin", "user", "disable", "ada", "--data", data).exit_code == 0
        browser.type_username()
        assert browser.type_password().status_code == 401
        assert run("admin", "user", "enable", "ada", "--data", data).exit_code == 0
        assert org.browser().sign_in().headers["location"] == "/security-info"


def test_setting_a_password_ends_the_sessions_and_asks_for_a_new_one(run: Run, data: Path) -> None:
    with _served(data) as org:
        browser = org.signed_in("ada")
        made = run("admin", "user", "set-password", "ada", "--data", data)
        password = made.stdout.splitlines()[0].rpartition(" ")[2]
        assert browser.get("/security-info").status_code == 303
        assert org.browser().sign_in(password=password).headers["location"] == "/sign-in"


def test_removing_the_method_of_a_lost_device(run: Run, data: Path) -> None:
    with _served(data) as org:
        browser, key = org.signed_in("ada"), SoftwareAuthenticator()
        browser.register(key)
        shown = _listed(run("admin", "user", "show", "ada", "--data", data, "--json"))
        passkey = next(method for method in shown["methods"] if method["kind"] == "passkey")
        assert (passkey["binding"], passkey["name"]) == ("device-bound", "Passkey, Windows, Nov 2026")
        assert shown["sessions"][0]["client"] == "Chrome/Windows"
        assert run("admin", "user", "remove-method", "ada", passkey["id"], "--data", data).exit_code == 0
        assert browser.get("/security-info").status_code == 303
        assert org.browser().sign_in_with(key).json()["code"] == "credential_unknown"


def test_deleting_a_person_asks_first(run: Run, data: Path) -> None:
    assert run("admin", "user", "delete", "grace", "--data", data, given="n\n").exit_code == 1
    assert run("admin", "user", "delete", "grace", "--data", data, given="y\n").exit_code == 0
    assert _is_refused(run("admin", "user", "show", "grace", "--data", data), Reason.PERSON_UNKNOWN)
    events = _listed(run("admin", "audit", "list", "--data", data, "--json"))
    assert (events[0]["event"], events[0]["target"]) == ("admin:person:delete", "grace@contoso.example")


def test_listing_people_page_by_page(run: Run, data: Path) -> None:
    first = _listed(run("admin", "user", "list", "--limit", "2", "--data", data, "--json"))
    rest = _listed(run("admin", "user", "list", "--after", first[-1]["username"], "--data", data, "--json"))
    assert [one["username"].partition("@")[0] for one in first + rest] == ["ada", "admin", "grace"]
    found = _listed(run("admin", "user", "list", "--search", "GRA", "--data", data, "--json"))
    assert found == [
        {
            "username": "grace@contoso.example",
            "name": "Grace",
            "enabled": True,
            "methods": ["code", "password"],
            "roles": [],
            "created": "2026-11-18T11:06:40Z",
        }
    ]


# --- groups, roles, domains


def test_groups(run: Run, data: Path) -> None:
    assert run("admin", "group", "create", "Pilots", "--description", "First in", "--data", data).exit_code == 0
    assert _is_refused(run("admin", "group", "create", "PILOTS", "--data", data), Reason.GROUP_EXISTS)
    said = [run("admin", "group", verb, "pilots", "ada", "--data", data).stdout for verb in ("add", "add")]
    assert said == ["Added.\n", "Was a member already.\n"]
    listed = _listed(run("admin", "group", "list", "--data", data, "--json"))
    assert [(one["name"], one["members"], one["description"]) for one in listed] == [("Pilots", 1, "First in")]
    members = _listed(run("admin", "group", "members", "Pilots", "--data", data, "--json"))
    assert members == [{"username": "ada@contoso.example", "name": "Ada"}]
    said = [run("admin", "group", "remove", "Pilots", "ada", "--data", data).stdout for _ in range(2)]
    assert said == ["Removed.\n", "Was not a member.\n"]
    assert run("admin", "group", "delete", "Pilots", "--data", data).exit_code == 0
    assert _listed(run("admin", "group", "list", "--data", data, "--json")) == []


@pytest.mark.parametrize("name", ["helpdesk", "HELPDESK", "Helpdesk"])
def test_roles(run: Run, data: Path, name: str) -> None:
    said = [run("admin", "role", "assign", "ada", name, "--data", data).stdout for _ in range(2)]
    assert said == ["Assigned.\n", "Had the role already.\n"]
    listed = {one["role"]: one["people"] for one in _listed(run("admin", "role", "list", "--data", data, "--json"))}
    assert set(listed) == {role.value for role in Role}
    assert listed["helpdesk"] == ["ada@contoso.example"]
    said = [run("admin", "role", "remove", "ada", name, "--data", data).stdout for _ in range(2)]
    assert said == ["Removed.\n", "Did not have the role.\n"]


@pytest.mark.parametrize("name", ["Authentication Administrator", "authentication-administrator"])
def test_a_role_may_be_spelled_as_people_do(run: Run, data: Path, name: str) -> None:
    assert run("admin", "role", "assign", "ada", name, "--data", data).exit_code == 0


def test_domains_and_their_looks(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG)
    assert run("admin", "domain", "add", "Fabrikam.Example", "--data", data).stdout == "fabrikam.example is verified.\n"
    looks = ("--name", "Fabrikam", "--accent", "#7b2ff7", "--logo", tmp_path / "logo.png")
    assert run("admin", "domain", "brand", "fabrikam.example", *looks, "--data", data).exit_code == 0
    listed = _listed(run("admin", "domain", "list", "--data", data, "--json"))
    assert [(one["domain"], one["primary"], one["looks_like"], one["accent"], one["logo"]) for one in listed] == [
        ("contoso.example", True, None, None, False),
        ("fabrikam.example", False, "Fabrikam", "#7b2ff7", True),
    ]
    run("admin", "user", "create", "bob@fabrikam.example", "--data", data)
    assert _is_refused(run("admin", "domain", "remove", "fabrikam.example", "--data", data), Reason.DOMAIN_IN_USE)
    run("admin", "user", "delete", "bob@fabrikam.example", "--yes", "--data", data)
    assert run("admin", "domain", "remove", "fabrikam.example", "--data", data).stdout == "Removed.\n"


# --- audit


def test_a_reference_read_out_is_decoded(run: Run, data: Path) -> None:
    with _served(data) as org:
        reference = org.browser().send("/sign-in/passkey", {}).json()["reference"]
    shown = _listed(run("admin", "audit", "show", reference.lower(), "--data", data, "--json"))
    assert (shown["reason"], shown["result"], shown["address"]) == ("malformed_response", "refused", "198.51.100.7")
    assert "malformed_response" in run("admin", "audit", "show", reference, "--data", data).stdout


def test_refuses_a_reference_nobody_gave(run: Run, data: Path) -> None:
    result = run("admin", "audit", "show", "P-0000-00", "--data", data)
    assert (result.exit_code, result.stderr.strip()) == (1, "There is no event of that reference.")


def test_the_log_is_read_newest_first_page_by_page(run: Run, data: Path) -> None:
    run("admin", "user", "disable", "ada", "--data", data)
    run("admin", "user", "enable", "ada", "--data", data)
    of_ada = _listed(run("admin", "audit", "list", "--user", "ada", "--data", data, "--json"))
    assert [one["event"] for one in of_ada] == ["admin:person:enable", "admin:person:disable", "admin:person:create"]
    assert {one["actor"] for one in of_ada} == {"command line"}
    first = _listed(run("admin", "audit", "list", "--user", "ada", "--limit", "1", "--data", data, "--json"))
    rest = _listed(run("admin", "audit", "list", "--user", "ada", "--before", first[0]["id"], "--data", data, "--json"))
    assert first + rest == of_ada
    only = _listed(run("admin", "audit", "list", "--event", "admin:person:disable", "--data", data, "--json"))
    assert [one["target"] for one in only] == ["ada@contoso.example"]


# --- every listing


LISTINGS = [
    ("user", "list"),
    ("user", "show", "ada"),
    ("group", "list"),
    ("role", "list"),
    ("domain", "list"),
    ("audit", "list"),
]


@pytest.mark.parametrize("listing", LISTINGS, ids=" ".join)
def test_every_listing_is_for_people_and_for_programs(run: Run, data: Path, listing: tuple[str, ...]) -> None:
    assert json.loads(run("admin", *listing, "--data", data, "--json").stdout) is not None
    for_people = run("admin", *listing, "--data", data)
    assert for_people.exit_code == 0
    assert for_people.stdout.strip()


def test_an_empty_listing_says_so(run: Run, data: Path) -> None:
    assert run("admin", "group", "list", "--data", data).stdout == "None.\n"


# --- the real command


def test_the_command_itself(data: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("ostiary"))]
    done = subprocess.run(
        [*command, "admin", "user", "show", "nobody", "--data", data], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(WORDING[Reason.PERSON_UNKNOWN].title)
    assert "Traceback" not in done.stderr


def test_refuses_a_database_from_a_newer_release(run: Run, data: Path) -> None:

    with sqlite3.connect(data / "ostiary.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    result = run("admin", "user", "list", "--data", data)
    assert result.exit_code == 1
    assert "from a newer Ostiary (revision 9999)" in result.stderr


def test_refuses_a_data_directory_that_is_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("admin", "user", "list", "--data", tmp_path / "file")
    assert (result.exit_code, "cannot be opened" in result.stderr) == (1, True)


def test_an_international_domain_is_one_domain_however_it_is_spelled(run: Run, data: Path) -> None:
    assert run("admin", "domain", "add", "bücher.example", "--data", data).exit_code == 0
    assert run("admin", "user", "create", "ada@bücher.example", "--data", data).exit_code == 0
    listed = _listed(run("admin", "user", "list", "--search", "ada@x", "--data", data, "--json"))
    assert [person["username"] for person in listed] == ["ada@xn--bcher-kva.example"]


def test_a_domain_is_removed_though_another_begins_like_it(run: Run, data: Path) -> None:
    for domain in ("b.example", "b.example.org"):
        assert run("admin", "domain", "add", domain, "--data", data).exit_code == 0
    assert run("admin", "user", "create", "x@b.example.org", "--data", data).exit_code == 0
    assert run("admin", "domain", "remove", "b.example", "--data", data).exit_code == 0
    assert _is_refused(run("admin", "domain", "remove", "b.example.org", "--data", data), Reason.DOMAIN_IN_USE)


@pytest.mark.parametrize("content", [b"RIFF1234AVI ", b"GIF89a", b"<html></html>", bytes(200_001)])
def test_refuses_what_is_no_logo(run: Run, data: Path, tmp_path: Path, content: bytes) -> None:
    logo = tmp_path / "logo"
    logo.write_bytes(content)
    arguments = ("admin", "domain", "brand", "contoso.example", "--name", "Contoso", "--logo", logo, "--data", data)
    assert _is_refused(run(*arguments), Reason.LOGO_INVALID)
