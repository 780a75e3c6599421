"""What can be asked of the app by name: one table for the agent's socket and for the command line.

An operation gets parameters as JSON and answers JSON. One that waits for a person says so by notices on its `Call`.
Whoever may open the socket is the person's own programs, and still: a question about passkeys is answered through here
only with the PIN, so that no program agrees in the person's place.
"""

import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from functools import partial
from typing import Any, Final

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import SignInStatus, StepKind
from ostiary.authenticator.client import ClientError
from ostiary.authenticator.client import create as create_passkey
from ostiary.authenticator.client import get as use_passkey
from ostiary.authenticator.keys import KeyStoreError
from ostiary.authenticator.ports import Exchange, Locked

Params = Mapping[str, Any]
MOST_MESSAGE: Final = 7609
_REASONS: Final = {one.value: one for one in AppReason}


@dataclass(slots=True)
class Call:
    """One request under way. `notify` tells whoever asked what goes on; `cancelled` is theirs to set."""

    cancelled: threading.Event
    notify: Callable[[Mapping[str, Any]], None]


Operation = Callable[[AuthenticatorService, Params, Call], Any]


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


# --- passkeys for relays


def _ctap2(service: AuthenticatorService, params: Params, call: Call) -> Any:
    try:
        request = urlsafe_b64decode(_text(params, "request", 4 * MOST_MESSAGE) + "==")
    except ValueError as error:
        raise AppError(AppReason.REQUEST_INVALID) from error
    exchange = _exchange(service, params, call, opens_window=params.get("opensWindow") is True)
    answer = service.engine.ctap2(request, exchange)
    return {"response": urlsafe_b64encode(answer).rstrip(b"=").decode()}


