"""The real app over real HTTP: the service, a key store in memory, the engine, and the pages on a loopback port."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Self

import httpx2 as httpx
import uvicorn

from ostiary.authenticator import Engine
from ostiary.authenticator.app.accounts import Account as Account_
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import ApprovalResult, ApprovalView, PromptView, State, Topic
from ostiary.authenticator.app.web.application import Application, build_application
from ostiary.authenticator.keys import memory_key_store
from ostiary.authenticator.ports import Account, Decision, Exchange, NewCredential, Prompt, Purpose
from ostiary.clock import system_clock

PIN = "sesame-42"
WITHIN = 5.0
NUMBER = "42"


class ServiceWithApproval(AuthenticatorService):
    """Plays the account's server for approvals: one request, which expects `NUMBER`. The PIN is judged for real."""

    pending: ApprovalView | None = None

    def begin_approval(self, *, expires_in: int = 60_000) -> ApprovalView:
        self.pending = ApprovalView(
            id="approval-1",
            account_id="contoso",
            organization="Contoso",
            username="ada@contoso.example",
            app="Contoso Expenses",
            address="203.0.113.7",
            place="Utrecht, Netherlands",
            client="Chrome on Windows",
            is_passwordless=False,
            expires_at=system_clock() + expires_in,
        )
        self._changes.publish(Topic.APPROVALS, Topic.STATE)
        return self.pending

    def approvals(self) -> tuple[ApprovalView, ...]:
        return (self.pending,) if self.pending else ()

    def answer_approval(self, approval_id: str, *, number: str | None, pin: str) -> ApprovalResult:
        if number is None or not re.fullmatch("[0-9]{2}", number):
            raise AppError(AppReason.NUMBER_INVALID)
        self.prompts.check_pin(pin)
        self._end()
        if number != NUMBER:
            raise AppError(AppReason.NUMBER_WRONG)
        return ApprovalResult.APPROVED

    def decline_approval(self, approval_id: str, *, pin: str = "") -> ApprovalResult:
        self._unlock_by(pin)
        self._end()
        return ApprovalResult.DECLINED

    def report_approval(self, approval_id: str, *, pin: str = "") -> ApprovalResult:
        self._unlock_by(pin)
        self._end()
        return ApprovalResult.REPORTED

    def _unlock_by(self, pin: str) -> None:
        if not self.keys.is_unlocked:
            self.prompts.check_pin(pin)

    def _end(self) -> None:
        self.pending = None
        self._changes.publish(Topic.APPROVALS, Topic.STATE)


class Asked:
    """A question that waits for its person, as the engine would ask it."""

    def __init__(self, service: AuthenticatorService, prompt: Prompt) -> None:
        self._decisions: list[Decision] = []
        self.exchange = Exchange(source="Chromium on this computer")
        shown = threading.Event()
        self.exchange.on_waiting = shown.set
        self._thread = threading.Thread(
            target=lambda: self._decisions.append(service.prompts.ask(prompt, self.exchange)), daemon=True
        )
        self._thread.start()
        assert shown.wait(WITHIN)
        view = service.prompt()
        assert view is not None
        self.view: PromptView = view

    def decision(self) -> Decision:
        self._thread.join(WITHIN)
        assert self._decisions, "nobody answered"
        return self._decisions[0]

    def cancel(self) -> None:
        self.exchange.cancelled.set()
        self._thread.join(WITHIN)


class _Server(uvicorn.Server):
    """Ends the open streams first, as the app's own runner does."""

    def __init__(self, config: uvicorn.Config, pages: Application) -> None:
        super().__init__(config)
        self._pages = pages

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._pages.end_streams()
        await super().shutdown(sockets)


class RunningApp:
    def __init__(self, pin: str | None = PIN) -> None:
        self.keys = memory_key_store(pin=pin)
        self.service = ServiceWithApproval(
            self.keys, make_engine=lambda keys, verifier: Engine(keys=keys, verifier=verifier)
        )
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.start_token = "start-token"
        self._pages = build_application(self.service, token=self.start_token, port=self.port)
        config = uvicorn.Config(
            self._pages, lifespan="off", log_level="warning", ws="none", timeout_graceful_shutdown=1
        )
        self._server = _Server(config, self._pages)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(WITHIN)
        self._socket.close()
        self.service.close()

    @property
    def state(self) -> State:
        return self.service.state()

    def add_passkey(self, rp_id: str = "login.contoso.example", name: str = "ada@contoso.example") -> str:
        self.service.keys.add(
            NewCredential(
                rp_id=rp_id,
                rp_name="Contoso",
                user_handle=name.encode(),
                user_name=name,
                user_display_name="Ada Lovelace",
                algorithm=-7,
                created_at=system_clock(),
            )
        )
        return next(one.id for one in self.service.passkeys() if one.rp_id == rp_id)

    def prompt(self, purpose: Purpose = Purpose.SIGN_IN, *names: str, rp_id: str = "login.contoso.example") -> Prompt:
        return Prompt(
            purpose=purpose,
            rp_id=rp_id,
            accounts=tuple(Account(name.encode(), name, name.title()) for name in names or ("ada@contoso.example",)),
            needs_verification=True,
        )

    def ask(self, purpose: Purpose = Purpose.SIGN_IN, *names: str) -> Asked:
        return Asked(self.service, self.prompt(purpose, *names))

    def add_account(self, passkey_id: str | None = None) -> str:
        """As `set_up` leaves it. Its server is not there: nothing listens on that port."""
        account = Account_(
            id="contoso",
            server="http://localhost:9",
            subject="ada",
            username="ada@contoso.example",
            display_name="Ada Lovelace",
            added_at=system_clock(),
            organization="Contoso",
            rp_id="login.contoso.example",
            passkeys={passkey_id: "method"} if passkey_id else {},
        )
        self.keys.put_note("accounts", json.dumps([asdict(account)]).encode())
        return account.id

    @contextmanager
    def client(self, **headers: str) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.origin, headers=headers, timeout=WITHIN) as client:
            yield client


class Reader:
    """A browser of the person who started the app: same origin, their cookie, the secret path."""

    def __init__(self, app: RunningApp, client: httpx.Client) -> None:
        self.app = app
        self.client = client
        entered = client.get("/", params={"token": app.start_token})
        assert entered.status_code == 303, entered.text
        self.root = entered.headers["location"].removesuffix("/accounts")

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(self.root + path, headers={"sec-fetch-site": "same-origin", **headers})

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        sent = {"origin": self.app.origin, "sec-fetch-site": "same-origin", **(headers or {})}
        return self.client.post(self.root + path, data=form, headers=sent)

    def goes_to(self, answer: httpx.Response) -> str:
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"]).removeprefix(self.root)
