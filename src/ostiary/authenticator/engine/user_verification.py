"""The steps about user verification that makeCredential and getAssertion share (CTAP 2.1 §6.1.2, §6.2.2)."""

from dataclasses import dataclass

from ostiary.authenticator.engine.fields import Fields, take
from ostiary.authenticator.engine.pin_protocols import PinProtocol
from ostiary.authenticator.engine.state import State
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.engine.token import Permission
from ostiary.authenticator.ports import Exchange, Purpose


@dataclass(slots=True)
class Options:
    """`uv`: built-in user verification is to be done during this request."""

    up: bool
    uv: bool
    rk: bool | None
    signature: bytes | None = None
    protocol: PinProtocol | None = None


def read_options(
    state: State,
    fields: Fields,
    exchange: Exchange,
    *,
    options_key: int,
    signature_key: int,
    protocol_key: int,
) -> Options:
    """Steps 1, 2 and the reading of `options`."""
    signature: bytes | None = take(fields, signature_key, bytes)
    # step 1: an empty one asks which authenticator the person means
    if signature == b"":
        state.ask_for_presence(Purpose.SELECT, exchange)
        raise Refused(Status.PIN_INVALID if state.keys.pin.is_set else Status.PIN_NOT_SET)
    # step 2
    protocol = state.need_protocol(fields, protocol_key) if signature is not None else None
    options = take(fields, options_key, dict) or {}
    up, uv, rk = take(options, "up", bool), take(options, "uv", bool), take(options, "rk", bool)
    uv = bool(uv) and signature is None
    if uv and not state.has_uv:
        raise Refused(Status.INVALID_OPTION)
    return Options(up=up is not False, uv=uv, rk=rk, signature=signature, protocol=protocol)


def apply_always_uv(state: State, options: Options) -> None:
    """Always verify the user, when it is configured so."""
    if not state.keys.configuration.always_uv or options.signature is not None or options.uv:
        return
    if not state.has_uv:
        # clientPIN is supported: the platform sets or asks for a PIN
        raise Refused(Status.PUAT_REQUIRED)
    options.uv = True


def verify_token(state: State, options: Options, client_data_hash: bytes, rp_id: str, permission: Permission) -> bool:
    """Whether the user was verified when the token was given out. Raises `Refused(PIN_AUTH_INVALID)`."""
    if options.signature is None or options.protocol is None:
        return False
    token = state.token
    token.verify(options.protocol, client_data_hash, options.signature, permission)
    if not token.is_for(rp_id) or not token.is_user_verified:
        raise Refused(Status.PIN_AUTH_INVALID)
    token.bind(rp_id)
    return True
