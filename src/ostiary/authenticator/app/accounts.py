"""The work and school accounts kept here: who they are, and acting for them at their server.

Names are notes, readable while locked; refresh tokens are secrets, and access tokens live in memory alone.
"""

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from ostiary.authenticator.app import oauth
from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.codes import Codes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import N_, phrase
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.server_client import Answer, ServerClient, graph_refusal
from ostiary.authenticator.app.views import (
    AccountView,
    ConnectionStatus,
    Deletion,
    PasskeyView,
    StepKind,
    StepStatus,
    StepView,
    Topic,
)
from ostiary.authenticator.ports import Clock, Locked

NOTE: Final = "accounts"
METHODS: Final = "/v1.0/me/authentication"
EARLY: Final = 60_000
"""Milliseconds before its end that an access token is no longer used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: str
    server: str
    subject: str
    username: str
    display_name: str
    added_at: int
    organization: str = ""
    rp_id: str = ""
    device_id: str | None = None
    """What the server calls this Authenticator, once approvals are set up."""
    is_device_known: bool = True
    pending_passkey: str | None = None
    """Made here; whether the server took it is not known yet."""
    passkeys: dict[str, str] = field(default_factory=dict)
    """Credential ID, and what the server calls it."""
    code_method_id: str | None = None
    tunnel_domain: int | None = None
    """Of the organisation's tunnel service, for answering other computers (`nearby_domain`)."""
    steps: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def device_key(self) -> str:
        return f"approvals {self.id}"

    @property
    def token_name(self) -> str:
        return f"refresh token {self.id}"


