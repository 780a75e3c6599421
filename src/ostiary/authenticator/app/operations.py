"""What can be asked of the app by name: one table for the agent's socket and for the command line.

An operation gets parameters as JSON and answers JSON. One that waits for a person says so by notices on its `Call`.
Whoever may open the socket is the person's own programs, and still: a question about passkeys is answered through here
only with the PIN, so that no program agrees in the person's place.
"""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, Final

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.nearby_operations import NEARBY
from ostiary.authenticator.app.operation import Call, Operation, Params, number_of, text_of
from ostiary.authenticator.app.relay_operations import RELAY, exchange_for
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import SignInStatus, StepKind
from ostiary.authenticator.client import ClientError
from ostiary.authenticator.keys import KeyStoreError
from ostiary.authenticator.ports import Locked

__all__ = ["OPERATIONS", "Call", "Operation", "Params", "error_as_json", "run"]

_REASONS: Final = {one.value: one for one in AppReason}


def run(service: AuthenticatorService, op: str, params: Params, call: Call) -> Any:
    """JSON. Raises `AppError` or `ClientError`."""
    operation = OPERATIONS.get(op)
    if operation is None:
        raise AppError(AppReason.OPERATION_UNKNOWN)
    try:
        return as_json(operation(service, params, call))
    except Locked as error:  # it locked itself meanwhile
        raise AppError(AppReason.LOCKED) from error
    except KeyStoreError as error:
        raise AppError(AppReason.UNAVAILABLE, error.message, error.next_step) from error


def error_as_json(error: AppError | ClientError) -> dict[str, Any]:
    if isinstance(error, ClientError):
        return {"name": error.name, "message": error.message, "reason": error.reason.value}
    told: dict[str, Any] = {
        "name": "AppError",
        "message": error.message,
        "reason": error.reason.value,
        "next": error.next,
    }
    if error.server_reason:
        told["server_reason"] = error.server_reason
    return {**told, "details": error.details} if error.details else told


def as_json(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, tuple | list):
        return [as_json(one) for one in value]
    return value


# --- the app


