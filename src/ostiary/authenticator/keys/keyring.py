"""The operating system's keyring, by the Secret Service (freedesktop.org), as GNOME Keyring and KWallet offer it.

Its library waits without end for an answer and, where there is no keyring yet, asks the person to make one. Here every
call has its time: a thread asks, and when time is over its connection is cut, which ends the thread as well.
"""

import importlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any, Final

from ostiary.authenticator.keys.errors import KeyStoreReason, KeyStoreUnavailable

_ATTRIBUTES: Final = {"application": "ostiary-authenticator", "xdg:schema": "org.ostiary.DeviceKey"}
_LABEL: Final = "Ostiary Authenticator: device key"


class SecretServiceKeyring:
    """`patience`: seconds for a call; `prompt_patience`: seconds for the person to unlock it when it is locked."""

    def __init__(self, *, patience: float = 5, prompt_patience: float = 60) -> None:
        self._patience, self._prompt_patience = patience, prompt_patience

    @property
    def is_available(self) -> bool:
        try:
            self._ask(lambda collection: True)
        except KeyStoreUnavailable:
            return False
        return True

    def get(self, name: str) -> bytes | None:
        def work(collection: Any) -> bytes | None:
            for item in collection.search_items({**_ATTRIBUTES, "store": name}):
                return bytes(item.get_secret())
            return None

        secret: bytes | None = self._ask(work)
        return secret

    def put(self, name: str, secret: bytes) -> None:
        attributes = {**_ATTRIBUTES, "store": name}
        self._ask(lambda collection: collection.create_item(_LABEL, attributes, secret, replace=True))

    def delete(self, name: str) -> None:
        def work(collection: Any) -> None:
            for item in collection.search_items({**_ATTRIBUTES, "store": name}):
                item.delete()

        self._ask(work)

    def _ask(self, work: Callable[[Any], Any]) -> Any:
        library = _library()
        with _connected(library, self._patience) as connection:
            # Not `get_default_collection`, which would have the person make one.
            collection = _within(self._patience, connection, lambda: library.Collection(connection))
            if _within(self._patience, connection, collection.is_locked):
                is_dismissed = _within(self._prompt_patience, connection, collection.unlock)
                if is_dismissed or _within(self._patience, connection, collection.is_locked):
                    raise _unavailable("it stayed locked")
            return _within(self._patience, connection, lambda: work(collection))


@contextmanager
def _connected(library: Any, patience: float) -> Iterator[Any]:
    connection = _within(patience, None, library.dbus_init)
    try:
        yield connection
    finally:
        connection.close()


def _within(patience: float, connection: Any, work: Callable[[], Any]) -> Any:
    """Raises `KeyStoreUnavailable` for whatever went wrong: none of it is the key store's."""
    answers: list[Any] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(work())
        except Exception as error:
            errors.append(error)

    thread = Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(patience)
    if thread.is_alive():
        if connection is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
            thread.join(patience)
        raise _unavailable("it does not answer")
    if errors:
        raise _unavailable(str(errors[0]) or type(errors[0]).__name__) from errors[0]
    return answers[0]


def _library() -> Any:
    try:
        return importlib.import_module("secretstorage")
    except ImportError as error:
        raise _unavailable("secretstorage is not installed") from error


def _unavailable(why: str) -> KeyStoreUnavailable:
    return KeyStoreUnavailable(
        KeyStoreReason.KEYRING_UNAVAILABLE,
        f"The keyring of this computer cannot be used: {why}.",
        next_step="Sign in to the desktop, unlock its keyring (Passwords and Keys, or KWallet), and try again.",
    )
