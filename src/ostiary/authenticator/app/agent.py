"""The agent: the app's operations on a Unix socket that only its user may open.

Frames of JSON (`hosts.native_messages`, little endian): `{"id", "op", "params"}` in, `{"id", "result"}` or
`{"id", "error"}` out, `{"id", "event", ...}` before it; `{"cancel": id}` cancels. A connection is one relay, and
closing it cancels what it asked. What is no frame ends the connection: nothing behind it could be understood.
"""

import asyncio
import io
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ostiary.authenticator.app import operations
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.operations import Call
from ostiary.authenticator.app.phrases import N_, phrase
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.client import ClientError
from ostiary.authenticator.hosts.native_messages import AGENT, LONGEST, FrameError, frame, read_frame

SOCKET: Final = "agent.sock"
MOST_CONNECTIONS: Final = 64
MOST_REQUESTS: Final = 16
"""Under way on one connection."""
MOST_WORK: Final = 48
"""Under way altogether. Each has a thread, for each may wait for a person."""
LONGEST_OPERATION: Final = 60
_BACKLOG: Final = 16
_LOG: Final = logging.getLogger(__name__)


class Agent:
    """Listens once `start`ed. Whoever starts it holds the data directory's lock (`instance`)."""

    def __init__(self, service: AuthenticatorService, directory: Path) -> None:
        self._service = service
        self._path = directory / SOCKET
        self._server: asyncio.Server | None = None
        self._workers = ThreadPoolExecutor(MOST_WORK, thread_name_prefix="agent")
        self._connections: set[_Connection] = set()

    @property
    def path(self) -> Path:
        return self._path

    async def start(self) -> None:
        listener = _listener(self._path)
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=LONGEST + AGENT.size)

    async def close(self) -> None:
        """Cancels what is under way."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        with suppress(FileNotFoundError):
            self._path.unlink()
        self._workers.shutdown(wait=False, cancel_futures=True)

    @property
    def work(self) -> int:
        return sum(one.work for one in self._connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not _is_same_user(writer) or len(self._connections) >= MOST_CONNECTIONS:
            writer.close()
            return
        connection = _Connection(self._service, self._workers, writer, has_room=lambda: self.work < MOST_WORK)
        self._connections.add(connection)
        try:
            with suppress(asyncio.CancelledError):  # the app ends; asyncio's streams would report it as a fault
                await connection.serve(reader)
        finally:
            self._connections.discard(connection)
            connection.close()


class _Connection:
    def __init__(
        self,
        service: AuthenticatorService,
        workers: ThreadPoolExecutor,
        writer: asyncio.StreamWriter,
        *,
        has_room: Callable[[], bool],
    ) -> None:
        self._service = service
        self._workers = workers
        self._writer = writer
        self._has_room = has_room
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[int, threading.Event] = {}

    @property
    def work(self) -> int:
        return len(self._under_way)

    async def serve(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                message = await _read(reader)
            except FrameError as error:
                self._write({"id": None, "error": _invalid(str(error))})
                return
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            self._take(message)
            with suppress(ConnectionError):
                await self._writer.drain()

    def close(self) -> None:
        for cancelled in self._under_way.values():
            cancelled.set()
        self._writer.close()

    def _take(self, message: Mapping[str, Any]) -> None:
        if "cancel" in message:
            cancelled = self._under_way.get(message["cancel"]) if isinstance(message["cancel"], int) else None
            if cancelled is not None:
                cancelled.set()
            return
        number, op, params = message.get("id"), message.get("op"), message.get("params", {})
        if type(number) is not int or number in self._under_way:
            self._write({"id": None, "error": _invalid("a request needs a number of its own")})
            return
        if not isinstance(op, str) or len(op) > LONGEST_OPERATION or not isinstance(params, dict):
            self._write({"id": number, "error": _invalid("a request has an op and params")})
            return
        if self.work >= MOST_REQUESTS or not self._has_room():
            self._write({"id": number, "error": operations.error_as_json(AppError(AppReason.BUSY))})
            return
        cancelled = self._under_way[number] = threading.Event()
        self._workers.submit(self._work, number, op, params, cancelled)

    def _work(self, number: int, op: str, params: Mapping[str, Any], cancelled: threading.Event) -> None:
        """In a thread."""

        def notify(notice: Mapping[str, Any]) -> None:
            self._tell({"id": number, **notice})

        try:
            result = operations.run(self._service, op, params, Call(cancelled, notify))
            answer: dict[str, Any] = {"id": number, "result": result}
        except (AppError, ClientError) as error:
            answer = {"id": number, "error": operations.error_as_json(error)}
        except Exception:
            _LOG.exception("the operation %s failed", op)
            answer = {"id": number, "error": operations.error_as_json(AppError(AppReason.FAILED))}
        self._tell(answer)

    def _tell(self, message: Mapping[str, Any]) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody there to be told
            self._loop.call_soon_threadsafe(self._say, message)

    def _say(self, message: Mapping[str, Any]) -> None:
        if "event" not in message:
            self._under_way.pop(message["id"], None)
        self._write(message)

    def _write(self, message: Mapping[str, Any]) -> None:
        if self._writer.is_closing():
            return
        try:
            self._writer.write(frame(dict(message), AGENT))
        except FrameError:
            self._writer.write(frame({"id": message["id"], "error": _invalid("the answer is too long")}, AGENT))


async def _read(reader: asyncio.StreamReader) -> dict[str, Any]:
    head = await reader.readexactly(AGENT.size)
    (size,) = AGENT.unpack(head)
    body = await reader.readexactly(size) if 0 < size <= LONGEST else b""
    message = read_frame(io.BytesIO(head + body).read, AGENT)
    assert message is not None  # there is a head
    return message


def _listener(path: Path) -> socket.socket:
    """A socket that is nobody else's from its first moment on; one that a crash left behind makes room."""
    with suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _is_same_user(writer: asyncio.StreamWriter) -> bool:
    """Also where the directory's mode was loosened."""
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(credentials)
    return bool(uid == os.getuid())


_CREDENTIALS: Final = struct.Struct("3i")
"""`struct ucred` (unix(7)): pid, uid, gid."""


def _invalid(why: str) -> dict[str, Any]:
    return operations.error_as_json(
        AppError(AppReason.REQUEST_INVALID, phrase(N_("This request is not well-formed: %(why)s."), why=why))
    )
