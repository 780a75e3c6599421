"""How Ostiary looks, wherever it runs: fonts, icons, colours, and the parts that pages are made of.

Only files. The server and the Authenticator, which know nothing of each other, both draw with them; each serves them
under `/static/` beside what is its own.
"""

import hashlib
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"


class Shelves:
    """Static files from several directories, under one address. `debug` looks at the files again on every page."""

    def __init__(self, *directories: Path, debug: bool = False) -> None:
        self._directories = (*directories, STATIC)
        self._debug = debug
        self._versions: dict[str, str] = {}

    def find(self, path: str) -> Path | None:
        files = (directory / path for directory in self._directories)
        return next((file for file in files if file.is_file()), None)

    def address(self, path: str) -> str:
        """`/static/css/base.css?v=...`: the version is the content's, so that browsers may keep the file for good."""
        version = self._versions.get(path)
        if version is None or self._debug:
            file = self.find(path)
            version = hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file else ""
            self._versions[path] = version
        return f"/static/{path}?v={version}" if version else f"/static/{path}"
