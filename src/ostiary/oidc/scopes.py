"""What an application may be given the right to do."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    OPENID = "openid"
    PROFILE = "profile"
    OFFLINE_ACCESS = "offline_access"
    METHODS_READ = "UserAuthenticationMethod.Read"
    METHODS_WRITE = "UserAuthenticationMethod.ReadWrite"


_NAMES: Final = frozenset(Scope)

READ_METHODS: Final = frozenset({Scope.METHODS_READ, Scope.METHODS_WRITE})
WRITE_METHODS: Final = frozenset({Scope.METHODS_WRITE})
READ_PROFILE: Final = frozenset({Scope.PROFILE, *READ_METHODS})
"""Each a set of which one is enough."""


def known_scopes(names: Iterable[str]) -> tuple[Scope, ...]:
    """Those there are, each once and in the order asked; others are passed over (OpenID Connect Core §3.1.2.1)."""
    found = dict.fromkeys(names)
    return tuple(Scope(name) for name in found if name in _NAMES)


def joined(scopes: Iterable[Scope]) -> str:
    return " ".join(scopes)


def split(text: str) -> frozenset[Scope]:
    """Of a stored grant: a scope that a later release no longer knows gives no right."""
    return frozenset(Scope(name) for name in text.split() if name in _NAMES)
