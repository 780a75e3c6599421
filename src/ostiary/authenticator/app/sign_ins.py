"""Adding an account: from the address of a server to a person who signed in there, in the system's browser."""

import logging
import secrets
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ostiary.authenticator.app import oauth
from ostiary.authenticator.app.accounts import Accounts
from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.server_client import ServerClient, parse_origin
from ostiary.authenticator.app.views import SignInStatus, SignInView, Topic
from ostiary.authenticator.ports import Clock

if TYPE_CHECKING:
    from ostiary.authenticator.app.redirect import RedirectListener

SIGN_IN_TIME: Final = 10 * 60_000
"""Milliseconds for a person who may have to find a second factor."""
MOST_SIGN_INS: Final = 4
_LOG: Final = logging.getLogger(__name__)


class _SignIn:
    def __init__(self, view: SignInView, listener: "RedirectListener", asked: oauth.Request) -> None:
        self.view = view
        self.listener = listener
        self.asked = asked
        self.is_cancelled = False
        self.over = threading.Event()


class SignIns:
    def __init__(self, accounts: Accounts, changes: Changes, clock: Clock) -> None:
        self._accounts = accounts
        self._changes = changes
        self._clock = clock
        self._guard = threading.Lock()
        self._all: dict[str, _SignIn] = {}

    def begin(self, server: str, *, login_hint: str = "") -> SignInView:
        origin = parse_origin(server)
        with self._guard:
            under_way = [one for one in self._all.values() if not one.over.is_set()]
        if len(under_way) >= MOST_SIGN_INS:
            raise AppError(AppReason.BUSY)
        from ostiary.authenticator.app.redirect import RedirectListener

        with ServerClient(origin) as client:
            metadata = oauth.discover(client)
        listener = RedirectListener()
        asked = oauth.request(metadata, redirect_uri=listener.redirect_uri, login_hint=login_hint)
        view = SignInView(
            id=secrets.token_urlsafe(9),
            server=origin,
            url=asked.url,
            status=SignInStatus.WAITING,
            account_id=None,
            reason="",
            message="",
            next="",
            expires_at=self._clock() + SIGN_IN_TIME,
        )
        sign_in = _SignIn(view, listener, asked)
        with self._guard:
            self._all[view.id] = sign_in
        listener.start(asked.state)
        threading.Thread(target=self._follow, args=(sign_in,), name="sign-in", daemon=True).start()
        return view

    def view(self, sign_in_id: str) -> SignInView:
        return self._find(sign_in_id).view

    def cancel(self, sign_in_id: str) -> None:
        sign_in = self._find(sign_in_id)
        sign_in.is_cancelled = True
        sign_in.listener.cancel()

    def wait(self, sign_in_id: str, cancelled: threading.Event | None = None) -> SignInView:
        sign_in = self._find(sign_in_id)
        while not sign_in.over.wait(0.2):
            if cancelled is not None and cancelled.is_set():
                self.cancel(sign_in_id)
        return sign_in.view

    def close(self) -> None:
        with self._guard:
            open_ones = tuple(self._all.values())
        for one in open_ones:
            one.is_cancelled = True
            one.listener.cancel()
        for one in open_ones:
            one.over.wait(2)

    def _find(self, sign_in_id: str) -> _SignIn:
        with self._guard:
            sign_in = self._all.get(sign_in_id)
        if sign_in is None:
            raise AppError(AppReason.SIGN_IN_UNKNOWN)
        return sign_in

    def _follow(self, sign_in: _SignIn) -> None:
        try:
            parameters = sign_in.listener.wait(SIGN_IN_TIME / 1000)
            sign_in.listener.close()
            if sign_in.is_cancelled:
                raise AppError(AppReason.CANCELLED)
            if parameters is None:
                raise AppError(AppReason.SIGN_IN_TIMED_OUT)
            self._show(sign_in, replace(sign_in.view, status=SignInStatus.WORKING))
            code = oauth.read_redirect(sign_in.asked, parameters)
            with ServerClient(sign_in.view.server) as client:
                tokens, person = oauth.redeem(client, sign_in.asked, code, now=self._clock())
            account = self._accounts.keep(sign_in.view.server, person, tokens)
            self._show(sign_in, replace(sign_in.view, status=SignInStatus.DONE, account_id=account.id))
        except AppError as error:
            self._fail(sign_in, error)
        except Exception:
            _LOG.exception("a sign-in failed")
            self._fail(sign_in, AppError(AppReason.FAILED))
        finally:
            sign_in.over.set()

    def _fail(self, sign_in: _SignIn, error: AppError) -> None:
        failed = replace(
            sign_in.view,
            status=SignInStatus.FAILED,
            reason=error.server_reason or error.reason.value,
            message=error.message,
            next=error.next,
        )
        self._show(sign_in, failed)

    def _show(self, sign_in: _SignIn, view: SignInView) -> None:
        sign_in.view = view
        self._changes.publish(Topic.SIGN_IN)
