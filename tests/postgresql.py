"""A PostgreSQL of our own for one run of the tests: a cluster in a temporary directory, reached by a socket in it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

_SUPERUSER = "ostiary"
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=60", "shared_buffers=32MB")


@dataclass
class Cluster:
    directory: Path
    made: int = 0

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{_SUPERUSER}@/{name}?host={self.directory}"

    def create(self, *, template: str = "template0", name: str | None = None) -> str:
        """The URL of a new database, a copy of `template`."""
        self.made += 1
        name = name or f"test_{self.made}"
        with self._connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url(name)

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(dbname="postgres", user=_SUPERUSER, host=str(self.directory), autocommit=True)


def binaries() -> Path | None:
    """Where the newest PostgreSQL of this machine is, if there is one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).parent if elsewhere else None


@contextmanager
def private_cluster(programs: Path) -> Iterator[Cluster]:
    directory = Path(tempfile.mkdtemp(prefix="ostiary-"))
    as_whom = _unprivileged()
    if as_whom:
        os.chown(directory, *as_whom)
    user, group = as_whom or (None, None)
    groups: list[int] | None = [] if as_whom else None
    data = str(directory / "data")
    made = subprocess.run(
        [str(programs / "initdb"), "-D", data, "-U", _SUPERUSER, "-A", "trust", "-E", "UTF8", "-N", "--locale=C.UTF-8"],
        capture_output=True,
        text=True,
        user=user,
        group=group,
        extra_groups=groups,
        cwd=directory,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    options = ("listen_addresses=", f"unix_socket_directories={directory}", *_FAST)
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", data, *(part for option in options for part in ("-c", option))],
            stdout=log,
            stderr=log,
            user=user,
            group=group,
            extra_groups=groups,
            cwd=directory,
        )
    try:
        cluster = Cluster(directory)
        _wait_for(cluster, server)
        yield cluster
    finally:
        server.send_signal(signal.SIGINT)  # "fast shutdown"
        server.wait(20)
        shutil.rmtree(directory)


def _unprivileged() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root: then it is another user's. None when we are nobody special."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise AssertionError("no user to run PostgreSQL as")


def _wait_for(cluster: Cluster, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            cluster._connect().close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline or server.poll() is not None:
                raise AssertionError((cluster.directory / "log").read_text()) from None
            time.sleep(0.05)
        else:
            return
