"""What the app needs from its neighbours, so that each can be made and tested alone."""

import threading
from typing import Protocol

from ostiary.authenticator.ports import Exchange, KeyStore, SecretBox


class AppKeys(KeyStore, SecretBox, Protocol):
    """A key store that also keeps what the app knows."""

    def close(self) -> None: ...


class Ctap2(Protocol):
    """The engine, as relays see it."""

    def ctap2(self, request: bytes, exchange: Exchange | None = None) -> bytes: ...


class Fingerprints(Protocol):
    @property
    def is_available(self) -> bool:
        """A reader is there, and a finger of the person is known to it."""
        ...

    def verify(self, cancelled: threading.Event, timeout: float) -> bool:
        """Waits for the finger."""
        ...

    def pin_was_right(self) -> None:
        """The person is there after all: wrong fingers before count no more."""
        ...


class Links(Protocol):
    """Addresses that open pages of the app, each once."""

    def start_link(self) -> str: ...

    def prompt_link(self, prompt_id: str) -> str: ...
