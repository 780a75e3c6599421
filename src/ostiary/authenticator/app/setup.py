"""Sets an account up as its policy has it: a passkey, approvals, one-time codes.

Each step is told by itself (`AccountView.steps`), may be refused without keeping the next from being tried, and can be
taken again: nothing half-done stays here, and what the server may have kept is looked for before anything new is made.
"""

import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ostiary import __version__
from ostiary.authenticator.app.accounts import METHODS, Account, Accounts, step_view
from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.codes import Codes
from ostiary.authenticator.app.device import platform_name
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.otp import parse_uri
from ostiary.authenticator.app.passkeys import decode_id
from ostiary.authenticator.app.phrases import N_
from ostiary.authenticator.app.server_facts import (
    ORDER,
    OURS,
    id_of,
    is_attestation_offered,
    path_safe,
    read_facts,
    registered_passkeys,
    text,
)
from ostiary.authenticator.app.views import StepKind, StepStatus, StepView, Topic
from ostiary.authenticator.client import ClientError, ClientReason
from ostiary.authenticator.ports import Exchange, Locked
from ostiary.clock import system_clock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from ostiary.authenticator.app.service import AuthenticatorService

LONGEST_NAME_THERE: Final = 30
"""Characters a server takes as the name of a sign-in method."""
_LOG: Final = logging.getLogger(__name__)

_CLIENT_REASONS: Final = {
    ClientReason.ALREADY_REGISTERED: AppReason.ALREADY_REGISTERED,
    ClientReason.DECLINED: AppReason.DECLINED,
    ClientReason.TIMED_OUT: AppReason.TIMED_OUT,
    ClientReason.CANCELLED: AppReason.CANCELLED,
    ClientReason.PIN_BLOCKED: AppReason.PIN_BLOCKED,
    ClientReason.STORE_FULL: AppReason.STORE_FULL,
}


