"""One operation, as whoever asks for it calls it: parameters as JSON, and how to tell and to cancel."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.service import AuthenticatorService

Params = Mapping[str, Any]


@dataclass(slots=True)
class Call:
    """One request under way. `notify` tells whoever asked what goes on; `cancelled` is theirs to set."""

    cancelled: threading.Event
    notify: Callable[[Mapping[str, Any]], None]


Operation = Callable[[AuthenticatorService, Params, Call], Any]


def text_of(params: Params, name: str, longest: int = 200, default: str | None = None) -> str:
    value = params.get(name, default)
    if not isinstance(value, str) or len(value) > longest:
        raise AppError(AppReason.REQUEST_INVALID)
    return value


def number_of(params: Params, name: str, default: int) -> int:
    value = params.get(name, default)
    if type(value) is not int or not -1_000_000 < value < 1_000_000:
        raise AppError(AppReason.REQUEST_INVALID)
    return value
