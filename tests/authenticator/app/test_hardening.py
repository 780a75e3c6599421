"""What the system is asked to keep from others: the memory of the process that holds the keys."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asked of Linux alone")

NOBODY = 65534
TARGET = """
import ctypes, os, sys
from ostiary.authenticator.app.hardening import harden
if os.getuid() == 0:
    os.setgroups([]); os.setgid(%(nobody)d); os.setuid(%(nobody)d)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # what has changed its user is not dumpable by that alone
if %(is_hardened)r:
    harden()
print("ready", flush=True)
sys.stdin.read()
"""
OTHER = """
import os, sys
if os.getuid() == 0:
    os.setgroups([]); os.setgid(%(nobody)d); os.setuid(%(nobody)d)
try:
    with open("/proc/%(pid)d/mem", "rb"):
        print("open")
except PermissionError:
    print("refused")
"""


def memory_as_another_program_finds_it(*, is_hardened: bool) -> tuple[str, str]:
    """Both run as one user who is not root. Also the limits of the first."""
    script = TARGET % {"nobody": NOBODY, "is_hardened": is_hardened}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as target:
        assert target.stdout is not None
        assert target.stdout.readline() == "ready\n"
        other = [sys.executable, "-c", OTHER % {"nobody": NOBODY, "pid": target.pid}]
        found = subprocess.run(other, capture_output=True, text=True, check=True).stdout.strip()
        limits = Path(f"/proc/{target.pid}/limits").read_text()
        target.communicate()
    return found, next(line for line in limits.splitlines() if line.startswith("Max core"))


def test_another_program_of_the_user_cannot_read_its_memory() -> None:
    found, core = memory_as_another_program_finds_it(is_hardened=True)
    assert found == "refused"
    assert core.split()[4:6] == ["0", "0"]


def test_and_could_without() -> None:
    """The measure is one, where the system does not do it by itself (Yama's `ptrace_scope` does from 1 on)."""
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    if scope.exists() and scope.read_text().strip() != "0":
        pytest.skip("the system keeps every process from it")
    found, _ = memory_as_another_program_finds_it(is_hardened=False)
    assert found == "open"


def test_the_app_is_hardened_before_it_opens_its_keys(directory: Path) -> None:
    command = [sys.executable, "-m", "ostiary", "authenticator", "--data", str(directory), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        try:
            assert app.stdout.readline()
            core = next(
                line for line in Path(f"/proc/{app.pid}/limits").read_text().splitlines() if line.startswith("Max core")
            )
            assert core.split()[4:6] == ["0", "0"]
        finally:
            app.terminate()
