"""The pinUvAuthToken: what a platform holds after the person gave the PIN, and how long (CTAP 2.1 §6.5.2.1)."""

import hashlib
from enum import IntFlag
from typing import Final

from ostiary.authenticator.engine.pin_protocols import PinProtocol
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.ports import Clock, Randomness

INITIAL_USAGE_LIMIT_MS: Final = 30_000
"""Not used for that long: over."""
USER_PRESENT_LIMIT_MS: Final = 30_000
MAX_USAGE_PERIOD_MS: Final = 600_000

TOKEN_LENGTH: Final = 32


class Permission(IntFlag):
    """§6.5.5.7."""

    MAKE_CREDENTIAL = 0x01
    GET_ASSERTION = 0x02
    CREDENTIAL_MANAGEMENT = 0x04
    BIO_ENROLLMENT = 0x08
    LARGE_BLOB_WRITE = 0x10
    AUTHENTICATOR_CONFIGURATION = 0x20


NO_PERMISSION: Final = Permission(0)


class PinUvAuthToken:
    """The one token in use, whichever protocol it was given out by; another protocol's never matches it."""

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        self._clock = clock
        self._randomness = randomness
        self.reset()

    def reset(self) -> None:
        """resetPinUvAuthToken: the old one is worth nothing any more."""
        self._secret = self._randomness(TOKEN_LENGTH)
        self._protocol = 0
        self.stop()

    def stop(self) -> None:
        """stopUsingPinUvAuthToken."""
        self._is_in_use = False
        self._is_used = False
        self._is_user_present = False
        self._is_user_verified = False
        self._permissions = NO_PERMISSION
        self._rp_id_hash: bytes | None = None

    def begin(
        self, protocol: PinProtocol, permissions: Permission, rp_id: str | None, *, is_user_present: bool
    ) -> bytes:
        """beginUsingPinUvAuthToken, a new one. The token."""
        self.reset()
        self._protocol = protocol.VERSION
        self._began_at = self._clock()
        self._is_in_use = True
        self._is_user_present = is_user_present
        self._is_user_verified = True
        self._permissions = permissions
        self._rp_id_hash = None if rp_id is None else rp_id_hash(rp_id)
        return self._secret

    def observe(self) -> None:
        """pinUvAuthTokenUsageTimerObserver: at the start of each request is as good as always."""
        if not self._is_in_use:
            return
        age = self._clock() - self._began_at
        # a clock that was put back says nothing about the age, so the token is over
        if age < 0 or age >= MAX_USAGE_PERIOD_MS or (age >= INITIAL_USAGE_LIMIT_MS and not self._is_used):
            self.stop()
        elif age >= USER_PRESENT_LIMIT_MS:
            self._is_user_present = False

    @property
    def is_user_present(self) -> bool:
        return self._is_user_present

    @property
    def is_user_verified(self) -> bool:
        return self._is_user_verified

    def verify(self, protocol: PinProtocol, message: bytes, signature: bytes, permission: Permission) -> None:
        """Raises `Refused(PIN_AUTH_INVALID)`."""
        is_right = (
            self._is_in_use and self._protocol == protocol.VERSION and protocol.verify(self._secret, message, signature)
        )
        if not is_right or permission not in self._permissions:
            raise Refused(Status.PIN_AUTH_INVALID)
        self._is_used = True

    @property
    def has_rp_id(self) -> bool:
        return self._rp_id_hash is not None

    def is_for(self, rp_id: str) -> bool:
        """Whether it may be used for this relying party: it is bound to it, or to none."""
        return self._rp_id_hash is None or self._rp_id_hash == rp_id_hash(rp_id)

    def bind(self, rp_id: str) -> None:
        if self._rp_id_hash is None:
            self._rp_id_hash = rp_id_hash(rp_id)

    def spend(self) -> None:
        """After user presence was collected: clearUserPresentFlag, clearUserVerifiedFlag,
        clearPinUvAuthTokenPermissionsExceptLbw."""
        self._is_user_present = False
        self._is_user_verified = False
        self._permissions &= Permission.LARGE_BLOB_WRITE


def rp_id_hash(rp_id: str) -> bytes:
    return hashlib.sha256(rp_id.encode()).digest()
