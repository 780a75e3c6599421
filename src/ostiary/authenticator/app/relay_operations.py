"""What relays ask for: CTAP requests, the browser's two ceremonies, and the questions to the person these wait for."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.operation import Call, Operation, Params, number_of, text_of
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.ports import Exchange

MOST_MESSAGE: Final = 7609
"""Bytes of a CTAP message over USB (CTAP 2.1 §11.2.4)."""


def _ctap2(service: AuthenticatorService, params: Params, call: Call) -> Any:
    try:
        request = urlsafe_b64decode(text_of(params, "request", 4 * MOST_MESSAGE) + "==")
    except ValueError as error:
        raise AppError(AppReason.REQUEST_INVALID) from error
    exchange = exchange_for(service, params, call, opens_window=params.get("opensWindow") is True)
    answer = service.engine.ctap2(request, exchange)
    return {"response": urlsafe_b64encode(answer).rstrip(b"=").decode()}


def _create(service: AuthenticatorService, params: Params, call: Call) -> Any:
    from ostiary.authenticator.client import create

    exchange = exchange_for(service, params, call, opens_window=False)
    if not service.keys.pin.is_set:  # where there is no PIN, there is no passkey to use
        service.ensure_pin(exchange)
    response = _ceremony(create, service, params, exchange)
    service.note_attestation(response)
    return {"response": response}


def _get(service: AuthenticatorService, params: Params, call: Call) -> Any:
    from ostiary.authenticator.client import get

    def is_here(rp_id: str, ids: Sequence[bytes] | None) -> bool:
        return any(ids is None or one.id in ids for one in service.keys.credentials(rp_id))

    exchange = exchange_for(service, params, call, opens_window=False)
    return {"response": _ceremony(partial(get, is_here=is_here), service, params, exchange)}


def _ceremony(
    conduct: Callable[..., dict[str, Any]], service: AuthenticatorService, params: Params, exchange: Exchange
) -> dict[str, Any]:
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


def exchange_for(service: AuthenticatorService, params: Params, call: Call, *, opens_window: bool) -> Exchange:
    told: set[str] = set()

    def on_waiting() -> None:
        """Of the engine and of the prompt board; each thing is told once."""
        if not told:
            call.notify({"event": "waiting"})
        prompt = service.prompts.current(exchange)
        told.add(prompt.id if prompt else "")
        if prompt is None:
            return
        is_opened = opens_window and service.open_window(prompt.id)
        url = None if is_opened else service.prompt_url(prompt.id)
        notice = {"event": "prompt", "prompt": prompt.id, "isShown": is_opened or service.has_open_page}
        call.notify(notice | ({"url": url} if url else {}))

    exchange = Exchange(source=text_of(params, "source", 200, ""), cancelled=call.cancelled, on_waiting=on_waiting)
    return exchange


def _prompt(service: AuthenticatorService, params: Params, call: Call) -> Any:
    return service.prompt()


def _approve_prompt(service: AuthenticatorService, params: Params, call: Call) -> Any:
    """With the PIN whatever the question is: what comes through here may be any program."""
    name = "pin" if service.keys.pin.is_set else "new_pin"
    given = {name: text_of(params, name, 200, "")}
    if not given[name]:
        raise AppError(AppReason.PIN_NEEDED)
    service.approve_prompt(text_of(params, "id"), choice=number_of(params, "choice", 0), **given)


def _decline_prompt(service: AuthenticatorService, params: Params, call: Call) -> Any:
    service.decline_prompt(text_of(params, "id"))


RELAY: Final[Mapping[str, Operation]] = {
    "ctap2": _ctap2,
    "webauthn.create": _create,
    "webauthn.get": _get,
    "prompt": _prompt,
    "prompt.approve": _approve_prompt,
    "prompt.decline": _decline_prompt,
}
