"""`ostiary doctor`: says what is unsound and what to do, and changes nothing."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def _findings(run: Run, data: Path) -> dict[str, tuple[bool, str]]:
    result = run("doctor", "--data", data, "--json")
    found = {one["check"]: (one["sound"], one["detail"]) for one in json.loads(result.stdout)}
    assert result.exit_code == (0 if all(is_sound for is_sound, _ in found.values()) else 1)
    return found


def test_a_sound_installation(run: Run, data: Path) -> None:
    assert {"address", "data directory", "sealing key", "database", "organisation", "administrators"} <= set(
        _findings(run, data)
    )
    assert all(is_sound for is_sound, _ in _findings(run, data).values())
    result = run("doctor", "--data", data)
    assert (result.exit_code, result.stdout.rstrip().endswith("Everything is sound.")) == (0, True)


def test_refuses_a_directory_that_is_not_there_and_makes_none(run: Run, tmp_path: Path) -> None:
    is_sound, detail = _findings(run, tmp_path / "nowhere")["data directory"]
    assert not is_sound
    assert "ostiary admin init" in detail
    assert not (tmp_path / "nowhere").exists()


def test_refuses_a_directory_others_may_look_into(run: Run, data: Path) -> None:
    data.chmod(0o755)
    is_sound, detail = _findings(run, data)["data directory"]
    assert (is_sound, f"chmod 700 {data}" in detail) == (False, True)
    assert data.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("content", [b"", b"short"])
def test_refuses_a_broken_sealing_key(run: Run, data: Path, content: bytes) -> None:
    (data / "sealing.key").write_bytes(content)
    is_sound, detail = _findings(run, data)["sealing key"]
    assert (is_sound, "backup" in detail) == (False, True)
    assert (data / "sealing.key").read_bytes() == content


def test_refuses_a_file_that_is_no_database(run: Run, data: Path) -> None:
    (data / "ostiary.db").write_bytes(b"not a database, by any means" * 100)
    assert not _findings(run, data)["database"][0]


def test_refuses_a_database_that_is_not_up_to_date(run: Run, data: Path) -> None:
    (data / "ostiary.db").write_bytes(b"")
    is_sound, detail = _findings(run, data)["database"]
    assert (is_sound, "tables" in detail) == (False, True)
