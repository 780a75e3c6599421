"""`ostiary authenticator security-key`: the app as a USB security key, and what keeps it plugged in.

The relay knows no keys. Reports come in by `/dev/uhid`, requests go to the app over the agent's socket; it outlives the
app, and starts it when a program asks for the key.
"""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ostiary.authenticator.app.agent_client import AgentEngine
from ostiary.authenticator.hosts.browser_installation import InstallationError
from ostiary.authenticator.hosts.desktop import draw_attention
from ostiary.authenticator.hosts.hid_device import HidDevice
from ostiary.authenticator.hosts.uhid import DEVICE, open_uhid
from ostiary.authenticator.hosts.vpcd import insert_card

USB: Final = "USB security key"
NFC: Final = "NFC card"

UNIT: Final = "ostiary-security-key.service"
RULE: Final = Path("/etc/udev/rules.d/70-ostiary-security-key.rules")
"""Before systemd's 73-seat-late.rules, which gives what is tagged to whoever sits here."""

_UNIT: Final = """\
[Unit]
Description=Ostiary Authenticator as a USB security key
StartLimitIntervalSec=0

[Service]
ExecStart={command}
Restart=on-failure
RestartSec=30
# the app that it starts stays
KillMode=process

[Install]
WantedBy=default.target
"""
_PLAIN: Final = re.compile(r"[\w@+=:,./-]+")
_WITHIN: Final = 20


def relay(directory: Path, *, source: str, start_app: Callable[[], None] | None) -> AgentEngine:
    """The app's engine, wherever it runs. Questions that it cannot show are shown from here."""
    return AgentEngine(directory / "agent.sock", source=source, start_app=start_app, on_prompt=draw_attention)


def serve_security_key(
    engine: AgentEngine, *, device: Path = DEVICE, on_start: Callable[[], object] = lambda: None
) -> None:
    """Until the kernel takes it away. Raises `UhidUnavailable`."""
    with contextlib.closing(open_uhid(device)) as port, contextlib.closing(engine):
        on_start()
        HidDevice(port, engine.ctap2, source=USB).serve()


def serve_nfc_card(engine: AgentEngine, *, on_start: Callable[[], object] = lambda: None) -> None:
    """Until the reader goes. Raises `ReaderUnavailable`."""
    with contextlib.closing(insert_card(engine.ctap2)) as card, contextlib.closing(engine):
        on_start()
        card.serve()


# --- kept plugged in


class Installed(NamedTuple):
    unit: Path
    is_running: bool
    """Whether systemd took it."""
    command_left: str
    """What an administrator still has to do, as one command; empty when nothing."""


def command_line(directory: Path) -> list[str]:
    """What starts the relay, from anywhere."""
    program = Path(sys.executable).with_name("ostiary")
    start = [str(program)] if os.access(program, os.X_OK) else [sys.executable, "-P", "-m", "ostiary"]
    return [*start, "authenticator", "--data", str(directory), "security-key"]


def unit(directory: Path) -> str:
    return _UNIT.format(command=" ".join(map(_quoted, command_line(directory))))


def command_for_rule(directory: Path) -> str:
    """Nothing of ours runs as root: the rule goes there through a pipe."""
    reloaded = f"udevadm control --reload && modprobe uhid && udevadm trigger --settle --name-match={DEVICE.name}"
    as_root = f"cat > {RULE} && {reloaded}"
    return f"{shlex.join([*command_line(directory), '--udev-rule'])} | sudo sh -c '{as_root}'"


def install(directory: Path, *, environment: Mapping[str, str] | None = None, device: Path = DEVICE) -> Installed:
    """Writes the unit, and starts it with every session from now on. Raises `InstallationError`."""
    path = unit_path(os.environ if environment is None else environment)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit(directory), encoding="utf-8")
    except OSError as error:
        raise InstallationError(f"{path} cannot be written: {error.strerror}.") from error
    is_running = _systemctl("daemon-reload") and _systemctl("enable", "--now", UNIT)
    is_allowed = os.access(device, os.R_OK | os.W_OK)
    return Installed(path, is_running, "" if is_allowed else command_for_rule(directory))


def remove(*, environment: Mapping[str, str] | None = None) -> list[Path]:
    """What it took away. Raises `InstallationError`."""
    path = unit_path(os.environ if environment is None else environment)
    _systemctl("disable", "--now", UNIT)
    try:
        path.unlink()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InstallationError(f"{path} cannot be removed: {error.strerror}.") from error
    _systemctl("daemon-reload")
    return [path]


def unit_path(environment: Mapping[str, str]) -> Path:
    home = Path(environment.get("HOME") or Path.home())
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "systemd" / "user" / UNIT


def _systemctl(*words: str) -> bool:
    path = shutil.which("systemctl")
    if path is None:
        return False
    command: Sequence[str] = [path, "--user", *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_WITHIN)  # noqa: S603 - systemd's own
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _quoted(part: str) -> str:
    """systemd.service(5), "Command lines": quotes like a shell's, but `%` and `$` mean something inside them."""
    escaped = part.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return part if _PLAIN.fullmatch(part) else f'"{escaped}"'