class Setup:
    def __init__(self, service: "AuthenticatorService", accounts: Accounts, codes: Codes, changes: Changes) -> None:
        self._service = service
        self._keys = service.keys
        self._accounts = accounts
        self._codes = codes
        self._changes = changes
        self._exchange = Exchange()

    def run(self, account_id: str, kinds: tuple[StepKind, ...], exchange: Exchange | None) -> tuple[StepView, ...]:
        """Raises `AppError` when the server does not even say what it allows."""
        self._exchange = exchange or Exchange(source="Setting up your account")
        account = self._accounts.find(account_id)
        facts = read_facts(self._accounts, account)
        todo = [kind for kind in ORDER if (kind in kinds if kinds else not self._is_done(account, kind))]
        for kind in todo:
            self._tell(account_id, kind, StepStatus.WAITING)
        for kind in todo:
            self._take(account_id, kind, facts)
        steps = self._accounts.find(account_id).steps
        if StepKind.ATTESTATION not in steps and is_attestation_offered(facts):
            self._tell(account_id, StepKind.ATTESTATION, StepStatus.WAITING)  # for a code from an administrator
            steps = self._accounts.find(account_id).steps
        return tuple(step_view(StepKind(kind), kept) for kind, kept in steps.items())

    # --- the steps

    def _add_passkey(self, account: Account, facts: Mapping[str, Any]) -> str:
        account = self._settle_pending(account, facts)
        if self._has_passkey(account):
            return N_("Your passkey is ready.")
        name = self._free_name(account)
        options = self._accounts.call(account, "GET", f"{METHODS}/fido2Methods/creationOptions")
        from ostiary.authenticator.client import create as create_passkey

        origin = facts["organization"]["origin"]
        try:
            response = create_passkey(
                self._service.patient_engine,
                options.get("publicKey") if isinstance(options, dict) else None,
                origin=origin,
                exchange=self._exchange,
            )
        except ClientError as error:
            raise AppError(
                _CLIENT_REASONS.get(error.reason, AppReason.SERVER_ANSWER_INVALID), server_reason=error.reason.value
            ) from error
        passkey_id = response["id"]
        self._service.note_attestation(response)
        # should the answer be lost, the next try asks whether the server has it
        account = self._accounts.change(account.id, lambda one: replace(one, pending_passkey=passkey_id))
        body: dict[str, object] = {
            "displayName": name,
            "publicKeyCredential": {
                "id": passkey_id,
                "response": {
                    "clientDataJSON": response["response"]["clientDataJSON"],
                    "attestationObject": response["response"]["attestationObject"],
                    "transports": response["response"]["transports"],
                },
                "clientExtensionResults": response["clientExtensionResults"],
            },
        }
        try:
            made = self._accounts.call(account, "POST", f"{METHODS}/fido2Methods", body)
        except AppError as error:
            if error.reason in (AppReason.SERVER_REFUSED, AppReason.SIGN_IN_NEEDED):
                self._forget_pending(account)
            raise
        self._keep_passkey(account, passkey_id, id_of(made))
        return N_("Your passkey is ready. Use it on the sign-in page: choose the passkey.")

    def _add_approvals(self, account: Account, facts: Mapping[str, Any]) -> str:
        # the same key again, where an answer was lost: the server then names the method that it has
        key = self._keys.public_key(account.device_key) if account.device_id is None else None
        body: dict[str, object] = {
            "displayName": self._free_name(account),
            "deviceKey": _jwk(key or self._keys.generate_key(account.device_key)),
            "model": self._service.model,
            "appVersion": __version__,
            "platform": platform_name(),
        }
        made = id_of(self._accounts.call(account, "POST", f"{OURS}/authenticators", body))
        self._accounts.change(account.id, lambda one: replace(one, device_id=made, is_device_known=True))
        if facts["approvals"].get("isPasswordlessAllowed") is True:
            return N_("Sign-ins are approved here, with a number, also without your password.")
        return N_("Sign-ins are approved here, with a number.")

    def _add_codes(self, account: Account, _facts: Mapping[str, Any]) -> str:
        begun = self._accounts.call(account, "POST", f"{OURS}/softwareOathMethods", {})
        if not isinstance(begun, dict) or not isinstance(begun.get("otpauthUri"), str):
            raise AppError(AppReason.SERVER_ANSWER_INVALID)
        code = parse_uri(begun["otpauthUri"])
        # kept before the server counts on it, and forgotten if it does not
        kept = self._codes.keep(code, account_id=account.id)
        try:
            enrolment = path_safe(begun.get("enrolmentId"))
            done = self._accounts.call(
                account,
                "POST",
                f"{OURS}/softwareOathMethods/{enrolment}/confirm",
                {"code": code.at(system_clock())},
            )
        except AppError as error:
            if error.reason is not AppReason.SERVER_UNREACHABLE:
                self._codes.delete(kept.id)
            raise
        method_id = id_of(done)
        self._accounts.change(account.id, lambda one: replace(one, code_method_id=method_id))
        return N_("One-time codes are shown here.")

    _STEPS: Final[Mapping[StepKind, Callable[["Setup", Account, Mapping[str, Any]], str]]] = {
        StepKind.PASSKEY: _add_passkey,
        StepKind.APPROVALS: _add_approvals,
        StepKind.CODES: _add_codes,
    }

    def _take(self, account_id: str, kind: StepKind, facts: Mapping[str, Any]) -> None:
        told = facts[kind.value]
        if told.get("isAllowed") is not True:
            message = text(told.get("message")) or N_("Your organisation does not allow this here.")
            self._tell(
                account_id,
                kind,
                StepStatus.NOT_ALLOWED,
                message,
                text(told.get("next")),
                reason=text(told.get("reason")) or AppReason.NOT_ALLOWED.value,
            )
            return
        self._tell(account_id, kind, StepStatus.WORKING)
        try:
            message = self._STEPS[kind](self, self._accounts.find(account_id), facts)
        except Locked:
            self._refuse(account_id, kind, AppError(AppReason.LOCKED))
        except AppError as error:
            if error.server_reason == "attestation_required" and is_attestation_offered(facts):
                error.next = N_("Ask your administrator for a code and use it here, then set up what is missing.")
            self._refuse(account_id, kind, error)
        except Exception:
            _LOG.exception("the step %s failed", kind.value)
            self._refuse(account_id, kind, AppError(AppReason.FAILED))
        else:
            self._tell(account_id, kind, StepStatus.DONE, message)

    # --- inside

    def _is_done(self, account: Account, kind: StepKind) -> bool:
        match kind:
            case StepKind.PASSKEY:
                return self._has_passkey(account)
            case StepKind.APPROVALS:
                return account.device_id is not None and account.is_device_known
            case _:
                return account.code_method_id is not None

    def _has_passkey(self, account: Account) -> bool:
        return any(self._keys.find(decode_id(one)) is not None for one in account.passkeys)

    def _free_name(self, account: Account) -> str:
        """This computer's, numbered where the account has a sign-in method of that name: a passkey must not be refused
        for its name after the person has approved it."""
        listed = self._accounts.call(account, "GET", f"{METHODS}/methods")
        methods = listed.get("value", []) if isinstance(listed, dict) else []
        taken = {str(one.get("displayName")).casefold() for one in methods if isinstance(one, dict)}
        name = self._service.settings().device_name
        suffixes = ("", *(f" {number}" for number in range(2, len(taken) + 3)))
        names = (name[: LONGEST_NAME_THERE - len(suffix)].rstrip() + suffix for suffix in suffixes)
        return next(one for one in names if one.casefold() not in taken)

    def _settle_pending(self, account: Account, facts: Mapping[str, Any]) -> Account:
        """A passkey whose registration's answer never came: kept if the server has it; otherwise forgotten here."""
        pending = account.pending_passkey
        if pending is None:
            return account
        method_id = registered_passkeys(facts).get(pending)
        if method_id is not None and self._keys.find(decode_id(pending)) is not None:
            return self._keep_passkey(account, pending, method_id)
        return self._forget_pending(account)

    def _keep_passkey(self, account: Account, passkey_id: str, method_id: str) -> Account:
        self._changes.publish(Topic.PASSKEYS)
        return self._accounts.change(
            account.id,
            lambda one: replace(one, pending_passkey=None, passkeys={**one.passkeys, passkey_id: method_id}),
        )

    def _forget_pending(self, account: Account) -> Account:
        if account.pending_passkey is not None:
            credential_id = decode_id(account.pending_passkey)
            if self._keys.find(credential_id) is not None:
                self._keys.delete(credential_id)
        self._changes.publish(Topic.PASSKEYS)
        return self._accounts.change(account.id, lambda one: replace(one, pending_passkey=None))

    def _refuse(self, account_id: str, kind: StepKind, error: AppError) -> None:
        reason = error.reason.value if error.reason is not AppReason.SERVER_REFUSED else error.server_reason
        self._tell(account_id, kind, StepStatus.REFUSED, error.message, error.next, reason=reason or error.reason.value)

    def _tell(
        self,
        account_id: str,
        kind: StepKind,
        status: StepStatus,
        message: str = "",
        next: str = "",
        *,
        reason: str = "",
    ) -> StepView:
        step = StepView(kind=kind, status=status, message=message, next=next, reason=reason)
        self._accounts.note_step(account_id, step)
        return step


def _jwk(key: "EllipticCurvePublicKey") -> dict[str, str]:
    numbers = key.public_numbers()
    x, y = (urlsafe_b64encode(one.to_bytes(32, "big")).rstrip(b"=").decode() for one in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
