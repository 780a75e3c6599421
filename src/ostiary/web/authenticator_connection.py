"""`/v1.0/ostiary/authenticator/connection`: the one long connection of an Ostiary Authenticator, a WebSocket.

The device proves who it is by signing our nonce, and is then told what waits for its owner. It is told by the rows:
on connecting, and whenever an announcement wakes it, the connection looks what is pending now and says what changed.
So nothing is lost when either end starts again, and what a connection keeps is one identifier.
"""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from enum import IntEnum, StrEnum
from typing import Any, Final

import structlog
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ostiary.clock import SECOND
from ostiary.identity import approvals, limits
from ostiary.identity.caller import Caller
from ostiary.identity.methods import Subject
from ostiary.identity.methods.authenticator import Answer, Decision, Outcome
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import base64url
from ostiary.storage.announcements import Waiter, topic_of_person
from ostiary.storage.approvals import ApprovalRequest, Holder
from ostiary.web.site import Site
from ostiary.web.user_agent import split_client

PATH: Final = "/v1.0/ostiary/authenticator/connection"
LARGEST_MESSAGE: Final = 4096
MOST_MESSAGES: Final = 30
"""In a minute. A person answers one request in that time."""
MOST_STRANGERS: Final = 200
"""Connections that have not said yet who they are."""
MOST_STRANGERS_OF_A_NETWORK: Final = 40
_GREETING_WITHIN: Final = 10.0
_MINUTE: Final = 60.0
_CLIENT: Final = "Ostiary Authenticator"
log = structlog.get_logger()


class Ending(StrEnum):
    """Why a connection ends, beside the reasons of use cases."""

    MESSAGE_INVALID = "message_invalid"
    MESSAGE_TOO_LARGE = "message_too_large"
    TOO_MANY_MESSAGES = "too_many_messages"
    GREETING_OVERDUE = "greeting_overdue"
    REPLACED = "replaced"
    BUSY = "busy"


class _Code(IntEnum):
    """RFC 6455 §7.4.2: 4000 to 4999 are ours."""

    INVALID = 4400
    DEVICE_UNKNOWN = 4401
    FORBIDDEN = 4403
    OVERDUE = 4408
    REPLACED = 4409
    TOO_MANY = 4429
    BUSY = 1013


_CODES: Final[Mapping[str, _Code]] = {
    Reason.DEVICE_UNKNOWN: _Code.DEVICE_UNKNOWN,
    Reason.ACCOUNT_DISABLED: _Code.FORBIDDEN,
    Ending.MESSAGE_INVALID: _Code.INVALID,
    Ending.MESSAGE_TOO_LARGE: _Code.INVALID,
    Ending.TOO_MANY_MESSAGES: _Code.TOO_MANY,
    Ending.GREETING_OVERDUE: _Code.OVERDUE,
    Ending.REPLACED: _Code.REPLACED,
    Ending.BUSY: _Code.BUSY,
}
_RESULTS: Final = {
    # in the words of the connection, where they are not the outcome's own
    Reason.APPROVAL_UNKNOWN: "unknown",
    Reason.APPROVAL_ANSWERED: "answered",
    Reason.APPROVAL_EXPIRED: "expired",
    Reason.APPROVAL_CANCELLED: "cancelled",
}


class End(Exception):
    """The connection is over, and the device is told why."""

    def __init__(self, why: StrEnum) -> None:
        super().__init__(why.value)
        self.why = why