def _status(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.state()


def _open(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return {"url": service.start_url()}


def _set_pin(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.set_pin(text_of(params, "pin", 200))


def _change_pin(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.change_pin(text_of(params, "current", 200), text_of(params, "new", 200))


def _lock(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.lock()


def _unlock(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.unlock(text_of(params, "pin", 200))


def _reset(service: AuthenticatorService, params: Params, call: Call) -> Any:
    """A program of the same user does not wipe everything by itself: it takes the PIN, or where that is forgotten or
    blocked the person, who is asked in the app's own window."""
    pin, state = text_of(params, "pin", 200, ""), service.state()
    if state.is_pin_set and pin:
        service.unlock(pin)
    elif state.is_pin_set:
        exchange = exchange_for(service, {"source": "Reset from the command line"}, call, opens_window=True)
        service.ask_for_reset(exchange)
    service.reset()


def _settings(service: AuthenticatorService, params: Params, call: Call) -> Any:
    given = {name: params[name] for name in ("device_name", "lock_minutes", "is_fingerprint_on") if name in params}
    types = {"device_name": str, "lock_minutes": int, "is_fingerprint_on": bool}
    if any(type(value) is not types[name] for name, value in given.items()):
        raise AppError(AppReason.REQUEST_INVALID)
    return service.change_settings(**given) if given else service.settings()


# --- accounts


def _accounts(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.accounts()


def _add_account(service: AuthenticatorService, params: Params, call: Call) -> Any:
    account_id = _sign_in(service, text_of(params, "server", 300), call)
    service.set_up(
        account_id, exchange=exchange_for(service, {"source": "Setting up your account"}, call, opens_window=False)
    )
    return service.account(account_id)


def _set_up(service: AuthenticatorService, params: Params, call: Call) -> Any:
    try:
        kinds = tuple(StepKind(one) for one in params.get("kinds", ()))
    except (ValueError, TypeError) as error:
        raise AppError(AppReason.REQUEST_INVALID) from error
    exchange = exchange_for(service, {"source": "Setting up your account"}, call, opens_window=False)
    account_id = text_of(params, "account")
    service.set_up(account_id, kinds, exchange=exchange)
    return service.account(account_id)


def _enrol(service: AuthenticatorService, params: Params, call: Call) -> Any:
    """By account, or by server: signing in first where the account is not here."""
    code = text_of(params, "code", 64)
    if "account" in params:
        return service.enrol_attestation(text_of(params, "account"), code)
    server = text_of(params, "server", 300)
    found = service.find_account(server)
    account_id = found.id if found is not None and found.is_signed_in else _sign_in(service, server, call)
    return service.enrol_attestation(account_id, code)


def _sign_in(service: AuthenticatorService, server: str, call: Call) -> str:
    begun = service.begin_sign_in(server)
    call.notify({"event": "sign_in", "url": begun.url})
    over = service.wait_for_sign_in(begun.id, call.cancelled)
    if over.status is not SignInStatus.DONE or over.account_id is None:
        reason = _REASONS.get(over.reason, AppReason.SIGN_IN_REFUSED)
        raise AppError(reason, over.message, over.next, server_reason=over.reason if over.reason != reason else "")
    return over.account_id


def _remove_account(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.remove_account(text_of(params, "account"))


# --- what is kept


def _passkeys(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.passkeys()


def _passkey(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.passkey(text_of(params, "id", 2000))


def _delete_passkey(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.delete_passkey(
        text_of(params, "id", 2000),
        is_understood=params.get("is_understood") is True,
        is_here_only=params.get("is_here_only") is True,
    )


def _codes(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.codes()


def _add_code(service: AuthenticatorService, params: Params, call: Call) -> Any:
    if "uri" in params:
        return service.add_code_from_uri(text_of(params, "uri", 5000))
    return service.add_code(
        issuer=text_of(params, "issuer", 300, ""),
        name=text_of(params, "name", 300, ""),
        secret=text_of(params, "secret", 1000),
        digits=number_of(params, "digits", 6),
        period=number_of(params, "period", 30),
        algorithm=text_of(params, "algorithm", 20, "SHA1"),
    )


def _delete_code(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.delete_code(text_of(params, "id"))


# --- approvals


def _approvals(service: AuthenticatorService, params: Params, call: Call) -> Any:
    """With `wait`, seconds: once there is one, or the time is over."""
    return service.wait_for_approvals(float(number_of(params, "wait", 0)), call.cancelled)


def _answer_approval(service: AuthenticatorService, params: Params, call: Call) -> Any:
    approval_id, decision = text_of(params, "id", 300), text_of(params, "decision", 20)
    match decision:
        case "approve":
            number, pin = text_of(params, "number", 10, ""), text_of(params, "pin", 200)
            result = service.answer_approval(approval_id, number=number or None, pin=pin)
        case "decline":
            result = service.decline_approval(approval_id, pin=text_of(params, "pin", 200, ""))
        case "report":
            result = service.report_approval(approval_id, pin=text_of(params, "pin", 200, ""))
        case _:
            raise AppError(AppReason.REQUEST_INVALID)
    return {"result": result.value}


OPERATIONS: Final[Mapping[str, Operation]] = {
    **RELAY,
    "status": _status,
    "open": _open,
    "pin.set": _set_pin,
    "pin.change": _change_pin,
    "lock": _lock,
    "unlock": _unlock,
    "reset": _reset,
    "settings": _settings,
    "accounts": _accounts,
    "accounts.add": _add_account,
    "accounts.set-up": _set_up,
    "accounts.remove": _remove_account,
    "enrol": _enrol,
    "passkeys": _passkeys,
    "passkeys.show": _passkey,
    "passkeys.delete": _delete_passkey,
    "codes": _codes,
    "codes.add": _add_code,
    "codes.delete": _delete_code,
    "approvals": _approvals,
    "approvals.answer": _answer_approval,
    **NEARBY,
}
