"""Who may look at the app's pages: the browser of the person who started it, and nobody else on this machine or beyond.

The app listens on loopback, where every user of the machine and every website in the browser can knock. So:

- Links from outside (`/?token=...`, `/prompt/{id}?key=...`) work once, and are exchanged for a cookie.
- Cookies do not keep ports apart: another program's server on 127.0.0.1 would be sent ours (RFC 6265 §8.5). All pages
  are therefore under a secret path, and the cookies are for that path alone.
- `Host` must be ours by name: a name that somebody else pointed at 127.0.0.1 is not (DNS rebinding).
- What changes something, and the event stream, must come from our own pages, as `Origin` and `Sec-Fetch-Site` say.
"""

import secrets
import threading
from collections.abc import Callable, Mapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Final, TypeVar
from urllib.parse import quote

SESSION: Final = "authenticator"
WINDOW: Final = "authenticator_window"
MOST_LINKS: Final = 32
"""Links nobody has used; the oldest make room."""

_T = TypeVar("_T")
Randomness = Callable[[], str]


class Access:
    """The secrets of one run of the app. Only their digests are kept."""

    def __init__(self, *, token: str, port: int, randomness: Randomness = secrets.token_urlsafe) -> None:
        self._randomness = randomness
        self._lock = threading.Lock()
        self._start_links: dict[bytes, None] = {_digest(token): None}
        self._window_links: dict[bytes, str] = {}
        self._sessions: set[bytes] = set()
        self._windows: dict[bytes, str] = {}
        self.hosts: Final = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self.origin: Final = f"http://127.0.0.1:{port}"
        self.root: Final = f"/{randomness()}"

    def start_link(self) -> str:
        """Opens the app, once."""
        token = self._randomness()
        with self._lock:
            _remember(self._start_links, _digest(token), None)
        return f"{self.origin}/?token={token}"

    def prompt_link(self, prompt_id: str) -> str:
        """Opens a window for one question, once; it leads nowhere else."""
        key = self._randomness()
        with self._lock:
            _remember(self._window_links, _digest(key), prompt_id)
        return f"{self.origin}/prompt/{quote(prompt_id, safe='')}?key={key}"

    def exchange_start(self, token: str) -> str | None:
        """The session's cookie value, for a token that was not used before."""
        with self._lock:
            if _digest(token) not in self._start_links:
                return None
            del self._start_links[_digest(token)]
            session = self._randomness()
            self._sessions.add(_digest(session))
            return session

    def exchange_window(self, prompt_id: str, key: str) -> str | None:
        with self._lock:
            if self._window_links.get(_digest(key)) != prompt_id:
                return None
            del self._window_links[_digest(key)]
            window = self._randomness()
            _remember(self._windows, _digest(window), prompt_id)
            return window

    def is_signed_in(self, cookies: Mapping[str, str]) -> bool:
        return _digest(cookies.get(SESSION, "")) in self._sessions

    def is_window_of(self, cookies: Mapping[str, str], prompt_id: str) -> bool:
        return self._windows.get(_digest(cookies.get(WINDOW, ""))) == prompt_id

    def session_cookie(self, value: str) -> str:
        return f"{SESSION}={value}; HttpOnly; SameSite=Strict; Path={self.root}"

    def window_cookie(self, value: str, prompt_id: str) -> str:
        return f"{WINDOW}={value}; HttpOnly; SameSite=Strict; Path={self.root}/prompt/{quote(prompt_id, safe='')}"


def read_cookies(header: str) -> dict[str, str]:
    """Every cookie of the request; of those with one name, the first, whose path is the longest (RFC 6265 §5.4)."""
    found: dict[str, str] = {}
    for part in header.split(";"):
        try:
            jar = SimpleCookie(part.strip())
        except CookieError:
            continue
        for name, morsel in jar.items():
            found.setdefault(name, morsel.value)
    return found


def _digest(secret: str) -> bytes:
    # Looked up by digest: how long that takes says nothing about the secret.
    return sha256(secret.encode()).digest()


def _remember(links: dict[bytes, _T], digest: bytes, value: _T) -> None:
    links[digest] = value
    while len(links) > MOST_LINKS:
        del links[next(iter(links))]