class AuthenticatorConnections:
    """The ASGI application of the route."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._strangers: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        origin = websocket.headers.get("origin")
        if origin is not None and origin not in self._site.relying_party.origins:
            await websocket.close(_Code.FORBIDDEN)  # a page of another site: no Authenticator sends an origin
            return
        await websocket.accept()
        conversation = _Conversation(self._site, websocket)
        try:
            network = limits.network(conversation.caller)
            if self._strangers.total() >= MOST_STRANGERS or self._strangers[network] >= MOST_STRANGERS_OF_A_NETWORK:
                raise End(Ending.BUSY)
            self._strangers[network] += 1
            try:
                holder = await conversation.greet()
            finally:
                self._strangers[network] -= 1
                self._strangers += Counter()  # forgets those with none left
            await conversation.converse(holder)
        except End as end:
            await _refuse(websocket, end.why)
        except Refusal as refusal:
            await _refuse(websocket, refusal.reason)
        except WebSocketDisconnect:
            pass
        except Exception:
            log.exception("connection of an Authenticator failed")
            with suppress(WebSocketDisconnect, RuntimeError):
                await websocket.close(1011)


async def _refuse(websocket: WebSocket, why: StrEnum) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # it went first
        await websocket.send_text(_dump({"type": "refused", "reason": why.value}))
        await websocket.close(_CODES.get(why.value, _Code.FORBIDDEN), why.value)


class _Conversation:
    def __init__(self, site: Site, websocket: WebSocket) -> None:
        self._site = site
        self._websocket = websocket
        self.caller = Caller(websocket.client.host if websocket.client else "", _CLIENT)
        self._window_began = asyncio.get_running_loop().time()
        self._received = 0
        self._shown: str | None = None

    # --- who it is

    async def greet(self) -> Holder:
        """Raises `Refusal(DEVICE_UNKNOWN)` for an unknown device and for a wrong signature alike."""
        nonce = secrets.token_bytes(32)
        await self._send({"type": "challenge", "nonce": base64url.encode(nonce)})
        try:
            async with asyncio.timeout(_GREETING_WITHIN):
                hello = await self._receive()
        except TimeoutError as error:
            raise End(Ending.GREETING_OVERDUE) from error
        if hello.get("type") != "hello":
            raise End(Ending.MESSAGE_INVALID)
        device_id, signature = _text(hello, "device"), _bytes(hello, "signature")
        holder = await self._site.database.read(approvals.find_holder, device_id)
        if not self._site.methods.authenticator.is_connection_signed(holder.device.public_key, signature, nonce):
            raise Refusal(Reason.DEVICE_UNKNOWN)
        approvals.require_enabled(holder)
        return holder

    async def converse(self, holder: Holder) -> None:
        """Until either end has enough."""
        connection = secrets.token_urlsafe(16)
        with self._site.announcer.listen(topic_of_person(holder.person.id)) as waiter:
            await self._site.database.write(approvals.connect, holder, connection)
            await self._send({"type": "ready"})
            works = [
                asyncio.create_task(self._answer(holder)),
                asyncio.create_task(self._watch(holder, connection, waiter)),
            ]
            try:  # both go on for ever, so whichever ends first raises what ends the connection
                done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
                done.pop().result()
            finally:
                for work in works:
                    work.cancel()
                await asyncio.wait(works)

    # --- what waits

    async def _watch(self, holder: Holder, connection: str, waiter: Waiter) -> None:
        device_id = holder.device.method_id
        while True:
            now = self._site.clock()
            seen = await self._site.database.read(approvals.look, device_id, connection, self._shown, now=now)
            if seen.ended is not None:
                raise Refusal(seen.ended)
            if seen.is_replaced:
                raise End(Ending.REPLACED)
            pending = seen.pending
            if self._shown is not None and (pending is None or pending.id != self._shown):
                await self._withdraw(seen.shown, device_id)
            if pending is not None and pending.id != self._shown:
                self._shown = pending.id
                await self._send(self._request(pending))
            # one millisecond more, for a request is over when its last one is
            left = None if pending is None else max(1, pending.expires_at - now + 1) / SECOND
            await waiter.wait(left)

    async def _withdraw(self, request: ApprovalRequest | None, device_id: str) -> None:
        """A request this device was told of is over. Of its own answer it hears the result instead."""
        shown, self._shown = self._shown, None
        if request is not None and request.method_id == device_id:
            return
        why = "expired"
        if request is not None and request.answered_at is not None:
            why = "cancelled" if request.outcome == Outcome.CANCELLED else "answered"
        await self._send({"type": "none", "id": shown, "why": why})

    def _request(self, request: ApprovalRequest) -> dict[str, Any]:
        """Never the number."""
        browser, system = split_client(request.client)
        return {
            "type": "approval",
            "id": request.id,
            "username": request.username,
            "app": self._site.relying_party.name,
            "address": request.address,
            "place": None,  # we keep no database of where addresses are
            "client": f"{browser} on {system}" if browser and system else browser or system,
            "is_passwordless": request.is_passwordless,
            "expires_at": request.expires_at,
            "nonce": base64url.encode(request.nonce),
        }

    # --- what it says

    async def _answer(self, holder: Holder) -> None:
        while True:
            message = await self._receive()
            if message.get("type") != "answer":
                raise End(Ending.MESSAGE_INVALID)
            answer = parse_answer(message, holder.device.method_id)
            result = await self._judge(answer, holder)
            await self._send({"type": "result", "id": answer.id, "result": result})

    async def _judge(self, answer: Answer, holder: Holder) -> str:
        site, method, now = self._site, self._site.methods.authenticator, self._site.clock()
        subject = Subject(self.caller, b"", now, holder.person.username, holder.person)
        try:
            material = await site.database.write(method.load, subject, answer)
        except Refusal as refusal:
            site.metrics.refusals.labels(refusal.reason.value).inc()
            if refusal.reason in _RESULTS:
                return _RESULTS[Reason(refusal.reason)]
            raise
        judged: Refusal | None = None
        try:
            method.verify(material, answer)
        except Refusal as refusal:
            site.metrics.refusals.labels(refusal.reason.value).inc()
            judged = refusal
        return (await site.database.write(approvals.settle, material, judged, now=now)).value

    # --- messages

    async def _send(self, message: Mapping[str, Any]) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            raise WebSocketDisconnect
        await self._websocket.send_text(_dump(message))

    async def _receive(self) -> dict[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        now = asyncio.get_running_loop().time()
        if now - self._window_began > _MINUTE:
            self._window_began, self._received = now, 0
        self._received += 1
        if self._received > MOST_MESSAGES:
            raise End(Ending.TOO_MANY_MESSAGES)
        return parse_message(message.get("text"))


def parse_message(text: str | None) -> dict[str, Any]:
    """Raises what ends the connection."""
    if text is None:
        raise End(Ending.MESSAGE_INVALID)
    if len(text) > LARGEST_MESSAGE:
        raise End(Ending.MESSAGE_TOO_LARGE)
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise End(Ending.MESSAGE_INVALID) from error
    if not isinstance(message, dict):
        raise End(Ending.MESSAGE_INVALID)
    return message


def parse_answer(message: Mapping[str, Any], device_id: str) -> Answer:
    number, is_verified = message.get("number"), message.get("is_verified")
    if not isinstance(is_verified, bool) or not (number is None or isinstance(number, str)):
        raise End(Ending.MESSAGE_INVALID)
    try:
        decision = Decision(str(message.get("decision")))
    except ValueError as error:
        raise End(Ending.MESSAGE_INVALID) from error
    return Answer(_text(message, "id"), device_id, decision, number, is_verified, _bytes(message, "signature"))


def _text(message: Mapping[str, Any], name: str) -> str:
    """What a database may look up, and so neither empty nor with a NUL or half a character in it."""
    value = message.get(name)
    if not isinstance(value, str) or not value or not value.isprintable() or not value.isascii():
        raise End(Ending.MESSAGE_INVALID)
    return value


def _bytes(message: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64url.decode(_text(message, name))
    except ValueError as error:
        raise End(Ending.MESSAGE_INVALID) from error


def _refuse_constant(name: str) -> object:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _dump(message: Mapping[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
