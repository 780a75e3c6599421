"""The Authenticator's PIN: what is asked of a new one, and how a wrong one is answered. The key store counts tries."""

import unicodedata
from typing import Final

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import N_, phrase
from ostiary.authenticator.keys.pin import pin_hash
from ostiary.authenticator.ports import KeyStore, PinError

MOST_BYTES: Final = 63
"""CTAP 2.1 §6.5.1: the platform pads a PIN to 64 bytes, the last of which is 0."""


def require_good_pin(keys: KeyStore, pin: str) -> int:
    """Its length in code points, once it is long enough and not too long."""
    minimum = keys.pin.minimum_length
    normal = unicodedata.normalize("NFC", _checked(pin))
    length = len(normal)
    if length < minimum:
        raise AppError(
            AppReason.PIN_TOO_SHORT,
            next_step=phrase(N_("Choose a PIN of at least %(num)d characters."), num=minimum),
            minimum_length=minimum,
        )
    if len(normal.encode()) > MOST_BYTES or "\0" in pin:
        raise AppError(AppReason.PIN_TOO_LONG)
    return length


def set_first_pin(keys: KeyStore, pin: str) -> None:
    if keys.pin.is_set:
        raise AppError(AppReason.PIN_ALREADY_SET)
    length = require_good_pin(keys, pin)
    keys.set_pin(pin_hash(pin), length=length)


def check_pin(keys: KeyStore, pin: str) -> None:
    """Unlocks, or says in words why not."""
    state = keys.pin
    if not state.is_set:
        raise AppError(AppReason.PIN_NOT_SET)
    if state.retries_left == 0:
        raise AppError(AppReason.PIN_BLOCKED)
    if not pin:
        raise AppError(AppReason.PIN_NEEDED)
    try:
        keys.check_pin(pin_hash(_checked(pin)))
    except PinError as error:
        raise _refusal(error) from error


def _refusal(error: PinError) -> AppError:
    if error.retries_left == 0:
        return AppError(AppReason.PIN_BLOCKED, retries_left=0)
    if error.needs_restart:
        return AppError(AppReason.RESTART_NEEDED, retries_left=error.retries_left)
    return AppError(
        AppReason.PIN_WRONG,
        next_step=N_("Try again. One try is left before the passkeys kept here can no longer be used.")
        if error.retries_left == 1
        else phrase(
            N_("Try again. %(num)d tries are left before the passkeys kept here can no longer be used."),
            num=error.retries_left,
        ),
        retries_left=error.retries_left,
    )


def _checked(pin: str) -> str:
    """A lone surrogate, which no keyboard types, has no UTF-8."""
    if not pin.isprintable() and any(0xD800 <= ord(letter) <= 0xDFFF for letter in pin):
        raise AppError(AppReason.REQUEST_INVALID)
    return pin
