"""A screen nobody looks at: browsers draw their own dialogs on it, and a camera of ours reads codes from it."""

import mmap
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import zxingcpp

WIDTH, HEIGHT = 1280, 900


class Picture(NamedTuple):
    """Grey, one byte a pixel."""

    width: int
    height: int
    pixels: bytes


class Screen:
    """One X server without a display. It draws into a file (X Window Dump), which is read as it is."""

    def __init__(self, display: str, directory: Path) -> None:
        self.display = display
        self._file = directory / "Xvfb_screen0"

    def look(self) -> Picture:
        with self._file.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as dump:
            header = struct.unpack(">25I", dump[:100])
            size, width, height, line, colours = header[0], header[4], header[5], header[12], header[19]
            start = size + 12 * colours
            green = bytearray(width * height)  # grey enough: the second byte of each four
            for row in range(height):
                at = start + row * line
                green[row * width : (row + 1) * width] = dump[at + 1 : at + width * 4 : 4]
        return Picture(width, height, bytes(green))

    def read_code(self, prefix: str, *, within: float = 15.0) -> str:
        """The text of the QR code on the screen."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            picture = self.look()
            view = memoryview(picture.pixels).cast("B", shape=[picture.height, picture.width])
            for found in zxingcpp.read_barcodes(view):
                if found.text.startswith(prefix):
                    return str(found.text)
            time.sleep(0.1)
        raise AssertionError("there is no such code on the screen")


@contextmanager
def virtual_screen(directory: Path) -> Iterator[Screen]:
    program = shutil.which("Xvfb")
    assert program is not None, "Xvfb is missing: script/setup test installs it"
    reading, writing = os.pipe()
    command = [program, "-displayfd", str(writing), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"]
    with subprocess.Popen(
        [*command, "-fbdir", str(directory)], pass_fds=[writing], stderr=subprocess.DEVNULL
    ) as server:
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        try:
            yield Screen(f":{number}", directory)
        finally:
            server.terminate()
            server.wait(10)
