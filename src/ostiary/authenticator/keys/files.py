"""Where a key store keeps its few files: a directory of one's own, or memory.

A write is there whole or not at all, and before it returns it is on the disk: a new file is written and synchronised,
takes the old one's name, and then the directory is synchronised, for a name is not durable before that.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from ostiary.authenticator.keys.errors import KeyStoreInUse, KeyStoreReason, KeyStoreUnavailable

_LOCK: Final = "lock"
_UNFINISHED: Final = ".new"


class Files(Protocol):
    def read(self, name: str) -> bytes | None: ...

    def write(self, name: str, content: bytes) -> None:
        """Durable when it returns; after a crash before that, the old content or the new."""
        ...

    def delete(self, name: str) -> None: ...

    def names(self) -> list[str]: ...

    def close(self) -> None: ...


class MemoryFiles:
    """Gone with the process."""

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        return self._content.get(name)

    def write(self, name: str, content: bytes) -> None:
        self._content[name] = content

    def delete(self, name: str) -> None:
        self._content.pop(name, None)

    def names(self) -> list[str]:
        return list(self._content)

    def close(self) -> None:
        pass


class PrivateDirectory:
    """A directory that nobody else may look into, held by one process at a time.

    Raises `KeyStoreInUse` or `KeyStoreUnavailable`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir(mode=0o700, exist_ok=True)
            self._directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with _explained(path):
                self._check_private()
                self._lock = self._open(_LOCK, os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(self._lock)
                raise KeyStoreInUse(str(path)) from error
        except BaseException:
            os.close(self._directory)
            raise
        with _explained(path):
            for name in self.names():
                if name.endswith(_UNFINISHED):
                    os.unlink(name, dir_fd=self._directory)

    def read(self, name: str) -> bytes | None:
        with _explained(self._path):
            try:
                file = self._open(name, os.O_RDONLY)
            except FileNotFoundError:
                return None
            with os.fdopen(file, "rb") as opened:
                if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
                    raise self._not_private(name)
                return opened.read()

    def write(self, name: str, content: bytes) -> None:
        with _explained(self._path):
            unfinished = name + _UNFINISHED
            file = self._open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            with os.fdopen(file, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            os.rename(unfinished, name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
            os.fsync(self._directory)

    def delete(self, name: str) -> None:
        with _explained(self._path):
            try:
                os.unlink(name, dir_fd=self._directory)
            except FileNotFoundError:
                return
            os.fsync(self._directory)

    def names(self) -> list[str]:
        with _explained(self._path), os.scandir(self._directory) as found:
            return [entry.name for entry in found if entry.name != _LOCK]

    def close(self) -> None:
        """Lets another process have it. The lock's file stays: deleting it would let two processes lock two files."""
        os.close(self._lock)
        os.close(self._directory)
        self._directory = -1  # the number may soon be another file's

    def _open(self, name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self._directory)

    def _check_private(self) -> None:
        found = os.fstat(self._directory)
        if found.st_uid != os.geteuid():
            raise self._not_private("it belongs to another user")
        if stat.S_IMODE(found.st_mode) & 0o077:
            # An empty one was made by somebody's mkdir and held nothing yet; in any other, others may have read.
            if self.names():
                raise self._not_private("others may look into it")
            os.fchmod(self._directory, 0o700)

    def _not_private(self, what: str) -> KeyStoreUnavailable:
        return KeyStoreUnavailable(
            KeyStoreReason.NOT_PRIVATE,
            f"The key store {self._path} is not private: {what}.",
            next_step=f"Find out who opened it to others; then make it yours alone: chmod -R go= {self._path}",
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise KeyStoreUnavailable(
            KeyStoreReason.NOT_WRITABLE,
            f"The key store {path} cannot be used: {error.strerror or error}.",
            next_step="Make room on the disk, or make the directory writable for you; then try again.",
        ) from error
