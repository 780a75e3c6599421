"""Locks the Authenticator when nobody has used it for a while. One timer, set anew at every use."""

import threading
import time
from collections.abc import Callable


class IdleLock:
    def __init__(self, lock: Callable[[], None], minutes: Callable[[], int]) -> None:
        """`minutes` is asked anew each time; 0 means never."""
        self._lock_now = lock
        self._minutes = minutes
        self._guard = threading.Lock()
        self._timer: threading.Timer | None = None
        self._last_use = 0.0

    def touch(self) -> None:
        with self._guard:
            self._last_use = time.monotonic()
            self._set_timer()

    def forget(self) -> None:
        with self._guard:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None

    stop = forget

    def _set_timer(self) -> None:
        seconds = self._minutes() * 60
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds:
            self._timer = threading.Timer(seconds, self._ring, (self._last_use,))
            self._timer.daemon = True
            self._timer.start()

    def _ring(self, last_use: float) -> None:
        with self._guard:
            if self._last_use != last_use or self._timer is None:
                return  # used since
        self._lock_now()
