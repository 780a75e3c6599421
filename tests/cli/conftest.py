import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ostiary.cli.main import app

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but those of the test."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "DATA", "PUBLIC_URL", "RP_ID", "EXTRA_ORIGINS", "DATABASE_URL", "TRUSTED_PROXIES"):
        monkeypatch.delenv(f"OSTIARY_{name}", raising=False)


@pytest.fixture
def run() -> Run:
    runner = CliRunner()

    def invoke(*arguments: object, given: str | None = None) -> Result:
        return runner.invoke(app, [str(one) for one in arguments], input=given)

    return invoke


@pytest.fixture
def data(tmp_path: Path, sqlite_template: Path) -> Path:
    """The data directory of Contoso."""
    directory = tmp_path / "data"
    shutil.copytree(sqlite_template, directory)
    directory.chmod(0o700)
    return directory
