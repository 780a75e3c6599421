"""authenticatorClientPIN (CTAP 2.1 §6.5)."""

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple, NoReturn

from ostiary.authenticator.engine.fields import Fields, need, need_rp_id
from ostiary.authenticator.engine.info import MAX_PIN_BYTES
from ostiary.authenticator.engine.pin_protocols import PinProtocol
from ostiary.authenticator.engine.state import Answer, State
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.engine.token import Permission
from ostiary.authenticator.ports import MOST_PIN_RETRIES, Account, Exchange, PinError, Prompt, Purpose

_PADDED_PIN_LENGTH: Final = MAX_PIN_BYTES + 1
_PIN_HASH_LENGTH: Final = 16

_NEEDS_RP_ID: Final = Permission.MAKE_CREDENTIAL | Permission.GET_ASSERTION
_MANAGES: Final = Permission.CREDENTIAL_MANAGEMENT | Permission.AUTHENTICATOR_CONFIGURATION
_SUPPORTED: Final = (
    _NEEDS_RP_ID
    | Permission.CREDENTIAL_MANAGEMENT
    | Permission.LARGE_BLOB_WRITE
    | Permission.AUTHENTICATOR_CONFIGURATION
)


class Pin(NamedTuple):
    """A new PIN, as the key store wants it."""

    hash: bytes
    length: int


def client_pin(state: State, fields: Fields, exchange: Exchange) -> Answer:
    command = _COMMANDS.get(need(fields, 2, int))
    if command is None:
        raise Refused(Status.INVALID_SUBCOMMAND)
    return command(state, fields, exchange)


def _get_pin_retries(state: State, fields: Fields, exchange: Exchange) -> Answer:
    return {3: state.keys.pin.retries_left, 4: state.needs_restart}


def _get_key_agreement(state: State, fields: Fields, exchange: Exchange) -> Answer:
    return {1: state.need_protocol(fields, 1).public_key()}


def _set_pin(state: State, fields: Fields, exchange: Exchange) -> Answer:
    """§6.5.5.5."""
    protocol, peer = state.need_protocol(fields, 1), need(fields, 3, dict)
    signature, encrypted = need(fields, 4, bytes), need(fields, 5, bytes)
    if state.keys.pin.is_set:
        raise Refused(Status.PIN_AUTH_INVALID)
    secret = protocol.decapsulate(peer)
    if not protocol.verify(secret, encrypted, signature):
        raise Refused(Status.PIN_AUTH_INVALID)
    pin = _new_pin(state, protocol, secret, encrypted)
    state.keys.set_pin(pin.hash, length=pin.length)
    return {}


def _change_pin(state: State, fields: Fields, exchange: Exchange) -> Answer:
    """§6.5.5.6."""
    protocol, peer = state.need_protocol(fields, 1), need(fields, 3, dict)
    signature, encrypted, hash_encrypted = need(fields, 4, bytes), need(fields, 5, bytes), need(fields, 6, bytes)
    _refuse_without_tries(state)
    secret = protocol.decapsulate(peer)
    if not protocol.verify(secret, encrypted + hash_encrypted, signature):
        raise Refused(Status.PIN_AUTH_INVALID)
    old = _check_pin(state, protocol, secret, hash_encrypted)
    pin = _new_pin(state, protocol, secret, encrypted)
    if state.keys.pin.must_change and pin.hash == old:
        raise Refused(Status.PIN_POLICY_VIOLATION)
    state.keys.set_pin(pin.hash, length=pin.length)
    state.token.reset()
    return {}


def _get_pin_token(state: State, fields: Fields, exchange: Exchange) -> Answer:
    """§6.5.5.7.1, of CTAP 2.0: for whatever the first request with it is about."""
    protocol, peer = state.need_protocol(fields, 1), need(fields, 3, dict)
    hash_encrypted = need(fields, 6, bytes)
    if 9 in fields or 10 in fields:
        raise Refused(Status.INVALID_PARAMETER)
    secret = _verify_pin(state, protocol, peer, hash_encrypted)
    if state.keys.pin.must_change:
        raise Refused(Status.PIN_INVALID)
    return _give_token(state, protocol, secret, _NEEDS_RP_ID, None)


def _get_token_using_pin(state: State, fields: Fields, exchange: Exchange) -> Answer:
    """§6.5.5.7.2."""
    protocol, peer = state.need_protocol(fields, 1), need(fields, 3, dict)
    hash_encrypted = need(fields, 6, bytes)
    permissions, rp_id = _read_permissions(fields)
    secret = _verify_pin(state, protocol, peer, hash_encrypted)
    if state.keys.pin.must_change:
        raise Refused(Status.PIN_POLICY_VIOLATION)
    return _give_token(state, protocol, secret, permissions, rp_id)


def _get_token_using_uv(state: State, fields: Fields, exchange: Exchange) -> Answer:
    """§6.5.5.7.3."""
    protocol, peer = state.need_protocol(fields, 1), need(fields, 3, dict)
    permissions, rp_id = _read_permissions(fields)
    if not state.has_uv:
        raise Refused(Status.NOT_ALLOWED)
    if state.keys.pin.is_set and state.keys.pin.retries_left == 0:
        raise Refused(Status.UV_BLOCKED)
    secret = protocol.decapsulate(peer)
    # Whoever agrees to sign in here, with the accounts before their eyes, need not be asked again by the one request
    # that follows. Making a passkey shows for whom only when it is made, and managing is not for one relying party.
    is_sign_in = permissions == Permission.GET_ASSERTION
    known = state.keys.credentials(rp_id) if is_sign_in else ()
    state.ask(
        Prompt(
            purpose=_purpose(permissions),
            rp_id=rp_id or "",
            accounts=tuple(Account(one.user_handle, one.user_name, one.user_display_name, one.id) for one in known),
            needs_verification=True,
            source=exchange.source,
        ),
        exchange,
    )
    return _give_token(state, protocol, secret, permissions, rp_id, is_user_present=is_sign_in and len(known) <= 1)


