"""A fingerprint by `fprintd`, over the system bus.

It tells who is there and opens nothing: a fingerprint holds no key, so only an unlocked key store has use for it. Its
word is taken only from whoever owns fprintd's name on the bus, as the user the system runs it as; any program may send
another a signal of the same name.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from threading import Event, Lock
from typing import Any, Final

from jeepney import DBusAddress, HeaderFields, MatchRule, Message, MessageType, message_bus, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

_NAME: Final = "net.reactivated.Fprint"
_MANAGER: Final = DBusAddress("/net/reactivated/Fprint/Manager", _NAME, f"{_NAME}.Manager")
_DEVICE: Final = f"{_NAME}.Device"
_MATCH, _NO_MATCH = "verify-match", "verify-no-match"
_BROKEN: Final = {"verify-disconnected", "verify-unknown-error"}
"""Any other status asks for the finger again: too short, not centred."""
_GLANCE: Final = 0.1
"""Seconds between two looks at whether the person gave up."""

_REMEMBERED: Final = 60
"""Seconds for which a reader that was found is taken to be there."""

MOST_WRONG_FINGERS: Final = 3
"""In a row; then only the PIN helps, as after three wrong ones by CTAP 2.1 §6.5.2.3 (uvRetries)."""


class Finger(Enum):
    MATCHED = "matched"
    NO_MATCH = "no_match"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    UNAVAILABLE = "unavailable"


class FingerprintReader:
    """`bus`: an address, or the system's. `trusted_user`: the user id fprintd runs as."""

    def __init__(self, *, bus: str = "SYSTEM", trusted_user: int = 0, patience: float = 5) -> None:
        self._bus, self._trusted_user, self._patience = bus, trusted_user, patience
        self._wrong_in_a_row = 0
        self._has_finger = False
        self._looked_at: float | None = None
        self._one_at_a_time = Lock()

    @property
    def is_available(self) -> bool:
        """A reader is there, it knows a finger of this user, and not too many were wrong. Looked up at most once a
        minute: every page of the app asks."""
        if self._wrong_in_a_row >= MOST_WRONG_FINGERS:
            return False
        now = time.monotonic()
        if self._looked_at is None or now - self._looked_at > _REMEMBERED:
            self._has_finger, self._looked_at = self._look(), now
        return self._has_finger

    def forget_wrong_fingers(self) -> None:
        """The PIN was right."""
        self._wrong_in_a_row = 0

    def verify(self, cancelled: Event, *, timeout: float = 60) -> Finger:
        """Waits for a finger. Never raises: whatever fails, the PIN is still there."""
        if self._wrong_in_a_row >= MOST_WRONG_FINGERS or not self._one_at_a_time.acquire(blocking=False):
            return Finger.UNAVAILABLE
        try:
            with self._connected() as connection:
                found = self._verify(connection, cancelled, time.monotonic() + timeout)
        except _FAILURES:
            return Finger.UNAVAILABLE
        finally:
            self._one_at_a_time.release()
        if found is Finger.MATCHED:
            self._wrong_in_a_row = 0
        elif found is Finger.NO_MATCH:
            self._wrong_in_a_row += 1
        return found

    def _look(self) -> bool:
        try:
            with self._connected() as connection:
                return bool(self._call(connection, self._device(connection), "ListEnrolledFingers", "s", "")[0])
        except _FAILURES:
            return False

    def _verify(self, connection: DBusConnection, cancelled: Event, deadline: float) -> Finger:
        device = self._device(connection)
        owner = self._owner(connection)
        status = MatchRule(
            type=MessageType.signal, sender=owner, interface=_DEVICE, member="VerifyStatus", path=device.object_path
        )
        self._ask(connection, message_bus.AddMatch(status))
        with connection.filter(status) as signals:
            self._call(connection, device, "Claim", "s", "")
            try:
                self._call(connection, device, "VerifyStart", "s", "any")
                try:
                    return self._wait(connection, signals, owner, cancelled, deadline)
                finally:
                    with suppress(*_FAILURES):
                        self._call(connection, device, "VerifyStop", "")
            finally:
                with suppress(*_FAILURES):
                    self._call(connection, device, "Release", "")

    def _wait(self, connection: DBusConnection, signals: Any, owner: str, cancelled: Event, deadline: float) -> Finger:
        while not cancelled.is_set():
            if time.monotonic() > deadline:
                return Finger.TIMED_OUT
            try:
                signal = connection.recv_until_filtered(signals, timeout=_GLANCE)
            except TimeoutError:
                continue
            if signal.header.fields.get(HeaderFields.sender) != owner:
                continue
            result = signal.body[0]
            if result in _BROKEN:
                return Finger.UNAVAILABLE
            if result == _MATCH:
                return Finger.MATCHED
            if result == _NO_MATCH:
                return Finger.NO_MATCH
        return Finger.CANCELLED

    @contextmanager
    def _connected(self) -> Iterator[DBusConnection]:
        connection = open_dbus_connection(self._bus, auth_timeout=self._patience)
        try:
            yield connection
        finally:
            connection.close()

    def _device(self, connection: DBusConnection) -> DBusAddress:
        """Asking for it starts fprintd."""
        (path,) = self._call(connection, _MANAGER, "GetDefaultDevice", "")
        return DBusAddress(path, _NAME, _DEVICE)

    def _owner(self, connection: DBusConnection) -> str:
        (owner,) = self._ask(connection, message_bus.GetNameOwner(_NAME))
        (user,) = self._ask(connection, message_bus.GetConnectionUnixUser(owner))
        if user != self._trusted_user:
            raise _Refused(f"fprintd's name belongs to user {user}")
        return str(owner)

    def _call(self, connection: DBusConnection, to: DBusAddress, method: str, signature: str, *body: str) -> Any:
        return self._ask(connection, new_method_call(to, method, signature or None, body))

    def _ask(self, connection: DBusConnection, message: Message) -> Any:
        reply = connection.send_and_get_reply(message, timeout=self._patience)
        if reply.header.message_type is not MessageType.method_return:
            raise _Refused(str(reply.header.fields.get(HeaderFields.error_name)))
        return reply.body


class _Refused(Exception):
    """By fprintd, or of it: no reader, no finger enrolled, no permission, in use."""


_FAILURES: Final = (_Refused, OSError, RuntimeError, ValueError, KeyError)
"""No bus, a bus that hung up, an answer of another form."""
