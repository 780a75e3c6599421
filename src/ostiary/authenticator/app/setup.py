"""Sets an account up as its policy has it: a passkey, approvals, one-time codes, and attestation by a code.

Each step is told by itself (`AccountView.steps`), may be refused without keeping the next from being tried, and can be
taken again: nothing half-done stays here, and what the server may have kept is looked for before anything new is made.
"""

import logging
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from ostiary import __version__
from ostiary.authenticator.app.accounts import METHODS, Account, Accounts, step_view
from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.codes import Codes
from ostiary.authenticator.app.device import platform_name
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.nearby_domain import told_domain
from ostiary.authenticator.app.otp import parse_uri
from ostiary.authenticator.app.passkeys import decode_id
from ostiary.authenticator.app.views import StepKind, StepStatus, StepView, Topic
from ostiary.authenticator.client import ClientError, ClientReason
from ostiary.authenticator.client import create as create_passkey
from ostiary.authenticator.ports import AttestationIdentity, Exchange, Locked
from ostiary.clock import system_clock

if TYPE_CHECKING:
    from ostiary.authenticator.app.service import AuthenticatorService

OURS: Final = "/v1.0/ostiary/me"
_ORDER: Final = (StepKind.PASSKEY, StepKind.APPROVALS, StepKind.CODES)
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
        facts = self._read_facts(account)
        todo = [kind for kind in _ORDER if (kind in kinds if kinds else not self._is_done(account, kind))]
        for kind in todo:
            self._tell(account_id, kind, StepStatus.WAITING)
        for kind in todo:
            self._take(account_id, kind, facts)
        steps = self._accounts.find(account_id).steps
        return tuple(step_view(StepKind(kind), kept) for kind, kept in steps.items())

    def enrol_attestation(self, account_id: str, code: str) -> StepView:
        """Refusals are raised, and nothing changes by them."""
        account = self._accounts.find(account_id)
        self._read_facts(account)
        handle, request = self._attestation_request(account)
        answer = self._accounts.call(
            account,
            "POST",
            f"{OURS}/attestation",
            {"request": request, "model": self._model(), "code": code.strip()},
        )
        identity = _identity(answer, handle=handle, public_key=self._keys.public_key(handle))
        if self._accounts.find(account_id).rp_id not in identity.rp_ids:
            raise AppError(AppReason.SERVER_ANSWER_INVALID)
        self._keys.enrol(identity)
        self._keys.delete_note(_request_note(account))
        self._changes.publish(Topic.PASSKEYS)
        return self._tell(
            account_id,
            StepKind.ATTESTATION,
            StepStatus.DONE,
            f"{self._accounts.find(account_id).organization} vouches for passkeys made here from now on.",
        )

    # --- the steps

    def _add_passkey(self, account: Account, facts: Mapping[str, Any]) -> str:
        account = self._settle_pending(account)
        if self._has_passkey(account):
            return "Your passkey is ready."
        options = self._accounts.call(account, "GET", f"{METHODS}/fido2Methods/creationOptions")
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
        # should the answer be lost, the next try asks whether the server has it
        account = self._accounts.change(account.id, lambda one: replace(one, pending_passkey=passkey_id))
        body: dict[str, object] = {
            "displayName": self._service.settings().device_name,
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
        self._keep_passkey(account, passkey_id, _id_of(made))
        return "Your passkey is ready. Use it on the sign-in page: choose the passkey."

    def _add_approvals(self, account: Account, facts: Mapping[str, Any]) -> str:
        # the same key again, where an answer was lost: the server then names the method that it has
        key = self._keys.public_key(account.device_key) if account.device_id is None else None
        body: dict[str, object] = {
            "displayName": self._service.settings().device_name,
            "deviceKey": _jwk(key or self._keys.generate_key(account.device_key)),
            "model": self._model(),
            "appVersion": __version__,
            "platform": platform_name(),
        }
        made = _id_of(self._accounts.call(account, "POST", f"{OURS}/authenticators", body))
        self._accounts.change(account.id, lambda one: replace(one, device_id=made, is_device_known=True))
        if facts["approvals"].get("isPasswordlessAllowed") is True:
            return "Sign-ins are approved here, with a number, also without your password."
        return "Sign-ins are approved here, with a number."

    def _add_codes(self, account: Account, _facts: Mapping[str, Any]) -> str:
        begun = self._accounts.call(account, "POST", f"{OURS}/softwareOathMethods", {})
        if not isinstance(begun, dict) or not isinstance(begun.get("otpauthUri"), str):
            raise AppError(AppReason.SERVER_ANSWER_INVALID)
        code = parse_uri(begun["otpauthUri"])
        # kept before the server counts on it, and forgotten if it does not
        kept = self._codes.keep(code, account_id=account.id)
        enrolment = str(begun.get("enrolmentId", ""))
        if not enrolment or not set(enrolment) <= _PATH_SAFE:
            self._codes.delete(kept.id)
            raise AppError(AppReason.SERVER_ANSWER_INVALID)
        try:
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
        method_id = _id_of(done)
        self._accounts.change(account.id, lambda one: replace(one, code_method_id=method_id))
        return "One-time codes are shown here."

    _STEPS: Final[Mapping[StepKind, Callable[["Setup", Account, Mapping[str, Any]], str]]] = {
        StepKind.PASSKEY: _add_passkey,
        StepKind.APPROVALS: _add_approvals,
        StepKind.CODES: _add_codes,
    }

    def _take(self, account_id: str, kind: StepKind, facts: Mapping[str, Any]) -> None:
        told = facts[kind.value]
        if told.get("isAllowed") is not True:
            message = _text(told.get("message")) or "Your organisation does not allow this here."
            self._tell(
                account_id,
                kind,
                StepStatus.NOT_ALLOWED,
                message,
                _text(told.get("next")),
                reason=_text(told.get("reason")) or AppReason.NOT_ALLOWED.value,
            )
            return
        self._tell(account_id, kind, StepStatus.WORKING)
        try:
            message = self._STEPS[kind](self, self._accounts.find(account_id), facts)
        except Locked:
            self._refuse(account_id, kind, AppError(AppReason.LOCKED))
        except AppError as error:
            self._refuse(account_id, kind, error)
        except Exception:
            _LOG.exception("the step %s failed", kind.value)
            self._refuse(account_id, kind, AppError(AppReason.FAILED))
        else:
            self._tell(account_id, kind, StepStatus.DONE, message)

    # --- inside

    def _read_facts(self, account: Account) -> Mapping[str, Any]:
        facts = self._accounts.call(account, "GET", f"{OURS}/setup")
        try:
            organization = facts["organization"]
            origin, rp_id, name = organization["origin"], organization["rpId"], organization["name"]
            is_whole = all(isinstance(facts[kind.value], dict) for kind in _ORDER)
        except (KeyError, TypeError) as error:
            raise AppError(AppReason.SERVER_ANSWER_INVALID) from error
        # a server speaks for its own origin: it cannot have a passkey made in another's name
        if origin != account.server or not is_whole or not isinstance(rp_id, str) or not isinstance(name, str):
            raise AppError(AppReason.SERVER_ANSWER_INVALID)
        self._accounts.change(
            account.id, lambda one: replace(one, organization=name[:200], rp_id=rp_id, tunnel_domain=told_domain(facts))
        )
        assert isinstance(facts, dict)
        return facts

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

    def _settle_pending(self, account: Account) -> Account:
        """A passkey whose registration's answer never came: kept if the server has a method that we do not know, of
        our model and made no earlier; otherwise forgotten here."""
        pending = account.pending_passkey
        if pending is None:
            return account
        listed = self._accounts.call(account, "GET", f"{METHODS}/fido2Methods")
        known = set(account.passkeys.values())
        name = self._service.settings().device_name
        candidates = [
            one["id"]
            for one in (listed.get("value", []) if isinstance(listed, dict) else [])
            if one.get("id") not in known and one.get("aaGuid") == self._model() and one.get("displayName") == name
        ]
        if len(candidates) == 1 and self._keys.find(decode_id(pending)) is not None:
            return self._keep_passkey(account, pending, str(candidates[0]))
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

    def _attestation_request(self, account: Account) -> tuple[str, str]:
        """The name of the key, and the request. Kept until it is answered: the server gives the same answer twice."""
        from ostiary.authenticator.app.certificate_request import certificate_request

        kept = self._keys.note(_request_note(account))
        if kept is not None:
            handle, _, request = kept.decode().partition("\n")
            return handle, request
        handle = f"attestation {account.id} {secrets.token_hex(4)}"
        public_key = self._keys.generate_key(handle)
        request = certificate_request(public_key, lambda data: self._keys.sign_with(handle, data))
        self._keys.put_note(_request_note(account), f"{handle}\n{request}".encode())
        return handle, request

    def _model(self) -> str:
        return str(UUID(bytes=self._keys.aaguid))

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


_PATH_SAFE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def _request_note(account: Account) -> str:
    return f"attestation request {account.id}"


def _identity(answer: Any, *, handle: str, public_key: EllipticCurvePublicKey | None) -> AttestationIdentity:
    try:
        certificates = tuple(b64decode(one, validate=True) for one in answer["certificates"])
        rp_ids = frozenset(str(one) for one in answer["rpIds"])
        leaf = x509.load_der_x509_certificate(certificates[0])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise AppError(AppReason.SERVER_ANSWER_INVALID) from error
    if leaf.public_key() != public_key:
        raise AppError(AppReason.SERVER_ANSWER_INVALID, "The server certified another key.")
    return AttestationIdentity(rp_ids, certificates, handle.encode())


def _jwk(key: EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    x, y = (urlsafe_b64encode(one.to_bytes(32, "big")).rstrip(b"=").decode() for one in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _id_of(made: Any) -> str:
    found = made.get("id") if isinstance(made, dict) else None
    if not isinstance(found, str) or not found or not set(found) <= _PATH_SAFE:
        raise AppError(AppReason.SERVER_ANSWER_INVALID)
    return found


def _text(value: object) -> str:
    return value[:500] if isinstance(value, str) else ""
