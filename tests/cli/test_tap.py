"""`ostiary admin tap`, and people without a password."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ostiary.cli.admin import app
from ostiary.clock import system_clock


class Desk:
    """The command line on one data directory."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *arguments: str, fails: bool = False) -> str:
        result = CliRunner().invoke(app, [*arguments, "--data", str(self.data)])
        assert (result.exit_code != 0) is fails, result.output
        return result.stderr if fails else result.stdout

    def read(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "data")
    desk.run("init", "--name", "Contoso", "--domain", "contoso.example", "--administrator", "admin")
    desk.run("user", "create", "linus", "--no-password")
    return desk


def test_a_person_without_a_password_has_no_method(desk: Desk) -> None:
    assert desk.read("user", "show", "linus")["methods"] == []
    assert desk.read("tap", "show", "linus") is None
    assert desk.run("tap", "show", "linus").strip() == "linus@contoso.example has no pass."


def test_issues_shows_replaces_and_removes(desk: Desk) -> None:
    issued = desk.read("tap", "issue", "linus")
    assert (issued["username"], len(issued["pass"]), issued["usability"]) == (
        "linus@contoso.example",
        8,
        "EnabledByPolicy",
    )
    assert issued["url"] == "http://localhost:8000/sign-in?with=pass"
    shown = desk.read("tap", "show", "linus")
    assert shown == {key: value for key, value in issued.items() if key not in ("username", "pass", "url")}
    words = desk.run("tap", "issue", "linus", "--one-time", "--lifetime", "90")
    assert "shown only now" in words
    assert "for one use" in words
    assert desk.read("tap", "show", "linus")["id"] != issued["id"]
    assert [method["kind"] for method in desk.read("user", "show", "linus")["methods"]] == ["temporary_access_pass"]
    desk.run("tap", "remove", "linus")
    assert desk.read("tap", "show", "linus") is None
    events = [event["event"] for event in desk.read("audit", "list", "--user", "linus")]
    assert events[:3] == ["admin:pass:remove", "admin:pass:issue", "admin:pass:issue"]


@pytest.mark.parametrize(
    ("starts", "is_what"),
    [
        ("2099-01-04T08:00+01:00", "2099-01-04T07:00:00Z"),
        ("2099-01-04T08:00", "2099-01-04T08:00:00Z"),
        ("2099-01-04", "2099-01-04T00:00:00Z"),
    ],
)
def test_a_pass_may_start_later(desk: Desk, starts: str, is_what: str) -> None:
    issued = desk.read("tap", "issue", "linus", "--starts", starts)
    assert (issued["starts"], issued["usability"], issued["usable"]) == (is_what, "NotYetValid", False)


def test_a_start_that_is_over_is_now(desk: Desk) -> None:
    issued = desk.read("tap", "issue", "linus", "--starts", "2020-01-01")
    assert issued["usability"] == "EnabledByPolicy"
    assert issued["starts"][:4] >= str(1970 + system_clock() // 31_557_600_000)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tap", "issue", "linus", "--lifetime", "9"), "That lifetime is outside what the policy allows."),
        (("tap", "issue", "linus", "--lifetime", "481"), "That lifetime is outside what the policy allows."),
        (("tap", "issue", "linus", "--starts", "soon"), "soon is not a time."),
        (("tap", "issue", "nobody"), "There is no such person."),
        (("tap", "show", "nobody"), "There is no such person."),
        (("tap", "remove", "linus"), "sign-in method"),
        (("user", "create", "linus", "--no-password"), "There is a person of that username."),
        (("user", "create", "rosa", "--no-password", "--password-file", "x"), "Either"),
    ],
)
def test_refuses_in_words(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    assert words in desk.run(*arguments, fails=True)
