"""What `run` runs on the emulated machine, as root: the virtual USB security key before programs that know no better.

First the library's engine with a person who always agrees, then the product's own two processes, with somebody who
types the PIN into the app's questions.
"""

import base64
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from fido2.hid import CtapHidDevice

from ostiary.authenticator.app.agent_client import AgentClient, AgentError
from ostiary.authenticator.hosts.hid_device import HidDevice
from ostiary.authenticator.hosts.testing import SoftwareAuthenticator
from ostiary.authenticator.hosts.uhid import UDEV_RULE, open_uhid
from tests.authenticator.hosts.library import register_and_sign_in

T = TypeVar("T")
PIN: Final = "482915"
PATIENCE: Final = 300
"""Seconds. The machine is emulated."""
WORK: Final = Path("/tmp")
DATA: Final = WORK / "data"


# --- the library's engine, and a person who always agrees


@contextmanager
def plugged_in() -> Iterator[Path]:
    """Where programs find it."""
    port = open_uhid()
    device = HidDevice(port, SoftwareAuthenticator().engine.ctap2)
    thread = threading.Thread(target=device.serve)
    thread.start()
    try:
        yield until(hidraw)
    finally:
        device.stop()
        thread.join()
        port.close()


def check_fido2() -> None:
    with plugged_in() as path:
        (device,) = CtapHidDevice.list_devices()
        assert device.descriptor.path == str(path), device.descriptor
        assert device.product_name == "Ostiary Authenticator", device.product_name
        assert device.ping(bytes(1000)) == bytes(1000)
        register_and_sign_in(device)
        device.close()


def check_libfido2() -> None:
    challenge = base64.b64encode(os.urandom(32)).decode()
    with plugged_in() as path:
        assert str(path) in program("fido2-token", "-L")
        info = program("fido2-token", "-I", str(path))
        assert "FIDO_2_1" in info, info
        asked = f"{challenge}\ncontoso.example\nada@contoso.example\n{base64.b64encode(b'ada').decode()}\n"
        made = program("fido2-cred", "-M", str(path), stdin=asked)
        verified = program("fido2-cred", "-V", stdin=made).splitlines()
        credential, public_key = verified[0], "\n".join(verified[1:])
        (WORK / "key.pem").write_text(public_key)
        wanted = f"{challenge}\ncontoso.example\n{credential}\n"
        asserted = program("fido2-assert", "-G", str(path), stdin=wanted)
        program("fido2-assert", "-V", str(WORK / "key.pem"), "es256", stdin=asserted)


def check_udev() -> None:
    """The rule that the command prints is understood, and systemd's own let the person have what comes of it."""
    rules = Path("/run/udev/rules.d")
    rules.mkdir(parents=True)
    (rules / "70-ostiary.rules").write_text(UDEV_RULE)
    program("/lib/systemd/systemd-udevd", "--daemon")
    with plugged_in() as path:
        program("udevadm", "trigger", "--settle", "--subsystem-match=misc", "--subsystem-match=hidraw")
        tagged = program("udevadm", "info", "/dev/uhid")
        assert ":uaccess:" in tagged, tagged
        found = program("udevadm", "info", str(path))
        assert "ID_FIDO_TOKEN=1" in found and ":uaccess:" in found, found


# --- the product's own processes


class Person(threading.Thread):
    """Types the PIN into whatever the app asks."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.asked: list[str] = []
        self.is_gone = threading.Event()

    def run(self) -> None:
        with AgentClient(DATA / "agent.sock") as agent:
            while not self.is_gone.wait(0.2):
                prompt = agent.call("prompt")
                if prompt is None:
                    continue
                self.asked.append(f"{prompt['purpose']} {prompt['rp_id']}")
                try:
                    agent.call("prompt.approve", {"id": prompt["id"], "pin": PIN})
                except AgentError as error:
                    print(f"  the prompt: {error}")


class Product:
    """`ostiary authenticator` and `ostiary authenticator security-key`, running."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self.person = Person()

    def start(self) -> Person:
        if not self._processes:
            self._processes.append(subprocess.Popen(ostiary("--no-browser")))
            self._processes.append(subprocess.Popen(ostiary("security-key")))
            until((DATA / "agent.sock").exists)
            with AgentClient(DATA / "agent.sock") as agent:
                agent.call("pin.set", {"pin": PIN})
            self.person.start()
            until(hidraw)
            print(f"  the app and the key are there after {time.monotonic():.0f} s", flush=True)
        self.person.asked.clear()
        return self.person

    def stop(self) -> None:
        self.person.is_gone.set()
        for process in self._processes:
            process.terminate()
            process.wait(PATIENCE)