def _get_uv_retries(state: State, fields: Fields, exchange: Exchange) -> Answer:
    """§6.5.5.3. Built-in verification asks for the PIN, so their tries are the same."""
    if not state.verifier.can_verify:
        raise Refused(Status.INVALID_SUBCOMMAND)
    return {5: state.keys.pin.retries_left if state.keys.pin.is_set else MOST_PIN_RETRIES}


_Command = Callable[[State, Fields, Exchange], Answer]
_COMMANDS: Final[dict[int, _Command]] = {
    0x01: _get_pin_retries,
    0x02: _get_key_agreement,
    0x03: _set_pin,
    0x04: _change_pin,
    0x05: _get_pin_token,
    0x06: _get_token_using_uv,
    0x07: _get_uv_retries,
    0x09: _get_token_using_pin,
}


def _read_permissions(fields: Fields) -> tuple[Permission, str | None]:
    """§6.5.5.7. Bits that name no permission are ignored; a permission for what is not here is refused."""
    value = need(fields, 9, int)
    if value <= 0:
        raise Refused(Status.INVALID_PARAMETER)
    if value & Permission.BIO_ENROLLMENT:
        raise Refused(Status.UNAUTHORIZED_PERMISSION)
    permissions = Permission(value & _SUPPORTED)
    rp_id = need_rp_id(fields, 10) if 10 in fields else None
    if rp_id is None and permissions & _NEEDS_RP_ID:
        raise Refused(Status.MISSING_PARAMETER)
    return permissions, rp_id


def _purpose(permissions: Permission) -> Purpose:
    """The most of what the token is good for: nobody who agrees to a new passkey agrees to deleting others with it."""
    if permissions & _MANAGES or not permissions & _NEEDS_RP_ID:
        return Purpose.MANAGE
    return Purpose.REGISTER if permissions & Permission.MAKE_CREDENTIAL else Purpose.SIGN_IN


def _refuse_without_tries(state: State) -> None:
    pin = state.keys.pin
    if not pin.is_set:
        raise Refused(Status.PIN_NOT_SET)
    if pin.retries_left == 0:
        raise Refused(Status.PIN_BLOCKED)
    if state.needs_restart:
        raise Refused(Status.PIN_AUTH_BLOCKED)


def _verify_pin(state: State, protocol: PinProtocol, peer: dict[int | str, object], hash_encrypted: bytes) -> bytes:
    """The shared secret, when the PIN was right."""
    _refuse_without_tries(state)
    secret = protocol.decapsulate(peer)
    _check_pin(state, protocol, secret, hash_encrypted)
    return secret


def _check_pin(state: State, protocol: PinProtocol, secret: bytes, hash_encrypted: bytes) -> bytes:
    """The hash. The key store counts the try before it looks."""
    try:
        pin_hash = protocol.decrypt(secret, hash_encrypted)
    except ValueError:
        pin_hash = b""
    if len(pin_hash) != _PIN_HASH_LENGTH:
        # no hash of any PIN: wrong, and counted like every wrong one
        pin_hash = bytes(_PIN_HASH_LENGTH)
    try:
        state.keys.check_pin(pin_hash)
    except PinError as error:
        protocol.regenerate()
        _refuse_pin(state, error)
    return pin_hash


def _refuse_pin(state: State, error: PinError) -> NoReturn:
    if error.retries_left == 0:
        raise Refused(Status.PIN_BLOCKED) from None
    if error.needs_restart:
        state.needs_restart = True
        raise Refused(Status.PIN_AUTH_BLOCKED) from None
    raise Refused(Status.PIN_INVALID) from None


def _new_pin(state: State, protocol: PinProtocol, secret: bytes, encrypted: bytes) -> Pin:
    """§6.5.1: 4 code points or more, 63 bytes of UTF-8 at most, padded to 64."""
    try:
        padded = protocol.decrypt(secret, encrypted)
    except ValueError:
        raise Refused(Status.PIN_AUTH_INVALID) from None
    if len(padded) != _PADDED_PIN_LENGTH:
        raise Refused(Status.INVALID_PARAMETER)
    content = padded.rstrip(b"\0")
    try:
        length = len(content.decode())
    except UnicodeDecodeError:
        raise Refused(Status.PIN_POLICY_VIOLATION) from None
    if length < state.keys.pin.minimum_length or len(content) > MAX_PIN_BYTES:
        raise Refused(Status.PIN_POLICY_VIOLATION)
    return Pin(hashlib.sha256(content).digest()[:_PIN_HASH_LENGTH], length)


def _give_token(
    state: State,
    protocol: PinProtocol,
    secret: bytes,
    permissions: Permission,
    rp_id: str | None,
    *,
    is_user_present: bool = False,
) -> Answer:
    token = state.token.begin(protocol, permissions, rp_id, is_user_present=is_user_present)
    return {2: protocol.encrypt(secret, token)}
