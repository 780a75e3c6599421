"""authenticatorConfig (CTAP 2.1 §6.11): toggleAlwaysUv and setMinPINLength. Enterprise attestation is not listed: what
this Authenticator shows an organisation that enrolled it is another thing."""

from collections.abc import Callable
from typing import Any, Final

from ostiary.authenticator.engine import cbor
from ostiary.authenticator.engine.fields import Fields, need, take
from ostiary.authenticator.engine.info import MAX_PIN_BYTES, MAX_RP_IDS_FOR_MIN_PIN_LENGTH
from ostiary.authenticator.engine.state import Answer, State
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.engine.token import Permission

_TOGGLE_ALWAYS_UV: Final = 0x02


def configure(state: State, fields: Fields) -> Answer:
    number = need(fields, 1, int)
    command = _COMMANDS.get(number)
    if command is None:
        raise Refused(Status.INVALID_SUBCOMMAND)
    parameters: dict[int | str, Any] | None = take(fields, 2, dict)
    # Whoever has no PIN yet may turn alwaysUv on, and only that needs no token then.
    is_free = number == _TOGGLE_ALWAYS_UV and not state.is_protected and not state.keys.configuration.always_uv
    if not is_free:
        signature: bytes | None = take(fields, 4, bytes)
        if signature is None:
            raise Refused(Status.PUAT_REQUIRED)
        protocol = state.need_protocol(fields, 3)
        message = b"\xff" * 32 + bytes((0x0D, number)) + (cbor.encode(parameters) if parameters is not None else b"")
        state.token.verify(protocol, message, signature, Permission.AUTHENTICATOR_CONFIGURATION)
    command(state, parameters or {})
    return {}


def _toggle_always_uv(state: State, parameters: Fields) -> None:
    """§6.11.2."""
    before = state.keys.configuration
    state.keys.configure(before._replace(always_uv=not before.always_uv))


def _set_minimum_pin_length(state: State, parameters: Fields) -> None:
    """§6.11.4: the minimum only ever grows, until a reset."""
    wanted: int | None = take(parameters, 1, int)
    rp_ids: list[Any] | None = take(parameters, 2, list)
    force_change = bool(take(parameters, 3, bool))
    before, pin = state.keys.configuration, state.keys.pin
    minimum = pin.minimum_length if wanted is None else wanted
    if minimum < pin.minimum_length or minimum > MAX_PIN_BYTES:
        raise Refused(Status.PIN_POLICY_VIOLATION)
    if force_change and not pin.is_set:
        raise Refused(Status.PIN_NOT_SET)
    if rp_ids is not None:
        if any(type(rp_id) is not str for rp_id in rp_ids):
            raise Refused(Status.CBOR_UNEXPECTED_TYPE)
        if len(rp_ids) > MAX_RP_IDS_FOR_MIN_PIN_LENGTH:
            raise Refused(Status.KEY_STORE_FULL)
    state.keys.configure(
        before._replace(
            minimum_pin_length=minimum,
            minimum_pin_length_rp_ids=before.minimum_pin_length_rp_ids if rp_ids is None else tuple(rp_ids),
            must_change_pin=before.must_change_pin or force_change,
        )
    )
    if state.keys.pin.must_change:
        state.token.reset()


_Command = Callable[[State, Fields], None]
_COMMANDS: Final[dict[int, _Command]] = {
    _TOGGLE_ALWAYS_UV: _toggle_always_uv,
    0x03: _set_minimum_pin_length,
}
