"""The other end of the agent's socket, for relays and the command line: blocking calls, from any thread."""

import queue
import socket
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, Self

from ostiary.authenticator.hosts.native_messages import AGENT, FrameError, frame, read_frame
from ostiary.authenticator.ports import Exchange

_CANCEL_CHECK: Final = 0.05
_OTHER_ERROR: Final = b"\x7f"
"""CTAP1_ERR_OTHER."""
_KEEPALIVE_CANCEL: Final = b"\x2d"
_GONE: Final = {"name": "AppError", "message": "The Authenticator went away.", "reason": "not_running", "next": ""}

Notice = Mapping[str, Any]


class AgentError(Exception):
    """What the app answered instead of a result."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        self.name = str(error.get("name", ""))
        self.message = str(error.get("message", ""))
        self.reason = str(error.get("reason", ""))
        self.next = str(error.get("next", ""))
        self.details: Mapping[str, Any] = error.get("details") or {}
        super().__init__(f"{self.reason}: {self.message}")


class NotRunning(Exception):
    """Nobody listens on the socket."""


class Operations(Protocol):
    """The app's operations, wherever it runs."""

    def call(
        self,
        op: str,
        params: Mapping[str, Any] | None = None,
        *,
        on_notice: Callable[[Notice], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> Any:
        """The result. `on_notice` is called in this thread, and may call other operations. Raises `AgentError`."""
        ...


class AgentClient:
    """One connection. Raises `NotRunning` when there is no app at the other end."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise NotRunning from error
        self._guard = threading.Lock()
        self._last = 0
        self._waiting: dict[int, queue.SimpleQueue[Mapping[str, Any]]] = {}
        self._is_over = False
        threading.Thread(target=self._listen, name="agent client", daemon=True).start()

    @property
    def is_over(self) -> bool:
        return self._is_over

    def close(self) -> None:
        """What was asked is cancelled by it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(
        self,
        op: str,
        params: Mapping[str, Any] | None = None,
        *,
        on_notice: Callable[[Notice], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> Any:
        answers: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        with self._guard:
            self._last += 1
            number = self._last
            if self._is_over:
                raise AgentError(_GONE)
            self._waiting[number] = answers
        try:
            self._send({"id": number, "op": op, "params": dict(params or {})})
            return self._await(number, answers, on_notice, cancelled)
        except OSError as error:
            raise AgentError(_GONE) from error
        finally:
            with self._guard:
                self._waiting.pop(number, None)

    def _await(
        self,
        number: int,
        answers: "queue.SimpleQueue[Mapping[str, Any]]",
        on_notice: Callable[[Notice], None] | None,
        cancelled: threading.Event | None,
    ) -> Any:
        is_cancelled = False
        while True:
            try:
                message = answers.get(timeout=None if cancelled is None or is_cancelled else _CANCEL_CHECK)
            except queue.Empty:
                if cancelled is not None and cancelled.is_set():
                    is_cancelled = True
                    self._send({"cancel": number})
                continue
            if "error" in message:
                raise AgentError(message["error"])
            if "event" not in message:
                return message.get("result")
            if on_notice is not None:
                on_notice(message)

    def _send(self, message: dict[str, Any]) -> None:
        encoded = frame(message, AGENT)
        with self._guard:
            self._socket.sendall(encoded)

    def _listen(self) -> None:
        try:
            with self._socket.makefile("rb") as stream:
                while (message := read_frame(stream.read, AGENT)) is not None:
                    self._pass_on(message)
        except (FrameError, OSError, ValueError):
            pass  # as if it had gone
        with self._guard:
            self._is_over = True
            left = tuple(self._waiting.values())
        for answers in left:
            answers.put({"error": _GONE})

    def _pass_on(self, message: Mapping[str, Any]) -> None:
        with self._guard:
            answers = self._waiting.get(message.get("id") or 0)
        if answers is not None:
            answers.put(message)


class AgentEngine:
    """The app's engine, for hosts in another process: the same `ctap2` as the engine's own. Connects when it is needed,
    and anew after the app was started again.

    `start_app` is called when nobody listens, and returns once somebody does or raises `NotRunning`. `on_prompt` is
    told the address of a question that the app opened no window for, and whether a page of the app shows it anyway.
    """

    def __init__(
        self,
        path: Path,
        *,
        source: str,
        start_app: Callable[[], None] | None = None,
        on_prompt: Callable[[str, bool], None] | None = None,
    ) -> None:
        self._path = path
        self._source = source
        self._start_app = start_app
        self._on_prompt = on_prompt
        self._guard = threading.Lock()
        self._client: AgentClient | None = None

    def close(self) -> None:
        with self._guard:
            if self._client is not None:
                self._client.close()
            self._client = None

    def ctap2(self, request: bytes, exchange: Exchange | None = None) -> bytes:
        exchange = exchange or Exchange()

        def on_notice(notice: Notice) -> None:
            if notice.get("event") == "waiting" and exchange.on_waiting is not None:
                exchange.on_waiting()
            elif notice.get("event") == "prompt" and "url" in notice and self._on_prompt is not None:
                self._on_prompt(notice["url"], notice.get("isShown") is True)

        params = {
            "request": urlsafe_b64encode(request).rstrip(b"=").decode(),
            "source": exchange.source or self._source,
            "opensWindow": True,
        }
        try:
            answer = self._connected().call("ctap2", params, on_notice=on_notice, cancelled=exchange.cancelled)
            return urlsafe_b64decode(answer["response"] + "==")
        except (AgentError, NotRunning, FrameError, KeyError, TypeError, ValueError):
            return _KEEPALIVE_CANCEL if exchange.cancelled.is_set() else _OTHER_ERROR

    def _connected(self) -> AgentClient:
        with self._guard:
            if self._client is not None and self._client.is_over:
                self._client.close()
                self._client = None
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> AgentClient:
        try:
            return AgentClient(self._path)
        except NotRunning:
            if self._start_app is None:
                raise
        self._start_app()
        return AgentClient(self._path)