def _create(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return {"response": _ceremony(create_passkey, service, params, call)}


def _get(service: AuthenticatorService, params: Params, call: Call) -> Any:
    def is_here(rp_id: str, ids: Sequence[bytes] | None) -> bool:
        return any(ids is None or one.id in ids for one in service.keys.credentials(rp_id))

    return {"response": _ceremony(partial(use_passkey, is_here=is_here), service, params, call)}


def _ceremony(
    conduct: Callable[..., dict[str, Any]], service: AuthenticatorService, params: Params, call: Call
) -> dict[str, Any]:
    exchange = _exchange(service, params, call, opens_window=False)
    if conduct is create_passkey and not service.keys.pin.is_set:  # where there is no PIN, there is no passkey to use
        service.ensure_pin(exchange)
    same = params.get("sameOriginWithAncestors")
    cross = params.get("crossOrigin")
    return conduct(
        service.patient_engine,
        params.get("options"),
        origin=params.get("origin"),
        # what the browser does not say to be the same is another's frame
        cross_origin=cross if isinstance(cross, bool) else same is not True,
        top_origin=params.get("topOrigin"),
        mediation=str(params.get("mediation") or "optional"),
        exchange=exchange,
    )


def _exchange(service: AuthenticatorService, params: Params, call: Call, *, opens_window: bool) -> Exchange:
    told: set[str] = set()

    def on_waiting() -> None:
        """Of the engine and of the prompt board; each thing is told once."""
        if not told:
            call.notify({"event": "waiting"})
        prompt = service.prompts.current(exchange)
        told.add(prompt.id if prompt else "")
        if prompt is None:
            return
        is_shown = opens_window and service.open_window(prompt.id)
        url = None if is_shown else service.prompt_url(prompt.id)
        call.notify({"event": "prompt", "prompt": prompt.id} | ({"url": url} if url else {}))

    exchange = Exchange(source=_text(params, "source", 200, ""), cancelled=call.cancelled, on_waiting=on_waiting)
    return exchange


def _prompt(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.prompt()


def _approve_prompt(service: AuthenticatorService, params: Params, call: Call) -> Any:
    pin, new_pin = _text(params, "pin", 200, ""), _text(params, "new_pin", 200, "")
    if not pin and not new_pin:
        raise AppError(AppReason.PIN_NEEDED)
    service.approve_prompt(_text(params, "id"), pin=pin, new_pin=new_pin, choice=_number(params, "choice", 0))


def _decline_prompt(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.decline_prompt(_text(params, "id"))


# --- the app


def _status(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.state()


def _open(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return {"url": service.start_url()}


def _set_pin(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.set_pin(_text(params, "pin", 200))


def _change_pin(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.change_pin(_text(params, "current", 200), _text(params, "new", 200))


def _lock(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.lock()


def _unlock(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.unlock(_text(params, "pin", 200))


def _reset(service: AuthenticatorService, params: Params, call: Call) -> Any:
    if params.get("is_sure") is not True:
        raise AppError(AppReason.REQUEST_INVALID)
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
    account_id = _sign_in(service, _text(params, "server", 300), call)
    service.set_up(
        account_id, exchange=_exchange(service, {"source": "Setting up your account"}, call, opens_window=False)
    )
    return service.account(account_id)


def _set_up(service: AuthenticatorService, params: Params, call: Call) -> Any:
    try:
        kinds = tuple(StepKind(one) for one in params.get("kinds", ()))
    except (ValueError, TypeError) as error:
        raise AppError(AppReason.REQUEST_INVALID) from error
    exchange = _exchange(service, {"source": "Setting up your account"}, call, opens_window=False)
    account_id = _text(params, "account")
    service.set_up(account_id, kinds, exchange=exchange)
    return service.account(account_id)


def _enrol(service: AuthenticatorService, params: Params, call: Call) -> Any:
    """By account, or by server: signing in first where the account is not here."""
    code = _text(params, "code", 64)
    if "account" in params:
        return service.enrol_attestation(_text(params, "account"), code)
    server = _text(params, "server", 300)
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
    return service.remove_account(_text(params, "account"))


# --- what is kept


def _passkeys(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.passkeys()


def _passkey(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.passkey(_text(params, "id", 2000))


def _delete_passkey(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.delete_passkey(_text(params, "id", 2000))


def _codes(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.codes()


def _add_code(service: AuthenticatorService, params: Params, call: Call) -> Any:
    if "uri" in params:
        return service.add_code_from_uri(_text(params, "uri", 5000))
    return service.add_code(
        issuer=_text(params, "issuer", 300, ""),
        name=_text(params, "name", 300, ""),
        secret=_text(params, "secret", 1000),
        digits=_number(params, "digits", 6),
        period=_number(params, "period", 30),
        algorithm=_text(params, "algorithm", 20, "SHA1"),
    )


def _delete_code(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.delete_code(_text(params, "id"))


# --- approvals


def _approvals(service: AuthenticatorService, params: Params, call: Call) -> Any:
    """With `wait`, seconds: once there is one, or the time is over."""
    return service.wait_for_approvals(float(_number(params, "wait", 0)), call.cancelled)


def _answer_approval(service: AuthenticatorService, params: Params, call: Call) -> Any:
    approval_id, decision = _text(params, "id", 300), _text(params, "decision", 20)
    match decision:
        case "approve":
            number, pin = _text(params, "number", 10, ""), _text(params, "pin", 200)
            result = service.answer_approval(approval_id, number=number or None, pin=pin)
        case "decline":
            result = service.decline_approval(approval_id)
        case "report":
            result = service.report_approval(approval_id)
        case _:
            raise AppError(AppReason.REQUEST_INVALID)
    return {"result": result.value}


OPERATIONS: Final[Mapping[str, Operation]] = {
    "ctap2": _ctap2,
    "webauthn.create": _create,
    "webauthn.get": _get,
    "status": _status,
    "open": _open,
    "prompt": _prompt,
    "prompt.approve": _approve_prompt,
    "prompt.decline": _decline_prompt,
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
}


def _text(params: Params, name: str, longest: int = 200, default: str | None = None) -> str:
    value = params.get(name, default)
    if not isinstance(value, str) or len(value) > longest:
        raise AppError(AppReason.REQUEST_INVALID)
    return value


def _number(params: Params, name: str, default: int) -> int:
    value = params.get(name, default)
    if type(value) is not int or not -1_000_000 < value < 1_000_000:
        raise AppError(AppReason.REQUEST_INVALID)
    return value