PRODUCT: Final = Product()


def check_ssh() -> None:
    """A key that only the security key can use: made, and signed with."""
    person = PRODUCT.start()
    key = WORK / "id_ed25519_sk"
    program("ssh-keygen", "-t", "ed25519-sk", "-N", "", "-C", "ada", "-f", str(key))
    public = key.with_suffix(".pub").read_text()
    assert public.startswith("sk-ssh-ed25519@openssh.com "), public
    sign_by_ssh(key)
    print(f"  asked: {person.asked}")
    assert person.asked == ["register ssh:", "sign_in ssh:"], person.asked


def check_ssh_verified() -> None:
    """A discoverable one that wants the PIN each time, which OpenSSH asks for itself. Finding it again by
    `ssh-keygen -K` needs libfido2 1.15: older ones send the command of a draft, 0x41, which the engine refuses."""
    person = PRODUCT.start()
    askpass = WORK / "askpass"
    askpass.write_text(f"#!/bin/sh\necho {PIN}\n")
    askpass.chmod(0o700)
    with_pin = {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"}
    key = WORK / "id_verified"
    made = ("-t", "ecdsa-sk", "-O", "resident", "-O", "verify-required", "-N", "", "-C", "ada", "-f", str(key))
    program("ssh-keygen", *made, environment=with_pin)
    sign_by_ssh(key, environment=with_pin)
    print(f"  asked: {person.asked}")
    assert "register ssh:" in person.asked, person.asked


def sign_by_ssh(key: Path, environment: dict[str, str] | None = None) -> None:
    signature, allowed = WORK / "signature", WORK / "allowed"
    signed = program("ssh-keygen", "-Y", "sign", "-f", str(key), "-n", "file", stdin="a text", environment=environment)
    signature.write_text(signed)
    allowed.write_text(f"ada {key.with_suffix('.pub').read_text()}")
    verify = ("-Y", "verify", "-f", str(allowed), "-I", "ada", "-n", "file", "-s", str(signature))
    assert "Good" in program("ssh-keygen", *verify, stdin="a text")


# --- a browser


def check_chromium() -> None:
    """Unmodified and without an extension. It registers and signs in at a page of ours."""
    from tests.authenticator.qemu.page import Page

    person = PRODUCT.start()
    with Page() as page:
        print(f"  the page is there after {time.monotonic():.0f} s", flush=True)
        made = page.register()
        print(f"  registered after {time.monotonic():.0f} s: {made}", flush=True)
        assert made["attachment"] == "cross-platform", made
        assert "usb" in made["transports"], made
        for allowed in ((made,), ()):
            got = page.sign_in(*allowed)
            print(f"  signed in after {time.monotonic():.0f} s: {got}", flush=True)
            assert got == {"id": made["id"], "flags": 0x05}, got
        print(f"  asked: {person.asked}")


CHECKS: Final[dict[str, Callable[[], None]]] = {
    "fido2": check_fido2,
    "libfido2": check_libfido2,
    "udev": check_udev,
    "ssh": check_ssh,
    "ssh-verified": check_ssh_verified,
    "chromium": check_chromium,
}


def main() -> int:
    wanted = sys.argv[1:] or list(CHECKS)
    failed = []
    for name in wanted:
        print(f"{name}: begins after {time.monotonic():.0f} s", flush=True)
        began = time.monotonic()
        try:
            CHECKS[name]()
        except Exception as error:
            failed.append(name)
            print(f"{name}: FAILED after {time.monotonic() - began:.1f} s: {type(error).__name__}: {error}", flush=True)
        else:
            print(f"{name}: passed in {time.monotonic() - began:.1f} s", flush=True)
    PRODUCT.stop()
    print(f"FAILED: {', '.join(failed)}" if failed else "everything passed", flush=True)
    return 1 if failed else 0


# --- beneath


def ostiary(*words: str) -> list[str]:
    return [sys.executable, "-m", "ostiary", "authenticator", "--data", str(DATA), *words]


def hidraw() -> Path | None:
    return next(iter(Path("/dev").glob("hidraw*")), None)


def program(
    *command: str, stdin: str = "", environment: dict[str, str] | None = None, directory: Path | None = None
) -> str:
    began = time.monotonic()
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=directory,
        env={**os.environ, **(environment or {})},
    )
    print(f"  {time.monotonic() - began:.1f} s: {shlex.join(command)}", flush=True)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def until(question: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError("it did not come")


if __name__ == "__main__":
    sys.exit(main())
