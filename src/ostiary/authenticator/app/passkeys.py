"""The passkeys kept here, as a person looks at them, and deleting one at both its ends."""

import json
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ostiary.authenticator.app.accounts import GONE, METHODS, Account, Accounts
from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import N_, phrase
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.server_facts import SETUP, registered_passkeys
from ostiary.authenticator.app.views import Deletion, PasskeyView, Topic
from ostiary.authenticator.ports import Credential

ATTESTED: Final = "attested passkeys"
ASKED_FIRST: Final = {
    "last_strong_method": AppReason.LAST_STRONG_METHOD,
    "fresh_mfa_required": AppReason.FRESH_SIGN_IN_NEEDED,
}
"""The server's reasons for: not before the person was asked."""
_ALGORITHMS: Final = {-7: "ES256", -8: "EdDSA"}


class Passkeys:
    def __init__(self, keys: AppKeys, accounts: Accounts, changes: Changes) -> None:
        self._keys = keys
        self._accounts = accounts
        self._changes = changes
        self._guard = threading.Lock()

    def all(self) -> tuple[PasskeyView, ...]:
        accounts = self._accounts.all()
        attested = self._attested()
        views = [self._view(one, accounts, attested) for one in self._keys.credentials()]
        return tuple(sorted(views, key=lambda one: (one.rp_id, one.user_name.casefold(), one.id)))

    def view(self, passkey_id: str) -> PasskeyView:
        return self._view(self._find(passkey_id), self._accounts.all(), self._attested())

    def delete(self, passkey_id: str, *, is_understood: bool, is_here_only: bool) -> Deletion:
        """At the server first: what it asks of the person before (LAST_STRONG_METHOD, FRESH_SIGN_IN_NEEDED) is raised,
        and nothing is deleted. A server that cannot be reached, or no longer lets us in, keeps nothing here."""
        credential = self._find(passkey_id)
        view = self._view(credential, self._accounts.all(), ())
        account = self._accounts.find(view.account_id) if view.account_id else None
        is_gone = False
        if not is_here_only:
            account, is_gone = self._forget_at_servers(credential, account, is_understood=is_understood)
        self._keys.delete(credential.id)
        if account is not None:
            self._accounts.change(account.id, lambda one: _without(one, view.id))
        self._changes.publish(Topic.PASSKEYS, Topic.STATE)
        return _deletion(credential, account, is_gone=is_gone)

    def note_attestation(self, response: Mapping[str, Any]) -> None:
        """Whether the website was shown an organisation's word for the passkey it just got, by the response that it got
        (`RegistrationResponseJSON`). An enrolment that comes later, or ends, changes nothing about that."""
        if not _is_attested(response):
            return
        with self._guard:
            kept = [*self._attested(), str(response["id"])]
            self._keys.put_note(ATTESTED, json.dumps([one for one in kept if self._is_here(one)]).encode())
        self._changes.publish(Topic.PASSKEYS)

    # --- inside

    def _forget_at_servers(
        self, credential: Credential, own: Account | None, *, is_understood: bool
    ) -> tuple[Account | None, bool]:
        """The account that had it, and whether it has it no longer. A passkey made in the browser is known here by
        nothing but its website, and to the server by its credential ID."""
        passkey_id = encode_id(credential.id)
        others = [one for one in self._accounts.all() if one.rp_id == credential.rp_id and one != own]
        for account in [*filter(None, [own]), *filter(self._accounts.is_signed_in, others)]:
            try:
                method_id = account.passkeys.get(passkey_id) or self._registered(account).get(passkey_id)
                if method_id is not None:
                    suffix = "?isUnderstood=true" if is_understood else ""
                    self._accounts.call(account, "DELETE", f"{METHODS}/fido2Methods/{method_id}{suffix}")
                    return account, True
                if account is own:
                    return own, True
            except AppError as error:
                if error.server_reason in ASKED_FIRST:
                    raise AppError(ASKED_FIRST[error.server_reason], account=account.id) from error
                if account is own or error.server_reason in GONE:
                    return account, error.server_reason in GONE
        return own, False

    def _registered(self, account: Account) -> Mapping[str, str]:
        return registered_passkeys(self._accounts.call(account, "GET", SETUP))

    def _attested(self) -> Sequence[str]:
        kept = self._keys.note(ATTESTED)
        return [str(one) for one in json.loads(kept)] if kept else []

    def _is_here(self, passkey_id: str) -> bool:
        return self._keys.find(decode_id(passkey_id)) is not None

    def _find(self, passkey_id: str) -> Credential:
        try:
            found = self._keys.find(decode_id(passkey_id))
        except ValueError:
            found = None
        if found is None:
            raise AppError(AppReason.PASSKEY_UNKNOWN)
        return found

    def _view(self, credential: Credential, accounts: Sequence[Account], attested: Sequence[str]) -> PasskeyView:
        passkey_id = encode_id(credential.id)
        return PasskeyView(
            id=passkey_id,
            rp_id=credential.rp_id,
            rp_name=credential.rp_name,
            user_name=credential.user_name,
            user_display_name=credential.user_display_name,
            algorithm=_ALGORITHMS.get(credential.algorithm, str(credential.algorithm)),
            created_at=credential.created_at,
            last_used_at=credential.last_used_at,
            account_id=next((one.id for one in accounts if _is_of(credential, passkey_id, one)), None),
            is_attested=passkey_id in attested,
        )


def encode_id(credential_id: bytes) -> str:
    return urlsafe_b64encode(credential_id).rstrip(b"=").decode()


def decode_id(text: str) -> bytes:
    """Raises `ValueError`."""
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


def _is_attested(response: Mapping[str, Any]) -> bool:
    """`packed` with certificates (WebAuthn L3 §8.2). Self attestation vouches for nothing."""
    from fido2 import cbor

    attestation = cbor.decode(decode_id(response["response"]["attestationObject"]))
    return isinstance(attestation, Mapping) and bool(attestation["attStmt"].get("x5c"))


def _deletion(credential: Credential, account: Account | None, *, is_gone: bool) -> Deletion:
    where = account.username if account else credential.user_name
    if is_gone:
        return Deletion(
            is_forgotten_by_server=True,
            message=phrase(N_("The passkey for %(name)s is deleted, here and from Security info."), name=where),
            next="",
        )
    message = phrase(N_("The passkey for %(name)s is deleted from this Authenticator."), name=where)
    if account is None:
        there = phrase(
            N_("Delete it also in your account at %(site)s, where it may still be listed."), site=credential.rp_id
        )
        return Deletion(is_forgotten_by_server=False, message=message, next=there)
    address = f"{account.server}/security-info"
    return Deletion(
        is_forgotten_by_server=False,
        message=message,
        next=phrase(N_("Security info must forget it too. Delete it there: %(address)s"), address=address),
        security_info_url=address,
    )


def _is_of(credential: Credential, passkey_id: str, account: Account) -> bool:
    """One that was made in the browser is the account's as well; only the server knows what it calls it."""
    is_same = credential.rp_id == account.rp_id and credential.user_name == account.username
    return passkey_id in account.passkeys or is_same


def _without(account: Account, passkey_id: str) -> Account:
    kept = {one: method_id for one, method_id in account.passkeys.items() if one != passkey_id}
    steps = dict(account.steps)
    if passkey_id in account.passkeys and not kept:
        steps.pop("passkey", None)
    return replace(account, passkeys=kept, steps=steps)
