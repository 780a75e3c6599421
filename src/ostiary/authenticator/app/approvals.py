"""Approving sign-ins: a connection for each account, kept open across restarts of either end, and the answer.

Nothing polls: the server sends what is pending, on connecting and whenever it changes. A connection needs the device
key and so an unlocked Authenticator; one that is open stays so when it locks, for what arrives is answered by PIN.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ostiary.authenticator.app import device_connection as protocol
from ostiary.authenticator.app.accounts import Account, Accounts
from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.prompts import PromptBoard
from ostiary.authenticator.app.views import ApprovalResult, ApprovalView, ConnectionStatus, Topic
from ostiary.authenticator.ports import Clock, Locked

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

PING_EVERY: Final = 20.0
GREETING_WITHIN: Final = 10.0
ANSWERED_WITHIN: Final = 15.0
_CANCEL_CHECK: Final = 0.2
FORGOTTEN: Final = frozenset({"device_unknown"})
_LOG: Final = logging.getLogger(__name__)


class _Refused(Exception):
    """The server will not have this Authenticator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Pending:
    def __init__(self, view: ApprovalView, nonce: str, link: "_Link") -> None:
        self.view = view
        self.nonce = nonce
        self.link = link


class _Link:
    """One account's connection, as far as it is there."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.status = ConnectionStatus.CONNECTING
        self.socket: ClientConnection | None = None
        self.pending: _Pending | None = None
        self.results: dict[str, asyncio.Future[str]] = {}


class Approvals:
    def __init__(self, keys: AppKeys, accounts: Accounts, board: PromptBoard, changes: Changes, clock: Clock) -> None:
        self._keys = keys
        self._accounts = accounts
        self._board = board
        self._changes = changes
        self._clock = clock
        self._links: dict[str, _Link] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answering = threading.Lock()
        self._arrived = threading.Condition()

    # --- for faces

    def pending(self) -> tuple[ApprovalView, ...]:
        now = self._clock()
        found = [one.pending.view for one in tuple(self._links.values()) if one.pending is not None]
        return tuple(sorted((one for one in found if one.expires_at > now), key=lambda one: -one.expires_at))

    def wait(self, seconds: float, cancelled: threading.Event) -> tuple[ApprovalView, ...]:
        until = self._clock() + seconds * 1000
        with self._arrived:
            while not (found := self.pending()) and self._clock() < until and not cancelled.is_set():
                self._arrived.wait(_CANCEL_CHECK)
        return found

    def connection(self, account_id: str) -> ConnectionStatus:
        account = self._accounts.find(account_id)
        if account.device_id is None:
            return ConnectionStatus.OFF
        if not account.is_device_known:
            return ConnectionStatus.REFUSED
        link = self._links.get(account_id)
        if link is None:
            return ConnectionStatus.CONNECTING if self._keys.is_unlocked else ConnectionStatus.LOCKED
        if link.status is ConnectionStatus.CONNECTING and not self._keys.is_unlocked:
            return ConnectionStatus.LOCKED
        return link.status

    def approve(self, approval_id: str, *, number: str | None, pin: str) -> ApprovalResult:
        """The number's form and the request are looked at before a try of the PIN is spent."""
        return self._approve(approval_id, number, lambda _: self._board.check_pin(pin))

    def approve_by_fingerprint(self, approval_id: str, *, number: str | None) -> ApprovalResult:
        over = threading.Event()

        def verify(pending: _Pending) -> None:
            self._board.verify_fingerprint(over, (pending.view.expires_at - self._clock()) / 1000)

        return self._approve(approval_id, number, verify)

    def refuse(self, approval_id: str, *, is_report: bool, pin: str) -> ApprovalResult:
        """Saying no takes no proof of who says so, but the device key, and so an unlocked Authenticator: `pin` is
        judged where it is locked, and nowhere else."""
        pending = self._find(approval_id)
        if not self._keys.is_unlocked:
            self._board.check_pin(pin)
        return self._answer(pending, "report" if is_report else "decline", None, is_verified=False)

    def _approve(self, approval_id: str, number: str | None, verify: Callable[[_Pending], None]) -> ApprovalResult:
        pending = self._find(approval_id)
        if number is not None:
            number = number.strip()
            if len(number) != 2 or not number.isascii() or not number.isdigit():
                raise AppError(AppReason.NUMBER_INVALID)
        verify(pending)
        return self._answer(self._find(approval_id), "approve", number, is_verified=True)

    # --- for the loop

    async def run(self) -> None:
        """Starts and ends connections as accounts come and go, and once the Authenticator is unlocked."""
        self._loop = asyncio.get_running_loop()
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            with self._changes.subscribe() as topics:
                self._reconcile(tasks)
                async for topic in topics:
                    if topic in (Topic.ACCOUNTS, Topic.STATE):
                        self._reconcile(tasks)
        finally:
            self._loop = None
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    def _reconcile(self, tasks: dict[str, asyncio.Task[None]]) -> None:
        wanted = {one.id: one for one in self._accounts.all() if one.device_id is not None and one.is_device_known}
        for account_id, task in tuple(tasks.items()):
            link = self._links.get(account_id)
            is_stale = account_id not in wanted or (
                link is not None and link.account.device_id != wanted[account_id].device_id
            )
            if task.done() or is_stale:
                task.cancel()
                del tasks[account_id]
        if not self._keys.is_unlocked:
            return
        for account_id, account in wanted.items():
            if account_id not in tasks:
                tasks[account_id] = asyncio.create_task(self._keep_connected(account))

    async def _keep_connected(self, account: Account) -> None:
        """`connect` tries again by itself, later and later (its `reconnect_delays`)."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed

        link = self._links[account.id] = _Link(account)
        try:
            async for socket in connect(
                protocol.address_of(account.server),
                max_size=protocol.LARGEST_MESSAGE,
                ping_interval=PING_EVERY,
                ping_timeout=PING_EVERY,
                process_exception=lambda error: None,  # whatever it is, the server may be back later
                user_agent_header=None,
            ):
                try:
                    await self._converse(link, socket)
                except (ConnectionClosed, TimeoutError, protocol.BadMessage) as error:
                    _LOG.info("connection to %s ended: %s", account.server, error or type(error).__name__)
                except Locked:
                    return  # `_reconcile` begins anew at the next unlocking
                except _Refused as refused:
                    if refused.reason in FORGOTTEN:
                        self._accounts.change(account.id, lambda one: replace(one, is_device_known=False))
                        return
                    _LOG.info("%s refused the connection: %s", account.server, refused.reason)
                finally:
                    self._disconnected(link)
                    await socket.close()
        except AppError as error:
            _LOG.info("connection to %s given up: %s", account.server, error)
        finally:
            if self._links.get(account.id) is link:
                del self._links[account.id]
            self._changes.publish(Topic.ACCOUNTS, Topic.APPROVALS)

    async def _converse(self, link: _Link, socket: "ClientConnection") -> None:
        account = link.account
        async with asyncio.timeout(GREETING_WITHIN):
            challenge = protocol.parse(await socket.recv())
            greeting = await asyncio.to_thread(
                protocol.hello,
                challenge,
                device_id=account.device_id or "",
                origin=account.server,
                sign=lambda message: self._keys.sign_with(account.device_key, message),
            )
            await socket.send(greeting)
            self._require_ready(protocol.parse(await socket.recv()))
        link.socket, link.status = socket, ConnectionStatus.CONNECTED
        self._changes.publish(Topic.APPROVALS)
        async for text in socket:
            self._take(link, protocol.parse(text))

    def _require_ready(self, message: Any) -> None:
        if message["type"] == "refused":
            raise _Refused(str(message.get("reason")))
        if message["type"] != "ready":
            raise protocol.BadMessage

    def _take(self, link: _Link, message: Any) -> None:
        match message["type"]:
            case "approval":
                organization = self._accounts.find(link.account.id).organization
                view, nonce = protocol.approval(
                    message, account_id=link.account.id, organization=organization, now=self._clock()
                )
                link.pending = _Pending(view, nonce, link)
                with self._arrived:
                    self._arrived.notify_all()
            case "none":
                if link.pending is not None and link.pending.view.id == message.get("id"):
                    link.pending = None
            case "result":
                result = link.results.get(str(message.get("id")))
                if result is not None and not result.done():
                    result.set_result(str(message.get("result")))
            case "refused":
                raise _Refused(str(message.get("reason")))
            case _:
                return  # a later server's; nothing for us
        self._changes.publish(Topic.APPROVALS, Topic.STATE)

    def _disconnected(self, link: _Link) -> None:
        link.socket, link.pending, link.status = None, None, ConnectionStatus.CONNECTING
        for result in link.results.values():
            if not result.done():
                result.cancel()
        self._changes.publish(Topic.APPROVALS)

    # --- the answer

    def _find(self, approval_id: str) -> _Pending:
        for link in tuple(self._links.values()):
            pending = link.pending
            if pending is not None and pending.view.id == approval_id and pending.view.expires_at > self._clock():
                return pending
        raise AppError(AppReason.APPROVAL_OVER)

    def _answer(self, pending: _Pending, decision: str, number: str | None, *, is_verified: bool) -> ApprovalResult:
        account = pending.link.account
        if not self._answering.acquire(blocking=False):
            raise AppError(AppReason.BUSY)
        try:
            message = protocol.answer(
                id=pending.view.id,
                nonce=pending.nonce,
                decision=decision,
                number=number,
                is_verified=is_verified,
                origin=account.server,
                sign=lambda data: self._keys.sign_with(account.device_key, data),
            )
            loop = self._loop
            if loop is None:
                raise AppError(AppReason.NOT_CONNECTED)
            result = asyncio.run_coroutine_threadsafe(self._send(pending, message), loop).result()
        except Locked as error:
            raise AppError(AppReason.LOCKED) from error
        finally:
            self._answering.release()
        match result:
            case "approved" | "declined" | "reported":
                return ApprovalResult(result)
            case "wrong_number":
                raise AppError(AppReason.NUMBER_WRONG)
            case "expired" | "cancelled" | "answered" | "unknown":
                raise AppError(AppReason.APPROVAL_OVER, server_reason=result)
            case _:
                raise AppError(AppReason.SERVER_REFUSED, server_reason=result)

    async def _send(self, pending: _Pending, message: str) -> str:
        from websockets.exceptions import ConnectionClosed

        link = pending.link
        if link.socket is None:
            raise AppError(AppReason.NOT_CONNECTED)
        result = link.results[pending.view.id] = asyncio.get_running_loop().create_future()
        try:
            await link.socket.send(message)
            async with asyncio.timeout(ANSWERED_WITHIN):
                answered: str = await result
                return answered
        except (ConnectionClosed, TimeoutError, asyncio.CancelledError) as error:
            raise AppError(AppReason.NOT_CONNECTED) from error
        finally:
            link.results.pop(pending.view.id, None)
            if link.pending is pending:
                link.pending = None
            self._changes.publish(Topic.APPROVALS, Topic.STATE)
