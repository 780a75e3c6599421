"""`ostiary admin outbox`: what waits, and sending it again."""

import json
from pathlib import Path

from tests.cli.conftest import Run


def _listed(run: Run, data: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("admin", "outbox", "list", "--data", data, "--json").stdout)
    return found


def test_what_an_administrator_did_waits_to_be_told(run: Run, data: Path) -> None:
    assert _listed(run, data) == []
    run("admin", "user", "create", "grace", "--data", data)
    assert _listed(run, data) == []
    run("admin", "user", "set-password", "grace", "--data", data)
    (mail,) = _listed(run, data)
    assert (mail["letter"], mail["attempts"], mail["error"]) == ("notice", 0, None)
    assert str(mail["to"]).startswith("grace@")
    listing = run("admin", "outbox", "list", "--data", data)
    assert "grace@" in listing.stdout
    assert "token" not in listing.stdout
    result = run("doctor", "--data", data, "--json")
    assert result.exit_code == 1
    assert "1 mails wait" in result.stdout


def test_mail_is_made_due_again(run: Run, data: Path) -> None:
    run("admin", "user", "create", "grace", "--data", data)
    run("admin", "user", "set-password", "grace", "--data", data)
    (mail,) = _listed(run, data)
    assert "1 mails are due now." in run("admin", "outbox", "retry", "--data", data).stdout
    assert run("admin", "outbox", "retry", str(mail["id"]), "--data", data).exit_code == 0
    assert run("admin", "outbox", "retry", "nonsense", "--data", data).exit_code == 1
