"""One app for one data directory: the lock that says so, and where the directory is."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import N_, phrase

NAME: Final = "ostiary-authenticator"
LOCK: Final = "app.lock"
_ANOTHER: Final = N_("Choose another with --data.")


def default_directory() -> Path:
    """XDG Base Directory Specification: relative paths there count as none."""
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".local" / "share") / NAME


class Instance:
    """Holds the data directory until closed, or until the process ends, however it does."""

    def __init__(self, directory: Path) -> None:
        """Raises `AppError` ALREADY_RUNNING, or UNAVAILABLE for a directory that cannot be its own."""
        self.directory = directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if directory.stat().st_uid != os.getuid():
                raise AppError(
                    AppReason.UNAVAILABLE,
                    phrase(N_("%(place)s belongs to somebody else."), place=str(directory)),
                    _ANOTHER,
                )
            if directory.stat().st_mode & 0o077:
                directory.chmod(0o700)
            self._descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise AppError(
                AppReason.UNAVAILABLE,
                phrase(N_("%(place)s cannot be used: %(why)s."), place=str(directory), why=error.strerror or ""),
                _ANOTHER,
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise AppError(AppReason.ALREADY_RUNNING) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())  # for whoever looks who it is

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
