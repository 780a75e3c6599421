"""A CTAPHID device that runs: reports from a port, requests to whoever answers them, keep-alives meanwhile."""

import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Final
from typing import Protocol as Port

from ostiary.authenticator.hosts.ctaphid import (
    KEEP_ALIVE_EVERY,
    Cancelled,
    Event,
    Protocol,
    Request,
    Send,
    Status,
)
from ostiary.authenticator.ports import Exchange

_FAILED: Final = b"\x7f"  # CTAP1_ERR_OTHER

Authenticator = Callable[[bytes, Exchange], bytes]
"""`Engine.ctap2`, or the same through the agent."""


class Reports(Port):
    """Where reports come from and go to."""

    def read(self, timeout: float) -> bytes | None:
        """The next report; None when there was none in time. Raises `EOFError` when the other side is gone."""
        ...

    def write(self, report: bytes) -> None: ...


class HidDevice:
    """Serves one port until it ends or `stop` is called. Requests run in a thread of their own, because they wait for
    a person; reports are read meanwhile, for they may cancel."""

    def __init__(self, reports: Reports, authenticator: Authenticator, *, source: str = "USB security key") -> None:
        self._reports = reports
        self._authenticator = authenticator
        self._source = source
        self._protocol = Protocol(randomness=os.urandom)
        self._exchange: Exchange | None = None
        self._is_waiting_for_person = False
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._told_at = 0

    def serve(self) -> None:
        try:
            while not self._stopped.is_set():
                report = self._reports.read((KEEP_ALIVE_EVERY / 1000) / (5 if self._protocol.is_working else 1))
                now = _now()
                self._act(self._protocol.receive(report, now) if report is not None else self._protocol.tick(now))
                self._go_on(now)
        except EOFError:
            pass
        finally:
            self._cancel()

    def stop(self) -> None:
        self._stopped.set()

    def _go_on(self, now: int) -> None:
        if not self._protocol.is_working:
            return
        try:
            answer = self._answers.get_nowait()
        except queue.Empty:
            if now - self._told_at >= KEEP_ALIVE_EVERY:
                self._told_at = now
                status = Status.UPNEEDED if self._is_waiting_for_person else Status.PROCESSING
                self._act(self._protocol.keep_alive(status))
        else:
            self._exchange = None
            self._act(self._protocol.answer(answer))

    def _act(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Send):
                self._reports.write(event.report)
            elif isinstance(event, Cancelled):
                self._cancel()
            else:
                self._start(event)

    def _start(self, request: Request) -> None:
        self._is_waiting_for_person = False
        self._told_at = _now()
        self._exchange = exchange = Exchange(source=self._source, on_waiting=self._wait_for_person)
        threading.Thread(target=self._run, args=(request.message, exchange), daemon=True).start()

    def _run(self, message: bytes, exchange: Exchange) -> None:
        try:
            answer = self._authenticator(message, exchange)
        except Exception:  # the app is gone, say: the host must be told something, or it waits for ever
            answer = _FAILED
        self._answers.put(answer)

    def _wait_for_person(self) -> None:
        self._is_waiting_for_person = True

    def _cancel(self) -> None:
        if self._exchange is not None:
            self._exchange.cancelled.set()


def _now() -> int:
    return time.monotonic_ns() // 1_000_000
