"""`ostiary authenticator install-browser`: lets Chromium and its kin find our native messaging host.

A browser starts a host only when a manifest in a directory of its own names the program and the extensions that may
(developer.chrome.com, "Native messaging"). We write there only for browsers that are here: a door is not put into the
wall of a house nobody lives in.
"""

import json
import os
import re
import shlex
import shutil
import sys
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import ostiary

HOST_NAME: Final = "org.ostiary.authenticator"
EXTENSION_DIRECTORY: Final = Path(ostiary.__file__).with_name("browser_extension")
LAUNCHER: Final = "native-messaging-host"
SYSTEM_LAUNCHER_DIRECTORY: Final = Path("/usr/local/lib/ostiary")
_EXTENSION_ID: Final = re.compile(r"[a-p]{32}")


class InstallationError(Exception):
    """Said to whoever typed the command: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class BrowserPlace:
    """Where one browser looks, below the configuration directory and for the whole system. `programs`: how it is called
    when it is installed."""

    name: str
    configuration: str
    system: str
    programs: tuple[str, ...]


BROWSERS: Final = (
    BrowserPlace("Chromium", "chromium", "chromium", ("chromium", "chromium-browser")),
    BrowserPlace("Google Chrome", "google-chrome", "opt/chrome", ("google-chrome", "google-chrome-stable")),
    BrowserPlace("Microsoft Edge", "microsoft-edge", "opt/edge", ("microsoft-edge", "microsoft-edge-stable")),
    # built as Chromium is, without Chrome's name: it looks where Chromium does
    BrowserPlace("Brave", "BraveSoftware/Brave-Browser", "chromium", ("brave-browser", "brave")),
)


def built_in_extension_id() -> str:
    """Of the extension as it lies in this package."""
    manifest = json.loads((EXTENSION_DIRECTORY / "manifest.json").read_text("utf-8"))
    return extension_id(b64decode(manifest["key"]))


def extension_id(public_key: bytes) -> str:
    """The first half of the key's hash, in the letters a to p (developer.chrome.com, manifest `key`)."""
    return sha256(public_key).hexdigest()[:32].translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))


def install_browser(
    directory: Path,
    *,
    extension_ids: Sequence[str] = (),
    is_system: bool = False,
    remove: bool = False,
    environment: Mapping[str, str] | None = None,
    root: Path = Path("/"),
) -> list[Path]:
    """Writes, or removes, the manifests and the program they name; the paths of what it wrote or removed.

    `directory` is the Authenticator's data directory. `extension_ids` are organisations' builds of the extension,
    beside the one in this package. For the system, everybody's own data directory is used. Raises `InstallationError`.
    """
    if not sys.platform.startswith("linux"):
        raise InstallationError("Browsers are set up on Linux only for now.")
    for one in extension_ids:
        if not _EXTENSION_ID.fullmatch(one):
            raise InstallationError(f"{one} is not the ID of an extension: 32 letters from a to p.")
    surroundings = os.environ if environment is None else environment
    launcher = (root / SYSTEM_LAUNCHER_DIRECTORY.relative_to("/") if is_system else directory) / LAUNCHER
    places = system_places(root) if is_system else personal_places(surroundings)
    manifests = [place / f"{HOST_NAME}.json" for place in dict.fromkeys(places)]
    if remove:
        return _remove([*manifests, launcher])
    allowed = list(dict.fromkeys([built_in_extension_id(), *extension_ids]))
    try:
        _write(launcher, _launcher(None if is_system else directory, allowed), 0o755 if is_system else 0o700)
        for path in manifests:
            _write(path, _manifest(launcher, allowed), 0o644)
    except PermissionError as error:
        raise InstallationError(f"{error.filename} may not be written: run this as root.") from error
    return [launcher, *manifests]


def linked_browsers(environment: Mapping[str, str] | None = None, root: Path = Path("/")) -> list[str]:
    """The browsers here that find our host, by name."""
    surroundings = os.environ if environment is None else environment
    return [
        browser.name
        for browser in BROWSERS
        if any(
            (place / f"{HOST_NAME}.json").exists()
            for place in (_personal(browser, surroundings), _system(browser, root))
        )
    ]


def personal_places(environment: Mapping[str, str]) -> list[Path]:
    found = [one for one in BROWSERS if _is_here(one, environment)]
    return [_personal(one, environment) for one in found or BROWSERS[:1]]


def system_places(root: Path) -> list[Path]:
    return [_system(one, root) for one in BROWSERS]


def _is_here(browser: BrowserPlace, environment: Mapping[str, str]) -> bool:
    path = environment.get("PATH")
    return _personal(browser, environment).parent.is_dir() or any(
        shutil.which(one, path=path) for one in browser.programs
    )


def _personal(browser: BrowserPlace, environment: Mapping[str, str]) -> Path:
    home = Path(environment.get("HOME") or Path.home())
    configuration = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return configuration / browser.configuration / "NativeMessagingHosts"


def _system(browser: BrowserPlace, root: Path) -> Path:
    return root / "etc" / browser.system / "native-messaging-hosts"


def _manifest(launcher: Path, extension_ids: Iterable[str]) -> str:
    manifest = {
        "name": HOST_NAME,
        "description": "Ostiary Authenticator",
        "path": str(launcher.absolute()),
        "type": "stdio",
        "allowed_origins": [f"chrome-extension://{one}/" for one in extension_ids],
    }
    return json.dumps(manifest, indent=2) + "\n"


def _launcher(directory: Path | None, extension_ids: Iterable[str]) -> str:
    """A manifest names a program without arguments; this one knows them. `-P`: not what lies in the directory the
    browser happens to be in."""
    command = [sys.executable, "-P", "-m", "ostiary.authenticator.hosts.chromium"]
    if directory is not None:
        command += ["--data", str(directory.absolute())]
    for one in extension_ids:
        command += ["--extension", one]
    return f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n'


def _write(path: Path, text: str, mode: int) -> None:
    """Whole or not at all, and not through a link somebody put there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
    aside.rename(path)


def _remove(paths: Iterable[Path]) -> list[Path]:
    removed = []
    for path in paths:
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except PermissionError as error:
            raise InstallationError(f"{path} may not be removed: run this as root.") from error
        removed.append(path)
    return removed
