"""The account's server over HTTP: strict about who answers and how much, and every failure in words.

TLS is verified. Plain `http` is for this machine alone (RFC 8252 §8.3 says why loopback may): a development server, the
demo. Redirects are not followed, and no address from an answer leads to another origin.
"""

import ipaddress
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import N_

TIMEOUT: Final = 15.0
MOST_BYTES: Final = 1_000_000
_OK: Final = range(200, 300)


class Answer(NamedTuple):
    status: int
    body: Any  # JSON, or None

    @property
    def is_ok(self) -> bool:
        return self.status in _OK


def parse_origin(text: str) -> str:
    """The origin that a person's words for their organisation's server mean. Raises SERVER_INVALID."""
    text = text.strip()
    if "://" not in text:
        text = f"{'http' if is_loopback(urlsplit(f'//{text}').hostname or '') else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host = host.encode("idna").decode() if not host.isascii() else host
    except ValueError as error:
        raise AppError(AppReason.SERVER_INVALID) from error
    if not host or parts.username is not None or parts.query or parts.fragment or not _is_host(host):
        raise AppError(AppReason.SERVER_INVALID)
    if parts.scheme == "http" and not is_loopback(host):
        raise AppError(AppReason.SERVER_INVALID, N_("Passkeys are only set up over a safe connection."))
    if parts.scheme not in ("http", "https"):
        raise AppError(AppReason.SERVER_INVALID)
    shown = f"[{host}]" if ":" in host else host
    is_default = port in (None, {"http": 80, "https": 443}[parts.scheme])
    return f"{parts.scheme}://{shown}" + ("" if is_default else f":{port}")


def is_loopback(host: str) -> bool:
    """RFC 6761 §6.3: `localhost` and the names below it never leave the machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class ServerClient:
    """One server. Made for a few requests and closed."""

    def __init__(self, origin: str) -> None:
        import httpx2

        self.origin = origin
        self._http: httpx2.Client = httpx2.Client(
            base_url=origin, timeout=TIMEOUT, follow_redirects=False, headers={"accept": "application/json"}
        )

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "ServerClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def own_path(self, address: object) -> str:
        """The path of an address on this very origin that the server gave us. Raises SERVER_ANSWER_INVALID."""
        if not isinstance(address, str):
            raise AppError(AppReason.SERVER_ANSWER_INVALID)
        parts = urlsplit(address)
        if f"{parts.scheme}://{parts.netloc}".lower() != self.origin:
            raise AppError(AppReason.SERVER_ANSWER_INVALID, N_("The server sends the Authenticator to another one."))
        return parts.path or "/"

    def get(self, path: str, *, token: str | None = None) -> Answer:
        return self._send("GET", path, token=token)

    def post(self, path: str, body: Mapping[str, object], *, token: str | None = None) -> Answer:
        return self._send("POST", path, token=token, json=body)

    def post_form(self, path: str, form: Mapping[str, str]) -> Answer:
        return self._send("POST", path, data=form)

    def delete(self, path: str, *, token: str) -> Answer:
        return self._send("DELETE", path, token=token)

    def _send(self, method: str, path: str, *, token: str | None = None, **content: Any) -> Answer:
        import httpx2

        headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            with self._http.stream(method, path, headers=headers, **content) as answer:
                received = bytearray()
                for part in answer.iter_bytes():
                    received += part
                    if len(received) > MOST_BYTES:
                        raise AppError(AppReason.SERVER_ANSWER_INVALID)
                status = answer.status_code
        except httpx2.ConnectError as error:
            is_untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
            raise AppError(AppReason.SERVER_UNTRUSTED if is_untrusted else AppReason.SERVER_UNREACHABLE) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise AppError(AppReason.SERVER_UNREACHABLE) from error
        if not received:
            return Answer(status, None)
        try:
            return Answer(status, json.loads(received))
        except ValueError as error:
            if status >= 500:
                raise AppError(
                    AppReason.SERVER_UNREACHABLE,
                    N_("The server cannot answer right now."),
                    N_("Try again in a minute."),
                ) from error
            raise AppError(AppReason.SERVER_ANSWER_INVALID) from error


def graph_refusal(answer: Answer) -> AppError:
    """A Graph error with our reason and next step in `innerError`, as a refusal in the server's own words."""
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    inner = error.get("innerError") if isinstance(error, dict) else None
    inner = inner if isinstance(inner, dict) else {}
    reason = _text(inner.get("reason"))
    message = _text(error.get("message")) if isinstance(error, dict) else ""
    if answer.status == 401 or reason == "fresh_mfa_required":
        return AppError(AppReason.SIGN_IN_NEEDED, server_reason=reason)
    return AppError(AppReason.SERVER_REFUSED, message, _text(inner.get("next")), server_reason=reason)


def _text(value: object) -> str:
    return value[:500] if isinstance(value, str) else ""


def _is_host(host: str) -> bool:
    return all(letter.isalnum() or letter in ".-:" for letter in host) and host.isascii()
