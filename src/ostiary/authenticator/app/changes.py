"""Who wants to know that something changed is told, on their own event loop; nobody asks in a loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

from ostiary.authenticator.app.views import Topic


class Changes:
    """Published from any thread, received on any event loop. A slow receiver loses no topic: what it has not seen yet
    is a set, not a queue that grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()

    def publish(self, *topics: Topic) -> None:
        with self._lock:
            receivers = tuple(self._subscriptions)
        for one in receivers:
            one.deliver(topics)

    @contextmanager
    def subscribe(self) -> Iterator["Subscription"]:
        """On a running event loop: `with changes.subscribe() as topics: async for topic in topics`."""
        subscription = Subscription(asyncio.get_running_loop())
        with self._lock:
            self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions.discard(subscription)


class Subscription:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._unseen: dict[Topic, None] = {}  # a set that keeps its order
        self._arrived = asyncio.Event()

    def deliver(self, topics: tuple[Topic, ...]) -> None:
        with suppress(RuntimeError):  # its loop is closed: nobody is there to be told
            self._loop.call_soon_threadsafe(self._note, topics)

    def _note(self, topics: tuple[Topic, ...]) -> None:
        self._unseen.update(dict.fromkeys(topics))
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[Topic]:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._unseen:
                topic = next(iter(self._unseen))
                del self._unseen[topic]
                yield topic
