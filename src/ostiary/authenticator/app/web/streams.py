"""Streams of server-sent events. They stay open as long as their page, and end at once when the app does."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import suppress

from starlette.responses import Response, StreamingResponse

from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import Topic


class Streams:
    def __init__(self) -> None:
        self._open: set[asyncio.Task[None]] = set()
        self._is_ended = False

    def response(self, service: AuthenticatorService, wanted: Collection[Topic]) -> Response:
        """One line for each topic that changes, from now on."""
        return StreamingResponse(self._lines(service, wanted), media_type="text/event-stream")

    def end(self) -> None:
        """On the event loop. A server that stops would wait for them; pages come back by themselves."""
        self._is_ended = True
        for task in tuple(self._open):
            task.cancel()

    async def _lines(self, service: AuthenticatorService, wanted: Collection[Topic]) -> AsyncIterator[str]:
        arrived: asyncio.Queue[Topic | None] = asyncio.Queue()

        async def receive() -> None:
            with suppress(asyncio.CancelledError), service.subscribe() as topics:
                async for topic in topics:
                    if topic in wanted:
                        arrived.put_nowait(topic)
            arrived.put_nowait(None)

        if self._is_ended:
            return
        task = asyncio.create_task(receive())
        self._open.add(task)
        try:
            await asyncio.sleep(0)  # subscribed before the page is told that it is
            yield "retry: 1000\n\n"
            while (topic := await arrived.get()) is not None:
                yield f"data: {topic}\n\n"
        finally:
            self._open.discard(task)
            task.cancel()
