"""The authenticator as the client sees it: CTAP 2.1 messages out, answers or the reason there is none back."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol

from fido2 import cbor
from fido2.ctap import CtapError

from ostiary.authenticator.client.errors import ClientError, ClientReason, not_allowed
from ostiary.authenticator.ports import Exchange

MAKE_CREDENTIAL: Final = 0x01
GET_ASSERTION: Final = 0x02
GET_INFO: Final = 0x04
CLIENT_PIN: Final = 0x06
LARGE_BLOBS: Final = 0x0C

_LONGEST_ID: Final = 1023  # WebAuthn L3 §5.8.3, when the authenticator names no limit


class Ctap2(Protocol):
    """What carries messages to an authenticator: the engine itself, or a way to it."""

    def ctap2(self, request: bytes, exchange: Exchange | None = None) -> bytes: ...


class Authenticator:
    """One ceremony's view of it."""

    def __init__(self, device: Ctap2, exchange: Exchange) -> None:
        self._device = device
        self.exchange = exchange

    def send(self, command: int, parameters: Mapping[int, Any] | None = None) -> Mapping[int, Any]:
        """Raises `CtapError`. Members that are None are left out."""
        request = bytes([command])
        if parameters is not None:
            request += cbor.encode({key: value for key, value in parameters.items() if value is not None})
        answer = self._device.ctap2(request, self.exchange)
        if not answer or answer[0]:
            raise CtapError(answer[0] if answer else CtapError.ERR.OTHER)
        members = cbor.decode(answer[1:]) if len(answer) > 1 else {}
        if not isinstance(members, Mapping):
            raise CtapError(CtapError.ERR.OTHER)
        return members

    @cached_property
    def info(self) -> Mapping[int, Any]:
        return self.send(GET_INFO)

    @property
    def extensions(self) -> Sequence[str]:
        return list(self.info.get(0x02, ()))

    @property
    def options(self) -> Mapping[str, bool]:
        return dict(self.info.get(0x04, {}))

    @property
    def pin_protocols(self) -> Sequence[int]:
        return list(self.info.get(0x06, ()))

    @property
    def most_listed(self) -> int:
        return self.info.get(0x07) or 1

    @property
    def longest_id(self) -> int:
        return self.info.get(0x08) or _LONGEST_ID

    @property
    def algorithms(self) -> Sequence[int]:
        return [one["alg"] for one in self.info.get(0x0A, ()) if one.get("type") == "public-key"]

    @property
    def can_verify(self) -> bool:
        return self.options.get("uv") is True

    def lists(self, ids: Sequence[bytes]) -> list[list[dict[str, Any]]]:
        """Descriptors in lists it takes; IDs too long for it are no credential of its own."""
        usable = [{"id": one, "type": "public-key"} for one in ids if len(one) <= self.longest_id]
        return [usable[start : start + self.most_listed] for start in range(0, len(usable), self.most_listed)]

    def find(self, rp_id: str, ids: Sequence[bytes]) -> bytes | None:
        """The first of these that is here, asking nobody (CTAP 2.1 §6.2.1, option `up`)."""
        for listed in self.lists(ids):
            try:
                answer = self.send(GET_ASSERTION, {1: rp_id, 2: bytes(32), 3: listed, 5: {"up": False}})
            except CtapError as error:
                if error.code != CtapError.ERR.NO_CREDENTIALS:
                    raise
                continue
            credential = answer.get(1)
            return bytes((credential or listed[0])["id"])
        return None


class Timeouts(NamedTuple):
    """Milliseconds. WebAuthn L3 §15.1: people need time, whatever a relying party thinks."""

    usual: float = 300_000
    least: float = 300_000
    most: float = 600_000

    def adjust(self, asked: float | None) -> float:
        return self.usual if asked is None else min(max(asked, self.least), self.most)


@contextmanager
def conducting(exchange: Exchange, timeout: float) -> Iterator[None]:
    """Ends the exchange when its time is over, and says in WebAuthn's words how it went wrong."""
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        exchange.cancelled.set()

    if exchange.cancelled.is_set():
        raise _aborted()
    timer = threading.Timer(timeout / 1000, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except CtapError as error:
        raise _client_error(error, timed_out=is_over.is_set()) from error
    finally:
        timer.cancel()


def _aborted() -> ClientError:
    return ClientError("AbortError", ClientReason.CANCELLED, "The request was aborted.")


def _client_error(error: CtapError, *, timed_out: bool) -> ClientError:
    if error.code == CtapError.ERR.KEEPALIVE_CANCEL:
        return not_allowed(ClientReason.TIMED_OUT) if timed_out else _aborted()
    if error.code == CtapError.ERR.CREDENTIAL_EXCLUDED:
        return ClientError(
            "InvalidStateError",
            ClientReason.ALREADY_REGISTERED,
            "One of the excluded passkeys is in this authenticator already.",
        )
    if error.code == CtapError.ERR.UNSUPPORTED_ALGORITHM:
        return unsupported_algorithm()
    return not_allowed(_REASONS.get(error.code, ClientReason.AUTHENTICATOR_FAILED), detail=str(error))


def unsupported_algorithm() -> ClientError:
    return ClientError(
        "NotSupportedError",
        ClientReason.ALGORITHM_UNSUPPORTED,
        "This authenticator signs by none of the algorithms in pubKeyCredParams.",
    )


_REASONS: Final[Mapping[int, ClientReason]] = {
    CtapError.ERR.NO_CREDENTIALS: ClientReason.NO_PASSKEY,
    CtapError.ERR.OPERATION_DENIED: ClientReason.DECLINED,
    CtapError.ERR.UV_INVALID: ClientReason.DECLINED,
    CtapError.ERR.USER_ACTION_TIMEOUT: ClientReason.TIMED_OUT,
    CtapError.ERR.ACTION_TIMEOUT: ClientReason.TIMED_OUT,
    CtapError.ERR.UV_BLOCKED: ClientReason.PIN_BLOCKED,
    CtapError.ERR.PIN_BLOCKED: ClientReason.PIN_BLOCKED,
    CtapError.ERR.PIN_AUTH_BLOCKED: ClientReason.PIN_BLOCKED,
    CtapError.ERR.PIN_NOT_SET: ClientReason.VERIFICATION_UNAVAILABLE,
    CtapError.ERR.PUAT_REQUIRED: ClientReason.VERIFICATION_UNAVAILABLE,
    CtapError.ERR.UNSUPPORTED_OPTION: ClientReason.VERIFICATION_UNAVAILABLE,
    CtapError.ERR.INVALID_OPTION: ClientReason.VERIFICATION_UNAVAILABLE,
    CtapError.ERR.KEY_STORE_FULL: ClientReason.STORE_FULL,
    CtapError.ERR.REQUEST_TOO_LARGE: ClientReason.TOO_LARGE,
    CtapError.ERR.LIMIT_EXCEEDED: ClientReason.TOO_LARGE,
}
