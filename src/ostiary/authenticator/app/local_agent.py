"""The app's operations without a running app: the service in this process, for as long as a command takes."""

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from ostiary.authenticator.app import operations
from ostiary.authenticator.app.agent_client import AgentError, Notice
from ostiary.authenticator.app.errors import AppError
from ostiary.authenticator.app.instance import Instance
from ostiary.authenticator.app.operations import Call
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.client import ClientError

_NEEDS_CONNECTIONS: Final = frozenset({"approvals", "approvals.answer"})


class LocalAgent:
    """Raises `AppError` ALREADY_RUNNING when an app runs after all, or `KeyStoreError`."""

    def __init__(self, directory: Path) -> None:
        self._instance = Instance(directory)
        try:
            self._service = AuthenticatorService.open(directory)
        except BaseException:
            self._instance.close()
            raise
        self._connections: threading.Thread | None = None
        self._end_connections: Callable[[], object] = lambda: None

    def close(self) -> None:
        self._end_connections()
        if self._connections is not None:
            self._connections.join(5)
        self._service.close()
        self._instance.close()

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
        if op in _NEEDS_CONNECTIONS:
            self._connect()
        messages: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        call = Call(cancelled or threading.Event(), messages.put)
        threading.Thread(target=self._work, args=(op, params or {}, call, messages), daemon=True).start()
        while "event" in (message := messages.get()):
            if on_notice is not None:
                on_notice(message)
        if "error" in message:
            raise AgentError(message["error"])
        if "fault" in message:
            raise message["fault"]
        return message["result"]

    def _work(
        self, op: str, params: Mapping[str, Any], call: Call, messages: "queue.SimpleQueue[Mapping[str, Any]]"
    ) -> None:
        try:
            messages.put({"result": operations.run(self._service, op, params, call)})
        except (AppError, ClientError) as error:
            messages.put({"error": operations.error_as_json(error)})
        except Exception as fault:
            messages.put({"fault": fault})

    def _connect(self) -> None:
        if self._connections is not None:
            return
        loops: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

        async def run() -> None:
            task = asyncio.create_task(self._service.run_connections())
            loop = asyncio.get_running_loop()
            loops.put(lambda: loop.call_soon_threadsafe(task.cancel))
            await asyncio.gather(task, return_exceptions=True)

        self._connections = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
        self._connections.start()
        self._end_connections = loops.get()
