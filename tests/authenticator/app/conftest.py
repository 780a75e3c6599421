"""The app with real key stores, and the organisation it signs in to."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ostiary.authenticator.app import assembly
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.keys import memory_key_store
from ostiary.clock import system_clock

PIN = "482915"


class MovingClock:
    """Real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return system_clock() + self.ahead


@contextmanager
def on_a_loop(work: Coroutine[Any, Any, None]) -> Iterator[asyncio.AbstractEventLoop]:
    """Runs beside the test, until it leaves."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)

    def run() -> None:
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@contextmanager
def beside(work: Callable[[], Any]) -> Iterator[list[Any]]:
    """What a thread answers, in a list; an exception as itself."""
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(work())
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        thread.join(20)
        assert not thread.is_alive()


def until(question: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = threading.Event()
    for _ in range(int(seconds / 0.01)):
        answer = question()
        if answer:
            return answer
        deadline.wait(0.01)
    raise AssertionError("it did not come")


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def keys() -> AppKeys:
    return memory_key_store()


@pytest.fixture
def service(keys: AppKeys, clock: MovingClock) -> Iterator[AuthenticatorService]:
    """Without a PIN yet."""
    service = AuthenticatorService(keys, make_engine=assembly.make_engine, clock=clock)
    yield service
    service.close()


@pytest.fixture
def ready(service: AuthenticatorService) -> AuthenticatorService:
    """With a PIN, and unlocked."""
    service.set_pin(PIN)
    return service


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "authenticator"
    directory.mkdir(mode=0o700)
    return directory
