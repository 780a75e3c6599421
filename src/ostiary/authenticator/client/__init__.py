"""The WebAuthn client half: what a browser is, between a page and an authenticator.

`create` and `get` take the page's options as JSON and the browser's word on who asks, and talk CTAP 2.1 to anything
with `ctap2(bytes) -> bytes`.
"""

from ostiary.authenticator.client.ceremonies import create, get
from ostiary.authenticator.client.ctap import Ctap2, Timeouts
from ostiary.authenticator.client.errors import ClientError, ClientReason

__all__ = ["ClientError", "ClientReason", "Ctap2", "Timeouts", "create", "get"]
