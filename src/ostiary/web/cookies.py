"""Our cookies. `__Host-` binds each to this host, over https (browsers take localhost for secure too)."""

from typing import Final

SESSION: Final = "__Host-ostiary-session"
SIGN_IN: Final = "__Host-ostiary-sign-in"
BROWSER: Final = "__Host-ostiary-browser"
LANGUAGE: Final = "__Host-ostiary-language"

_YEAR: Final = 365 * 24 * 3600


def read_cookies(header: str) -> dict[str, str]:
    """Ours alone, and each once: of a name sent twice none is believed."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if not name.startswith("__Host-ostiary-") or len(value) > 128:
            continue
        if name in found:
            twice.add(name)
        found[name] = value
    for name in twice:
        del found[name]
    return found


def set_cookie(name: str, value: str) -> tuple[bytes, bytes]:
    """A `Set-Cookie` header. Those that recognise a browser or a language stay; the others end with the browser."""
    lasts = f"; Max-Age={_YEAR}" if name in (BROWSER, LANGUAGE) else ""
    return b"set-cookie", f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{lasts}".encode("latin-1")


def delete_cookie(name: str) -> tuple[bytes, bytes]:
    return b"set-cookie", f"{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0".encode("latin-1")
