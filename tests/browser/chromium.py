"""A page and its virtual authenticator, with the traps of driving WebAuthn headless kept in one place.

A ceremony that nothing answers never ends in a headless browser, and Playwright's `evaluate` knows no timeout. So:
every evaluation goes through `evaluate`, and every page that may begin a ceremony has a `VirtualAuthenticator` first.
"""

import base64
import secrets
import shutil
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import CDPSession, Page

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.test 127.0.0.1",  # a realistic name, plain http and no TLS: not a secure context
)
WITHIN = 5_000
"""Milliseconds that anything in a page may take."""

THIS_DEVICE: dict[str, object] = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def evaluate(page: Page, expression: str, argument: object = None, *, within: int = WITHIN) -> Any:
    """The value of a JavaScript function called with `argument` in the page; fails when it takes too long."""
    guarded = f"""(argument) => Promise.race([
        Promise.resolve(({expression})(argument)),
        new Promise((_, reject) => setTimeout(() => reject(new Error("took longer than {within} ms")), {within})),
    ])"""
    return page.evaluate(guarded, argument)


@dataclass(slots=True)
class VirtualAuthenticator:
    """Chromium's own, one platform authenticator in `page`. Credentials are as the DevTools protocol spells them."""

    cdp: CDPSession
    id: str

    @classmethod
    def plug_in(cls, page: Page, **options: object) -> "VirtualAuthenticator":
        cdp = page.context.new_cdp_session(page)
        cdp.send("WebAuthn.enable", {"enableUI": False})
        added = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": THIS_DEVICE | options})
        return cls(cdp, added["authenticatorId"])

    def credentials(self) -> list[dict[str, Any]]:
        answer = self._send("getCredentials")
        credentials: list[dict[str, Any]] = answer["credentials"]
        return credentials

    def credential_ids(self) -> list[str]:
        """As WebAuthn's JSON spells them."""
        ids = [str(credential["credentialId"]) for credential in self.credentials()]
        return [id.replace("+", "-").replace("/", "_").rstrip("=") for id in ids]

    def add_passkey(self, *, rp_id: str, user_handle: bytes, user_name: str) -> None:
        """A passkey that is simply there, without a ceremony."""
        key = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self.add_credential(
            {
                "credentialId": _base64(secrets.token_bytes(32)),
                "isResidentCredential": True,
                "rpId": rp_id,
                "privateKey": _base64(key),
                "userHandle": _base64(user_handle),
                "userName": user_name,
                "userDisplayName": user_name,
                "signCount": 0,
            }
        )

    def add_credential(self, credential: dict[str, Any]) -> None:
        self._send("addCredential", credential=credential)

    def clear(self) -> None:
        self._send("clearCredentials")

    def set_present(self, is_present: bool) -> None:
        """Whether somebody touches it. A request that began without stays pending, whatever comes later."""
        self._send("setAutomaticPresenceSimulation", enabled=is_present)

    def set_user_verified(self, is_verified: bool) -> None:
        self._send("setUserVerified", isUserVerified=is_verified)

    def _send(self, command: str, **parameters: object) -> dict[str, Any]:
        answer: dict[str, Any] = self.cdp.send(f"WebAuthn.{command}", {"authenticatorId": self.id, **parameters})
        return answer


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