class Accounts:
    def __init__(self, keys: AppKeys, changes: Changes, clock: Clock) -> None:
        self._keys = keys
        self._changes = changes
        self._clock = clock
        self._guard = threading.RLock()
        self._access: dict[str, tuple[str, int]] = {}
        self._refreshing: dict[str, threading.Lock] = {}

    # --- what is kept

    def all(self) -> Sequence[Account]:
        kept = self._keys.note(NOTE)
        known = {one.name for one in fields(Account)}
        return [Account(**{key: one[key] for key in one if key in known}) for one in json.loads(kept)] if kept else []

    def find(self, account_id: str) -> Account:
        for one in self.all():
            if one.id == account_id:
                return one
        raise AppError(AppReason.ACCOUNT_UNKNOWN)

    def change(self, account_id: str, change: Callable[[Account], Account]) -> Account:
        with self._guard:
            changed = change(self.find(account_id))
            self._write([changed if one.id == account_id else one for one in self.all()])
        self._changes.publish(Topic.ACCOUNTS)
        return changed

    def keep(self, server: str, person: oauth.Person, tokens: oauth.Tokens) -> Account:
        """A person that is here already is renewed."""
        with self._guard:
            accounts = list(self.all())
            for index, one in enumerate(accounts):
                if (one.server, one.subject) == (server, person.subject):
                    account = replace(one, username=person.username, display_name=person.name)
                    accounts[index] = account
                    break
            else:
                account = Account(
                    id=secrets.token_urlsafe(9),
                    server=server,
                    subject=person.subject,
                    username=person.username,
                    display_name=person.name,
                    added_at=self._clock(),
                )
                accounts.append(account)
            self._keep_tokens(account, tokens)
            self._write(accounts)
        self._changes.publish(Topic.ACCOUNTS, Topic.STATE)
        return account

    def note_step(self, account_id: str, step: StepView) -> None:
        kept = {key: str(value) for key, value in asdict(step).items() if key != "kind"}
        self.change(account_id, lambda one: replace(one, steps={**one.steps, step.kind.value: kept}))

    def remove(self, account_id: str, codes: Codes) -> Deletion:
        """Here always; at the server as far as it lets us. Its passkeys stay."""
        account = self.find(account_id)
        if not self._keys.is_unlocked:
            raise AppError(AppReason.LOCKED)
        is_gone = self._remove_at_server(account)
        codes.delete_of_account(account_id)
        with self._guard:
            self._write([one for one in self.all() if one.id != account_id])
        self._keys.delete_key(account.device_key)
        self._forget_tokens(account)
        self._changes.publish(Topic.ACCOUNTS, Topic.STATE)
        if is_gone:
            return Deletion(
                is_forgotten_by_server=True,
                message=phrase(N_("%(name)s is removed from this Authenticator."), name=account.username),
                next=N_("Its passkeys stay until you delete them."),
            )
        address = f"{account.server}/security-info"
        return Deletion(
            is_forgotten_by_server=False,
            message=phrase(
                N_("%(name)s is removed from this Authenticator. Its server still lists it."), name=account.username
            ),
            next=phrase(N_("Delete it also under Security info: %(address)s"), address=address),
            security_info_url=address,
        )

    def forget_all(self) -> None:
        """What is in memory; the rest goes with the key store."""
        with self._guard:
            self._access.clear()

    # --- acting for a person

    def call(self, account: Account, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        """The JSON of a good answer. Raises SIGN_IN_NEEDED, SERVER_REFUSED with the server's reason, or what
        `ServerClient` raises."""
        with ServerClient(account.server) as client:
            answer = self._send(client, method, path, body, self._access_token(client, account))
            if answer.status == 401 and not _wants_fresh_proof(answer):
                with self._guard:
                    self._access.pop(account.id, None)
                answer = self._send(client, method, path, body, self._access_token(client, account))
        if not answer.is_ok:
            raise graph_refusal(answer)
        return answer.body

    def is_signed_in(self, account: Account) -> bool:
        return account.token_name in self._keys.secret_names

    def view(self, account_id: str, *, connection: ConnectionStatus, passkeys: Sequence[PasskeyView]) -> AccountView:
        one = self.find(account_id)
        return AccountView(
            id=one.id,
            server=one.server,
            organization=one.organization or one.server.split("://")[1],
            rp_id=one.rp_id,
            username=one.username,
            display_name=one.display_name,
            is_signed_in=self.is_signed_in(one),
            connection=connection,
            steps=tuple(step_view(StepKind(kind), kept) for kind, kept in one.steps.items()),
            passkeys=tuple(passkey for passkey in passkeys if passkey.account_id == one.id),
            security_info_url=f"{one.server}/security-info",
            added_at=one.added_at,
        )

    # --- inside

    def _send(self, client: ServerClient, method: str, path: str, body: dict[str, object] | None, token: str) -> Answer:
        if method == "POST":
            return client.post(path, body or {}, token=token)
        return client.delete(path, token=token) if method == "DELETE" else client.get(path, token=token)

    def _access_token(self, client: ServerClient, account: Account) -> str:
        with self._one_refresh(account.id):
            token, expires_at = self._access.get(account.id, ("", 0))
            if self._clock() < expires_at - EARLY:
                return token
            refresh_token = self._refresh_token(account)
            if refresh_token is None:
                raise AppError(AppReason.SIGN_IN_NEEDED)
            try:
                tokens = oauth.refresh(client, oauth.discover(client), refresh_token)
            except AppError as error:
                if error.reason is AppReason.SIGN_IN_NEEDED:
                    self._forget_tokens(account)
                    self._changes.publish(Topic.ACCOUNTS)
                raise
            self._keep_tokens(account, tokens)
            return tokens.access_token

    @contextmanager
    def _one_refresh(self, account_id: str) -> Iterator[None]:
        """Refresh tokens rotate; two at once would look like a thief's (RFC 9700 §4.14)."""
        with self._guard:
            lock = self._refreshing.setdefault(account_id, threading.Lock())
        with lock:
            yield

    def _refresh_token(self, account: Account) -> str | None:
        try:
            kept = self._keys.secret(account.token_name)
        except Locked as error:
            raise AppError(AppReason.LOCKED) from error
        return kept.decode() if kept else None

    def _keep_tokens(self, account: Account, tokens: oauth.Tokens) -> None:
        """The new refresh token is durable before the access token is used: the old one is spent."""
        try:
            if tokens.refresh_token is not None:
                self._keys.put_secret(account.token_name, tokens.refresh_token.encode())
        except Locked as error:
            raise AppError(AppReason.LOCKED) from error
        with self._guard:
            self._access[account.id] = (tokens.access_token, self._clock() + tokens.expires_in * 1000)

    def _forget_tokens(self, account: Account) -> None:
        self._keys.delete_secret(account.token_name)
        with self._guard:
            self._access.pop(account.id, None)

    def _remove_at_server(self, account: Account) -> bool:
        paths = []
        if account.device_id:
            paths.append(f"{METHODS}/microsoftAuthenticatorMethods/{account.device_id}")
        if account.code_method_id:
            paths.append(f"{METHODS}/softwareOathMethods/{account.code_method_id}")
        is_gone = True
        for path in paths:
            try:
                self.call(account, "DELETE", path)
            except AppError as error:
                is_gone = is_gone and error.server_reason in GONE
        try:
            refresh_token = self._refresh_token(account)
            if refresh_token:
                with ServerClient(account.server) as client:
                    oauth.revoke(client, oauth.discover(client), refresh_token)
        except AppError:
            pass  # it expires by itself, and is forgotten here
        return is_gone

    def _write(self, accounts: Sequence[Account]) -> None:
        self._keys.put_note(NOTE, json.dumps([asdict(one) for one in accounts]).encode())


GONE: Final = frozenset({"method_unknown", "not_found", "method_not_found"})
"""The server's reasons for: it is not there, so that nothing is left to delete."""


def step_view(kind: StepKind, kept: dict[str, str]) -> StepView:
    return StepView(
        kind=kind,
        status=StepStatus(kept["status"]),
        message=kept["message"],
        next=kept["next"],
        reason=kept["reason"],
    )


def _wants_fresh_proof(answer: Answer) -> bool:
    return graph_refusal(answer).server_reason == "fresh_mfa_required"
