"""The WebAuthn client half: what a browser is, between a page and an authenticator.

`create` and `get` take the page's options as JSON and the browser's word on who asks, and talk CTAP 2.1 to anything
with `ctap2(bytes) -> bytes`.
"""

from typing import TYPE_CHECKING, Any

from ostiary.authenticator.client.errors import ClientError, ClientReason

if TYPE_CHECKING:
    from ostiary.authenticator.client.ceremonies import create, get
    from ostiary.authenticator.client.ctap import Ctap2, Timeouts

__all__ = ["ClientError", "ClientReason", "Ctap2", "Timeouts", "create", "get"]


def __getattr__(name: str) -> Any:
    """The ceremonies bring a list of every public suffix; the app starts without them."""
    if name in ("create", "get"):
        from ostiary.authenticator.client import ceremonies

        return getattr(ceremonies, name)
    if name in ("Ctap2", "Timeouts"):
        from ostiary.authenticator.client import ctap

        return getattr(ctap, name)
    raise AttributeError(name)
