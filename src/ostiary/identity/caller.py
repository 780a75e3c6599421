"""Where a request comes from, as far as we keep it."""

from typing import NamedTuple


class Caller(NamedTuple):
    """`client` is coarse, browser and system (`Chrome/Windows`), never the raw user agent. `browser` is the hash of
    the cookie that recognises a browser; None for a browser never seen."""

    address: str
    client: str
    browser: bytes | None = None


COMMAND_LINE = Caller(address="", client="ostiary admin")
