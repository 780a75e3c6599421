"""`ostiary authenticator scan`, and the operation behind it."""

import struct
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ostiary.authenticator.app import operations
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.operations import Call
from ostiary.authenticator.app.png import grey_of_png
from ostiary.authenticator.app.qr import read_qr
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.cli.authenticator import app as command
from ostiary.hybrid.calling import NobodyCame
from ostiary.hybrid.client import QrOffer
from ostiary.hybrid.device import HybridDevice
from ostiary.hybrid.tunnel.client import Places
from tests.authenticator.app.conftest import PIN, beside, until
from tests.authenticator.app.web.test_codes import picture
from tests.hybrid.bluez import FakeBluez

from .conftest import DOMAIN, RP_ID, Computer, keep_account, register


@pytest.fixture
def data(directory: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real data directory, closed. The tunnel service is found where the test has it."""
    monkeypatch.setattr("ostiary.authenticator.app.nearby.public_place", places)
    service = AuthenticatorService.open(directory)
    service.set_pin(PIN)
    keep_account(service.keys, tunnel_domain=DOMAIN)
    service.close()
    return directory


def run(data: Path, *arguments: str, typed: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(command, ["--data", str(data), *arguments], input=typed)
    return done.exit_code, done.output


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(rows: list[bytes], width: int, *, colour: int, filters: bytes, palette: bytes = b"", depth: int = 8) -> bytes:
    """Each row by the next of `filters`, in turn."""
    step = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    packed, above = bytearray(), bytes(len(rows[0]))
    for index, row in enumerate(rows):
        kind = filters[index % len(filters)]
        packed.append(kind)
        for at, value in enumerate(row):
            left, corner = (row[at - step], above[at - step]) if at >= step else (0, 0)
            up = above[at]
            guess = left + up - corner
            paeth = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
            packed.append((value - (0, left, up, (left + up) // 2, paeth)[kind]) & 0xFF)
        above = row
    head = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"PLTE", palette) if palette else b""]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b"")


def as_png(text: str, colour: int, filters: bytes = b"\0\1\2\3\4") -> bytes:
    grey, width, height = picture(text)
    rows = [grey[y * width : (y + 1) * width] for y in range(height)]
    told: Callable[[int], bytes]
    match colour:
        case 2:
            told = lambda value: bytes([value, value, value])  # noqa: E731
        case 3:
            told = lambda value: bytes([value & 1])  # noqa: E731
        case 4:  # black, and transparent where it is white
            told = lambda value: bytes([0, 255 - value])  # noqa: E731
        case 6:
            told = lambda value: bytes([value, value, value, 255])  # noqa: E731
        case _:
            told = lambda value: bytes([value])  # noqa: E731
    spread = [b"".join(told(value) for value in row) for row in rows]
    return png(spread, width, colour=colour, filters=filters, palette=b"\0\0\0\xff\xff\xff" if colour == 3 else b"")


@pytest.mark.parametrize("colour", [0, 2, 3, 4, 6])
def test_reads_a_code_in_a_saved_picture(colour: int) -> None:
    assert read_qr(*grey_of_png(as_png("FIDO:/123", colour))) == "FIDO:/123"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff\xe0 a JPEG",
        as_png("x", 0)[:200],
        as_png("x", 0).replace(b"IDAT", b"iDAT"),
        png([b"\0"], 1, colour=0, filters=b"\0", depth=16),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)),
    ],
    ids=["nothing", "another kind", "cut off", "no pixels", "sixteen bits", "too large"],
)
def test_refuses_what_is_no_picture(data: bytes) -> None:
    with pytest.raises(AppError) as refused:
        grey_of_png(data)
    assert refused.value.reason is AppReason.IMAGE_INVALID


@pytest.mark.parametrize("way", ["argument", "standard input", "picture"])
def test_scan(data: Path, bluez: FakeBluez, places: Places, tmp_path: Path, way: str) -> None:
    outputs: list[tuple[int, str]] = []
    threads: list[threading.Thread] = []

    def show(text: str) -> None:
        file = tmp_path / "screen.png"
        file.write_bytes(as_png(text, 2))
        arguments = {"argument": ["scan", text], "standard input": ["scan"], "picture": ["scan", "--image", str(file)]}
        typed = f"{text}\n{PIN}\n" if way == "standard input" else f"{PIN}\n"
        thread = threading.Thread(target=lambda: outputs.append(run(data, *arguments[way], typed=typed)))
        thread.start()
        threads.append(thread)

    try:
        device = HybridDevice.by_qr(show, places=places)
    except NobodyCame as error:
        raise AssertionError(outputs) from error
    assert not isinstance(Computer(lambda: register(device)).answer(), Exception)
    device.close()
    threads[0].join(10)
    code, output = outputs[0]
    assert code == 0, output
    assert "Agree only if it is the one in front of you" in output  # stages before it may pass too quickly to be told
    assert f"Save a passkey for ada@contoso.example at Contoso ({RP_ID})?" in output
    assert output.rstrip().endswith("The passkey is saved here.")


def test_scan_says_what_is_wrong(data: Path, tmp_path: Path) -> None:
    code, output = run(data, "scan", "https://contoso.example")
    assert code == 1 and "not the code of a sign-in on another computer" in output
    code, output = run(data, "scan", QrOffer.new(made_at=1).text)
    assert code == 1 and "too old" in output
    code, output = run(data, "scan", "--image", str(tmp_path / "none.png"))
    assert code == 1 and "cannot be read" in output
    (tmp_path / "text.png").write_text("no picture")
    code, output = run(data, "scan", "--image", str(tmp_path / "text.png"))
    assert code == 1 and "not a picture" in output
    code, output = run(data, "scan", "FIDO:/1", "--image", str(tmp_path / "text.png"))
    assert code == 1 and "not both" in output


def test_computers_by_command(data: Path) -> None:
    service = AuthenticatorService.open(data)
    service.unlock(PIN)
    identity = service.nearby.computers.offer(bytes(3), domain=DOMAIN, name="x")
    assert identity is not None and service.nearby.computers.keep(identity, domain=DOMAIN, rp_id=RP_ID)
    service.close()
    computer = identity.link_id.hex()
    assert run(data, "computers", "rename", computer, "The lab") == (0, "The computer is renamed.\n")
    code, output = run(data, "computers")
    assert code == 0 and "The lab" in output and RP_ID in output
    assert run(data, "computers", "remove", computer)[0] == 0
    code, output = run(data, "computers", "remove", computer)
    assert code == 1 and "not remembered" in output


def test_the_operation_tells_each_step_and_is_cancelled(app: AuthenticatorService, bluez: FakeBluez) -> None:
    notices: list[Mapping[str, Any]] = []
    call = Call(threading.Event(), notices.append)
    with beside(
        lambda: operations.run(app, "nearby.scan", {"text": QrOffer.new(made_at=int(time.time())).text}, call)
    ) as answers:
        until(lambda: {"event": "stage", "stage": "advertising"} in notices)
        call.cancelled.set()
    assert isinstance(answers[0], AppError) and answers[0].reason is AppReason.CANCELLED


@pytest.mark.parametrize("params", [{}, {"text": 1}, {"text": "x" * 5_001}])
def test_the_operation_refuses_what_is_no_text(app: AuthenticatorService, params: dict[str, Any]) -> None:
    with pytest.raises(AppError) as refused:
        operations.run(app, "nearby.scan", params, Call(threading.Event(), lambda notice: None))
    assert refused.value.reason is AppReason.REQUEST_INVALID
