"""The two numbers that must survive anything: how many more PINs may be tried, and how often something was signed.

A sign count on the disk before each signature would make a sign-in wait for it. So the disk holds a number that no
signature reached yet, and is asked only when that many were made: after a crash the count goes on from there. Relying
parties see a jump, which WebAuthn allows (L3 §6.1.1: it need only grow), and never the same number again.
"""

from collections.abc import Callable
from typing import Final

from fido2 import cbor

from ostiary.authenticator.keys.errors import KeyStoreDamaged
from ostiary.authenticator.ports import MOST_PIN_RETRIES

RESERVED_SIGN_COUNTS: Final = 1000


class Counters:
    def __init__(self, write: Callable[[bytes], None], encoded: bytes | None) -> None:
        """`write` is durable when it returns. Nothing `encoded`: a new store's, which are not written yet."""
        self._write = write
        if encoded is None:
            self._retries, self._sign_count, self._bound = MOST_PIN_RETRIES, 0, 0
        else:
            self._retries, self._bound = _decode(encoded)
            self._sign_count = self._bound

    @property
    def retries(self) -> int:
        return self._retries

    def save(self) -> None:
        self._keep(self._retries, self._bound)

    def count_try(self) -> None:
        self._keep(self._retries - 1, self._bound)

    def forgive_try(self) -> None:
        """It was never judged."""
        self._keep(self._retries + 1, self._bound)

    def clear_tries(self) -> None:
        if self._retries != MOST_PIN_RETRIES:
            self._keep(MOST_PIN_RETRIES, self._bound)

    def next_sign_count(self) -> int:
        if self._sign_count >= self._bound:
            self._keep(self._retries, self._sign_count + RESERVED_SIGN_COUNTS)
        self._sign_count += 1
        return self._sign_count

    def give_back(self) -> None:
        """At an orderly end: nobody will use what is reserved still."""
        if self._sign_count != self._bound:
            self._keep(self._retries, self._sign_count)

    def _keep(self, retries: int, bound: int) -> None:
        self._write(cbor.encode([retries, bound]))
        self._retries, self._bound = retries, bound


def _decode(encoded: bytes) -> tuple[int, int]:
    match cbor.decode(encoded):
        case [int(retries), int(bound)] if 0 <= retries <= MOST_PIN_RETRIES and bound >= 0:
            return retries, bound
    raise KeyStoreDamaged("The counters of the key store have another form than they should.")
