"""`ostiary serve --demo`: Contoso with known secrets, on this machine only."""

import json
from pathlib import Path
from typing import Any

import pyotp
import pytest

from ostiary.cli import demo
from ostiary.clock import SECOND, system_clock
from ostiary.settings import Settings
from ostiary.storage import people
from ostiary.storage.database import Database
from ostiary.storage.migrate import migrate
from tests.cli.conftest import Run
from tests.organisation import TickingClock, open_organisation


def _prepare(data: Path) -> dict[str, Any]:
    settings = Settings(data=data, public_url="http://localhost:8123")
    data.mkdir(exist_ok=True)
    database = Database(settings.database)
    migrate(database)
    demo.prepare(settings, database, now=system_clock())
    database.close()
    facts: dict[str, Any] = json.loads((data / "demo.json").read_text())
    return facts


def test_writes_down_how_to_sign_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = _prepare(tmp_path / "demo")
    assert facts["url"] == "http://localhost:8123"
    assert [person["username"] for person in facts["people"]] == [
        "admin@contoso.example",
        "ada@contoso.example",
        "grace@contoso.example",
    ]
    assert [set(person) for person in facts["people"]] == [{"username", "password", "totp_secret", "roles"}] * 3
    assert [person["roles"] for person in facts["people"]] == [
        ["authentication_policy_administrator", "authentication_administrator"],
        [],
        [],
    ]
    said = capsys.readouterr().out
    for person in facts["people"]:
        assert person["username"] in said
        assert person["password"] in said


def test_everybody_can_sign_in_with_it(tmp_path: Path) -> None:
    facts = _prepare(tmp_path / "demo")
    with open_organisation(tmp_path / "demo", clock=TickingClock(system_clock())) as org:
        for person in facts["people"]:
            browser = org.browser()
            browser.type_username(person["username"])
            browser.type_password(person["password"])
            code = pyotp.TOTP(person["totp_secret"]).at(org.clock() // SECOND)
            assert browser.type_code(code).headers["location"] == "/security-info", person["username"]


def test_is_safe_to_repeat(tmp_path: Path) -> None:
    first = _prepare(tmp_path / "demo")
    database = Database(Settings(data=tmp_path / "demo").database)
    with database.transaction() as tx:
        person = people.person_by_username(tx, "grace@contoso.example")
        assert person is not None
        people.set_display_name(tx, person, "Amazing Grace")
    assert _prepare(tmp_path / "demo") == first
    with database.transaction() as tx:
        assert people.count_people(tx) == 3
        kept = people.person_by_username(tx, "grace@contoso.example")
        assert kept is not None
        assert (kept.id, kept.display_name) == (person.id, "Amazing Grace")
    database.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "example.com", ""])
def test_refuses_a_public_address(run: Run, tmp_path: Path, host: str) -> None:
    result = run("serve", "--demo", "--host", host, "--data", tmp_path / "demo")
    assert result.exit_code == 1
    assert "served on this machine only" in result.stderr
    assert not (tmp_path / "demo").exists()


def test_refuses_the_data_of_a_real_organisation(run: Run, data: Path) -> None:
    before = (data / "ostiary.db").read_bytes()
    result = run("serve", "--demo", "--data", data)
    assert result.exit_code == 1
    assert "is not the demo" in result.stderr
    assert not (data / "demo.json").exists()
    assert (data / "ostiary.db").read_bytes() == before


def test_serving_without_an_organisation_says_what_to_do(run: Run, tmp_path: Path) -> None:
    result = run("serve", "--data", tmp_path / "new")
    assert (result.exit_code, "ostiary admin init" in result.stderr) == (1, True)


def test_a_code_for_whoever_has_no_authenticator_app(run: Run, tmp_path: Path) -> None:
    _prepare(tmp_path / "demo")
    for username in ("ada", "ada@contoso.example"):
        code = run("admin", "demo-code", username, "--data", tmp_path / "demo").stdout.strip()
        assert len(code) == 6
        assert code.isdecimal()


def test_refuses_a_code_of_a_real_organisation(run: Run, data: Path) -> None:
    result = run("admin", "demo-code", "ada", "--data", data)
    assert (result.exit_code, "this is not the demo" in result.stderr) == (1, True)


def test_refuses_a_code_of_nobody(run: Run, tmp_path: Path) -> None:
    _prepare(tmp_path / "demo")
    result = run("admin", "demo-code", "nobody", "--data", tmp_path / "demo")
    assert (result.exit_code, result.stderr.strip()) == (1, "There is no such person in the demo.")


def test_goes_on_after_a_crash_in_the_middle(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    _prepare(data)
    (data / "ostiary.db").unlink()  # as if it had stopped before the organisation was made
    for leftover in data.glob("ostiary.db-*"):
        leftover.unlink()
    assert len(_prepare(data)["people"]) == 3
