"""`install-browser`: what is written where, for whom, and taken away again."""

import json
import stat
import sys
from pathlib import Path

import pytest

from ostiary.authenticator.hosts.browser_installation import (
    EXTENSION_DIRECTORY,
    HOST_NAME,
    InstallationError,
    built_in_extension_id,
    extension_id,
    install_browser,
    linked_browsers,
)

ORGANISATION = "abcdefghijklmnopabcdefghijklmnop"
MANIFEST = f"{HOST_NAME}.json"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "bin")}


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_writes_a_manifest_and_the_program_it_names(tmp_path: Path, home: dict[str, str]) -> None:
    data = tmp_path / "data"
    launcher, manifest = install_browser(data, environment=home)
    assert launcher == data / "native-messaging-host"
    assert _mode(launcher) == 0o700
    assert manifest == tmp_path / "home/.config/chromium/NativeMessagingHosts" / MANIFEST
    assert json.loads(manifest.read_text()) == {
        "name": "org.ostiary.authenticator",
        "description": "Ostiary Authenticator",
        "path": str(launcher),
        "type": "stdio",
        "allowed_origins": [f"chrome-extension://{built_in_extension_id()}/"],
    }


def test_writes_for_the_browsers_that_are_here_and_no_others(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "home/.config/microsoft-edge").mkdir(parents=True)
    chrome = tmp_path / "bin/google-chrome"
    chrome.parent.mkdir()
    chrome.write_text("#!/bin/sh\n")
    chrome.chmod(0o755)
    install_browser(tmp_path / "data", environment=home)
    found = sorted(path.relative_to(tmp_path / "home/.config").parts[0] for path in tmp_path.rglob(MANIFEST))
    assert found == ["google-chrome", "microsoft-edge"]
    assert linked_browsers(home, root=tmp_path) == ["Google Chrome", "Microsoft Edge"]


def test_brave_is_found_in_its_own_place(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "home/.config/BraveSoftware/Brave-Browser").mkdir(parents=True)
    _, manifest = install_browser(tmp_path / "data", environment=home)
    assert manifest.parent == tmp_path / "home/.config/BraveSoftware/Brave-Browser/NativeMessagingHosts"


def test_writes_for_the_whole_system(tmp_path: Path, home: dict[str, str]) -> None:
    written = install_browser(tmp_path / "data", is_system=True, environment=home, root=tmp_path)
    launcher, *manifests = (path.relative_to(tmp_path).as_posix() for path in written)
    assert launcher == "usr/local/lib/ostiary/native-messaging-host"
    assert manifests == [
        f"etc/chromium/native-messaging-hosts/{MANIFEST}",
        f"etc/opt/chrome/native-messaging-hosts/{MANIFEST}",
        f"etc/opt/edge/native-messaging-hosts/{MANIFEST}",
    ]
    assert _mode(written[0]) == 0o755
    assert str(tmp_path / "data") not in written[0].read_text()  # everybody's own


def test_an_organisation_s_build_may_use_it_too(tmp_path: Path, home: dict[str, str]) -> None:
    launcher, manifest = install_browser(tmp_path / "data", extension_ids=[ORGANISATION] * 2, environment=home)
    allowed = json.loads(manifest.read_text())["allowed_origins"]
    assert allowed == [f"chrome-extension://{one}/" for one in (built_in_extension_id(), ORGANISATION)]
    assert launcher.read_text().count(f"--extension {ORGANISATION}") == 1


@pytest.mark.parametrize("id", ["", "abc", "z" * 32, "a" * 33, f"{'a' * 31}/", "A" * 32])
def test_refuses_what_is_no_extension_id(tmp_path: Path, home: dict[str, str], id: str) -> None:
    with pytest.raises(InstallationError, match="not the ID of an extension"):
        install_browser(tmp_path / "data", extension_ids=[id], environment=home)
    assert not list(tmp_path.rglob("*.json"))


def test_a_second_time_replaces_the_first(tmp_path: Path, home: dict[str, str]) -> None:
    install_browser(tmp_path / "data", extension_ids=[ORGANISATION], environment=home)
    _, manifest = install_browser(tmp_path / "data", environment=home)
    assert ORGANISATION not in manifest.read_text()


def test_does_not_write_through_a_link(tmp_path: Path, home: dict[str, str]) -> None:
    _, manifest = install_browser(tmp_path / "data", environment=home)
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("precious")
    manifest.unlink()
    manifest.symlink_to(elsewhere)
    install_browser(tmp_path / "data", environment=home)
    assert elsewhere.read_text() == "precious"
    assert not manifest.is_symlink()


def test_removes_what_it_wrote(tmp_path: Path, home: dict[str, str]) -> None:
    written = install_browser(tmp_path / "data", environment=home)
    assert sorted(install_browser(tmp_path / "data", remove=True, environment=home)) == sorted(written)
    assert not any(path.exists() for path in written)
    assert install_browser(tmp_path / "data", remove=True, environment=home) == []
    assert linked_browsers(home, root=tmp_path) == []


def test_says_where_it_cannot_be_done(tmp_path: Path, home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(InstallationError, match="Linux only"):
        install_browser(tmp_path / "data", environment=home)


def test_a_path_with_spaces_and_quotes_is_one_argument(tmp_path: Path, home: dict[str, str]) -> None:
    data = tmp_path / "Ada's data"
    launcher, _ = install_browser(data, environment=home)
    assert "'\"'\"'" in launcher.read_text()


# --- the extension's own files


def test_the_extension_s_id_is_its_key_s() -> None:
    # developer.chrome.com, manifest `key`: the first 32 hexadecimal digits of its hash, as letters from a
    assert extension_id(b"") == "odlameecjipmbmbejkplpemijjgpljce"
    assert built_in_extension_id() == "mkjbcaknbmgdcpmndjfpejmkmmdjeicg"


def test_asks_for_no_more_than_it_needs() -> None:
    manifest = json.loads((EXTENSION_DIRECTORY / "manifest.json").read_text())
    assert manifest["permissions"] == ["webAuthenticationProxy", "nativeMessaging", "storage", "alarms"]
    assert not {"host_permissions", "content_scripts", "web_accessible_resources", "externally_connectable"} & set(
        manifest
    )
    assert manifest["incognito"] == "spanning"


def test_every_word_is_there_in_every_language() -> None:
    languages = {path.parent.name: json.loads(path.read_text()) for path in EXTENSION_DIRECTORY.glob("_locales/*/*")}
    assert set(languages) == {"en", "ar"}
    assert set(languages["en"]) == set(languages["ar"])
    for name, message in languages["en"].items():
        assert ("$1" in message["message"]) == ("$1" in languages["ar"][name]["message"])


def test_no_file_has_a_name_browsers_refuse() -> None:
    names = [path.name for path in EXTENSION_DIRECTORY.rglob("*")]
    assert [name for name in names if name.startswith("_")] == ["_locales"]
