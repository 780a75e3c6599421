"""`ostiary admin policy` and `ostiary admin explain`."""

import json
from pathlib import Path
from typing import Any

import pytest

from ostiary.identity.policy import document
from ostiary.identity.policy.model import Policy
from tests.cli.conftest import Run
from tests.policies import OFF, SYNCED, allow, with_passkeys, with_profile, with_rules


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(policy: Policy) -> Path:
        path = tmp_path / "policy.json"
        path.write_text(document.dump(policy))
        return path

    return written


def test_what_show_prints_can_be_set_again(run: Run, data: Path, tmp_path: Path) -> None:
    shown = run("admin", "policy", "show", "--data", data)
    assert document.load(shown.stdout) == Policy()
    path = tmp_path / "same.json"
    path.write_text(shown.stdout)
    answer = run("admin", "policy", "set", path, "--yes", "--note", "as it was", "--data", data)
    assert "Nothing changes for anybody." in answer.stdout
    assert "Version 1 is in force." in answer.stdout
    (version,) = json.loads(run("admin", "policy", "versions", "--json", "--data", data).stdout)
    assert (version["version"], version["actor"], version["note"]) == (1, "command line", "as it was")


def test_set_shows_the_impact_and_asks(run: Run, data: Path, write: Any) -> None:
    path = write(Policy(code=OFF))
    answer = run("admin", "policy", "set", path, "--data", data, given="n\n")
    assert answer.exit_code == 1
    assert "3 lose every way to sign in: " in answer.stdout
    assert "ada@contoso.example" in answer.stdout
    assert json.loads(run("admin", "policy", "versions", "--json", "--data", data).stdout) == []
    assert run("admin", "policy", "set", path, "--data", data, given="y\n").exit_code == 0


def test_set_for_programs(run: Run, data: Path, write: Any) -> None:
    path = write(Policy(code=OFF))
    assert run("admin", "policy", "set", path, "--json", "--data", data).exit_code == 1
    answer = json.loads(run("admin", "policy", "set", path, "--json", "--yes", "--data", data).stdout)
    assert (answer["version"], answer["at_once"]["lose_every_way"]["count"]) == (1, 3)


def test_set_and_check_refuse_an_empty_intersection(run: Run, data: Path, write: Any) -> None:
    path = write(with_rules(key_restrictions=allow()))
    answer = run("admin", "policy", "set", path, "--yes", "--data", data)
    assert answer.exit_code == 1
    assert "No passkey can satisfy this profile" in answer.stderr
    checked = run("admin", "policy", "check", path, "--json", "--data", data)
    assert checked.exit_code == 1
    assert [one["kind"] for one in json.loads(checked.stdout)] == ["fault"]


@pytest.mark.parametrize(
    ("text", "what"),
    [("nonsense", "Invalid JSON"), ('{"passkeys": {}}', "passkeys: there is no such member"), ('{"code": 7}', "code")],
)
def test_refuses_what_is_no_policy(run: Run, data: Path, tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "policy.json"
    path.write_text(text)
    answer = run("admin", "policy", "check", path, "--data", data)
    assert answer.exit_code == 1
    assert what in answer.stderr


def test_preview_saves_nothing(run: Run, data: Path, write: Any) -> None:
    path = write(with_passkeys(is_enabled=False))
    seen = json.loads(run("admin", "policy", "preview", path, "--json", "--data", data).stdout)
    assert seen["at_once"]["may_add_no_more"]["count"] == 3
    assert json.loads(run("admin", "policy", "versions", "--json", "--data", data).stdout) == []


def test_put_back(run: Run, data: Path, write: Any) -> None:
    run("admin", "policy", "set", write(with_profile()), "--yes", "--data", data)
    run("admin", "policy", "set", write(with_rules(types=SYNCED)), "--yes", "--data", data)
    answer = run("admin", "policy", "put-back", 1, "--yes", "--data", data)
    assert "Version 3 is in force" in answer.stdout
    assert document.load(run("admin", "policy", "show", "--data", data).stdout) == with_profile()
    unknown = run("admin", "policy", "put-back", 9, "--yes", "--data", data)
    assert "There is no such version of the policy." in unknown.stderr


def test_explain(run: Run, data: Path, write: Any) -> None:
    run("admin", "policy", "set", write(with_passkeys(is_enabled=False)), "--yes", "--data", data)
    told = run("admin", "explain", "ada", "--data", data).stdout
    assert "Can add a passkey: no." in told
    assert "Passkeys are turned off for everybody." in told
    found = json.loads(run("admin", "explain", "ada", "--json", "--data", data).stdout)
    assert {"rule": "passkeys_off", "verdict": "no"} in found["rules"]
    assert found["can_add"] is False
    assert "There is no such person." in run("admin", "explain", "nobody", "--data", data).stderr
