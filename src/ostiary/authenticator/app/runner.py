"""Runs the app in one process and on one event loop: pages on loopback, the agent's socket, and the connections for
approvals. Ends them together."""

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import uvicorn

from ostiary.authenticator.app.agent import Agent
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.hardening import harden
from ostiary.authenticator.app.instance import Instance
from ostiary.authenticator.app.phrases import N_, phrase
from ostiary.authenticator.app.service import AuthenticatorService

LOOPBACK: Final = "127.0.0.1"
_END_WITHIN: Final = 2
_LOG: Final = logging.getLogger(__name__)


def run(
    directory: Path,
    *,
    port: int = 0,
    in_tpm: bool = False,
    bluetooth: str = "",
    on_start: Callable[[str], object],
    open_url: Callable[[str], object] | None = None,
) -> None:
    """Until SIGINT or SIGTERM. `on_start` gets the start link once everything listens; `open_url` shows an address to
    the person, for questions whose asker has no window. Raises `AppError` ALREADY_RUNNING, or `KeyStoreError`."""
    harden()
    with Instance(directory):
        service = AuthenticatorService.open(directory, in_tpm=in_tpm)
        service.bluetooth_controller = bluetooth
        try:
            if open_url is not None:
                service.show_pages_by(open_url)
            asyncio.run(_serve(service, directory, port, on_start))
        finally:
            service.close()


async def _serve(service: AuthenticatorService, directory: Path, port: int, on_start: Callable[[str], object]) -> None:
    from ostiary.authenticator.app.web.application import build_application

    listener = _listen(port)
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(32)
    pages = build_application(service, token=token, port=port)
    server = _Server(
        uvicorn.Config(
            pages,
            loop="none",  # this one
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_END_WITHIN,
        )
    )
    agent = Agent(service, directory)
    await agent.start()
    connections = asyncio.create_task(service.run_connections())
    connections.add_done_callback(_log_end)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        pages.end_streams()
        server.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        on_start(f"http://{LOOPBACK}:{port}/?token={token}")
        await server.serve(sockets=[listener])
    finally:
        connections.cancel()
        await asyncio.gather(connections, return_exceptions=True)
        service.prompts.close()
        await agent.close()
        listener.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals end the whole app, not the pages alone."""
        yield

    def stop(self) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise AppError(
            AppReason.UNAVAILABLE,
            phrase(N_("Port %(port)d is taken: %(why)s."), port=port, why=error.strerror or ""),
            N_("Choose another with --port."),
        ) from error
    return listener


def _log_end(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        _LOG.error("connections for approvals ended", exc_info=task.exception())
