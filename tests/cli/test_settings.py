"""Settings: where they come from, what is refused, and that each is documented."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from ostiary.settings import Settings
from tests.cli.conftest import Run

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_setting_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| `OSTIARY_(\w+)` \| `(\w+)` \|", DOCUMENT.read_text(), re.M)
    assert [name for _, name in rows] == list(Settings.model_fields)
    assert all(variable == name.upper() for variable, name in rows)


def test_every_default_is_documented() -> None:
    document = DOCUMENT.read_text()
    for name in ("data", "public_url"):
        default = str(Settings.model_fields[name].default)
        assert re.search(rf"\| `{name}` \| `{re.escape(default)}` \|", document), name


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ostiary.toml").write_text('public_url = "https://a.example"\nrp_id = "a.example"\n')
    assert Settings().public_url == "https://a.example"
    monkeypatch.setenv("OSTIARY_PUBLIC_URL", "https://login.a.example")
    assert (Settings().public_url, Settings().rp_id) == ("https://login.a.example", "a.example")
    assert Settings(public_url="https://b.a.example").public_url == "https://b.a.example"


def test_the_file_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text('trusted_proxies = ["10.0.0.2"]\n')
    monkeypatch.setenv("OSTIARY_CONFIG", str(tmp_path / "other.toml"))
    assert Settings().trusted_proxies == ("10.0.0.2",)


def test_lists_are_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_EXTRA_ORIGINS", '["https://a.example", "https://b.example/"]')
    assert Settings().origins == ("http://localhost:8000", "https://a.example", "https://b.example")


def test_a_secret_may_come_from_a_file_and_does_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("postgresql+psycopg://o:hunter2@db/ostiary\n")
    monkeypatch.setenv("OSTIARY_DATABASE_URL_FILE", str(tmp_path / "secret"))
    settings = Settings()
    assert settings.database == "postgresql+psycopg://o:hunter2@db/ostiary"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.model_dump())


def test_without_a_database_it_is_in_the_data_directory(tmp_path: Path) -> None:
    assert Settings(data=tmp_path).database == f"sqlite:///{tmp_path}/ostiary.db"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Login.Contoso.example/", "https://login.contoso.example"),
        ("https://login.contoso.example:443", "https://login.contoso.example"),
        ("https://login.contoso.example:8443", "https://login.contoso.example:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://demo.localhost:8000", "http://demo.localhost:8000"),
    ],
)
def test_a_public_url_is_an_origin_as_browsers_spell_it(url: str, origin: str) -> None:
    assert Settings(public_url=url).origins == (origin,)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "login.contoso.example",
        "http://login.contoso.example",
        "https://",
        "https://a.example/path",
        "https://u@a.example",
        "https://a.example?x",
        "ftp://a.example",
        "https://a.example:99999",
        "http://localhost.evil.example",
    ],
)
def test_refuses_a_public_url(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(public_url=url)
    with pytest.raises(ValidationError):
        Settings(extra_origins=(url,))


@pytest.mark.parametrize(
    ("rp_id", "is_fit"),
    [
        ("", True),
        ("login.a.example", True),
        ("a.example", True),
        ("b.example", False),
        ("ogin.a.example", False),
        ("x.login.a.example", False),
    ],
)
def test_the_relying_party_is_the_host_or_a_parent_of_it(rp_id: str, is_fit: bool) -> None:
    if is_fit:
        assert Settings(public_url="https://login.a.example", rp_id=rp_id).relying_party_id == (
            rp_id or "login.a.example"
        )
    else:
        with pytest.raises(ValidationError):
            Settings(public_url="https://login.a.example", rp_id=rp_id)


def test_refuses_a_setting_nobody_knows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ostiary.toml").write_text('public_ulr = "https://a.example"\n')
    result = run("doctor")
    assert result.exit_code == 1
    assert "public_ulr" in result.stderr


def test_refuses_in_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_PUBLIC_URL", "http://login.contoso.example")
    result = run("doctor")
    assert result.exit_code == 1
    assert "These settings do not work." in result.stderr
    assert "passkeys need https" in result.stderr
    assert "Traceback" not in result.output
