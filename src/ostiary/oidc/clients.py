"""Applications that may ask for authorization: data. Today those we ship; registered ones come from a table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ostiary.identity.assurance import CHANGE_METHODS, Requirement
from ostiary.oidc.scopes import Scope

_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(/.*)?")
_PORT = re.compile(r"(?::([1-9][0-9]{0,4}))?")
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An application. A public one keeps no secret (RFC 6749 §2.1), so it authenticates by PKCE alone.

    `proof`: what a person must have proven, and how lately, to let it in. `is_asked_always`: they are asked each time,
    as nothing tells a native application from one that pretends to be it (RFC 8252 §8.6).
    """

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    scopes: frozenset[Scope]
    proof: Requirement
    is_public: bool = True
    is_asked_always: bool = True

    def may_redirect_to(self, uri: str) -> bool:
        """Compared whole, character by character (RFC 9700 §2.1), but for the port of a loopback address
        (RFC 8252 §7.3)."""
        return any(_matches(registered, uri) for registered in self.redirect_uris)


AUTHENTICATOR: Final = Client(
    id="ostiary-authenticator",
    name="Ostiary Authenticator",
    redirect_uris=("http://127.0.0.1/signed-in",),
    scopes=frozenset({Scope.OPENID, Scope.PROFILE, Scope.OFFLINE_ACCESS, Scope.METHODS_READ, Scope.METHODS_WRITE}),
    proof=CHANGE_METHODS,
)
_BUILT_IN: Final[Mapping[str, Client]] = {AUTHENTICATOR.id: AUTHENTICATOR}


def find_client(client_id: str) -> Client | None:
    return _BUILT_IN.get(client_id)


def _matches(registered: str, uri: str) -> bool:
    loopback = _LOOPBACK.fullmatch(registered)
    if loopback is None:
        return uri == registered
    host, path = loopback[1], loopback[2] or ""
    if not (uri.startswith(host) and uri.endswith(path)) or len(uri) < len(registered):
        return False
    port = _PORT.fullmatch(uri[len(host) : len(uri) - len(path)])
    return port is not None and (port[1] is None or int(port[1]) <= _HIGHEST_PORT)
