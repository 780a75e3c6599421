"""The passkeys kept here, as a person looks at them, and deleting one at both its ends."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ostiary.authenticator.app.accounts import GONE, METHODS, Account, Accounts
from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.views import Deletion, PasskeyView, Topic
from ostiary.authenticator.ports import Credential

_ALGORITHMS: Final = {-7: "ES256", -8: "EdDSA"}


class Passkeys:
    def __init__(self, keys: AppKeys, accounts: Accounts, changes: Changes) -> None:
        self._keys = keys
        self._accounts = accounts
        self._changes = changes

    def all(self) -> tuple[PasskeyView, ...]:
        accounts = self._accounts.all()
        views = [self._view(one, accounts) for one in self._keys.credentials()]
        return tuple(sorted(views, key=lambda one: (one.rp_id, one.user_name.casefold(), one.id)))

    def view(self, passkey_id: str) -> PasskeyView:
        return self._view(self._find(passkey_id), self._accounts.all())

    def delete(self, passkey_id: str) -> Deletion:
        credential = self._find(passkey_id)
        view = self._view(credential, self._accounts.all())
        account = self._accounts.find(view.account_id) if view.account_id else None
        method_id = account.passkeys.get(view.id) if account else None
        is_gone = account is not None and method_id is not None and self._delete_at_server(account, method_id)
        self._keys.delete(credential.id)
        if account is not None:
            self._accounts.change(account.id, lambda one: _without(one, view.id))
        self._changes.publish(Topic.PASSKEYS, Topic.STATE)
        where = account.username if account else credential.user_name
        if is_gone:
            return Deletion(
                is_forgotten_by_server=True,
                message=f"The passkey for {where} is deleted, here and from Security info.",
                next="",
            )
        place = f"Security info ({account.server}/security-info)" if account else f"your account at {credential.rp_id}"
        return Deletion(
            is_forgotten_by_server=False,
            message=f"The passkey for {where} is deleted from this Authenticator.",
            next=f"It is still listed elsewhere: delete it also in {place}.",
        )

    def _delete_at_server(self, account: Account, method_id: str) -> bool:
        try:
            # the person was asked to be sure before; what is deleted here is of no use there
            self._accounts.call(account, "DELETE", f"{METHODS}/fido2Methods/{method_id}?isUnderstood=true")
        except AppError as error:
            return error.server_reason in GONE
        return True

    def _find(self, passkey_id: str) -> Credential:
        try:
            found = self._keys.find(decode_id(passkey_id))
        except ValueError:
            found = None
        if found is None:
            raise AppError(AppReason.PASSKEY_UNKNOWN)
        return found

    def _view(self, credential: Credential, accounts: Sequence[Account]) -> PasskeyView:
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
            is_attested=self._keys.attestation_for(credential.rp_id) is not None,
        )


def encode_id(credential_id: bytes) -> str:
    return urlsafe_b64encode(credential_id).rstrip(b"=").decode()


def decode_id(text: str) -> bytes:
    """Raises `ValueError`."""
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


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
