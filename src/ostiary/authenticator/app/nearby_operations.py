"""What the agent's socket and the command line can ask about other computers."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.nearby_views import NearbyView

if TYPE_CHECKING:
    from ostiary.authenticator.app.operations import Call, Operation, Params
    from ostiary.authenticator.app.service import AuthenticatorService

_LONGEST_CODE: Final = 5_000


def _scan(service: "AuthenticatorService", params: "Params", call: "Call") -> Any:
    """`text`: what the person scanned or pasted just now. Tells each stage, and waits for the end."""

    def on_prompt(prompt_id: str) -> None:
        url = service.prompt_url(prompt_id)
        call.notify({"event": "prompt", "prompt": prompt_id} | ({"url": url} if url else {}))

    def watch(view: NearbyView) -> None:
        call.notify({"event": "stage", "stage": view.stage.value})

    begun = service.nearby.begin(_text(params, "text", _LONGEST_CODE), on_prompt=on_prompt)
    return asdict(service.nearby.wait(begun.id, call.cancelled, watch))


def _computers(service: "AuthenticatorService", params: "Params", call: "Call") -> Any:
    return service.nearby.computers.views()


def _rename(service: "AuthenticatorService", params: "Params", call: "Call") -> Any:
    service.nearby.computers.rename(_text(params, "id", 100), _text(params, "name", 300))


def _remove(service: "AuthenticatorService", params: "Params", call: "Call") -> Any:
    service.nearby.computers.remove(_text(params, "id", 100))


NEARBY: Final[Mapping[str, "Operation"]] = {
    "nearby.scan": _scan,
    "nearby.computers": _computers,
    "nearby.rename": _rename,
    "nearby.remove": _remove,
}


def _text(params: "Params", name: str, longest: int) -> str:
    value = params.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise AppError(AppReason.REQUEST_INVALID)
    return value
