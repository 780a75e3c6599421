"""authenticatorCredentialManagement (CTAP 2.1 §6.8)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from ostiary.authenticator.engine import cbor
from ostiary.authenticator.engine.fields import Fields, need, need_descriptor, take, take_name
from ostiary.authenticator.engine.state import Answer, State
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.engine.token import Permission, rp_id_hash
from ostiary.authenticator.ports import Credential


@dataclass(slots=True)
class RelyingParties:
    """Those an enumeration has still to name."""

    rest: list[Credential]


@dataclass(slots=True)
class Credentials:
    rest: list[Credential]


def credential_management(state: State, fields: Fields) -> Answer:
    number = need(fields, 1, int)
    if number == 0x03:
        return _next_relying_party(state)
    if number == 0x05:
        return _next_credential(state)
    command = _COMMANDS.get(number)
    if command is None:
        raise Refused(Status.INVALID_SUBCOMMAND)
    parameters: dict[int | str, Any] | None = take(fields, 2, dict)
    signature: bytes | None = take(fields, 4, bytes)
    if signature is None:
        raise Refused(Status.PUAT_REQUIRED)
    protocol = state.need_protocol(fields, 3)
    message = bytes((number,)) + (cbor.encode(parameters) if parameters is not None else b"")
    state.token.verify(protocol, message, signature, Permission.CREDENTIAL_MANAGEMENT)
    return command(state, parameters or {})


def _discoverable(state: State) -> list[Credential]:
    return [credential for credential in state.keys.credentials() if credential.is_discoverable]


def _refuse_bound_token(state: State) -> None:
    """What is about all relying parties is not for a token for one."""
    if state.token.has_rp_id:
        raise Refused(Status.PIN_AUTH_INVALID)


def _get_metadata(state: State, parameters: Fields) -> Answer:
    """§6.8.2."""
    _refuse_bound_token(state)
    return {1: len(_discoverable(state)), 2: state.keys.remaining}


def _enumerate_relying_parties(state: State, parameters: Fields) -> Answer:
    """§6.8.3."""
    _refuse_bound_token(state)
    found = list({credential.rp_id: credential for credential in _discoverable(state)}.values())
    if not found:
        raise Refused(Status.NO_CREDENTIALS)
    answer = _relying_party(found[0])
    answer[5] = len(found)
    state.remember(RelyingParties(found[1:]))
    return answer


def _next_relying_party(state: State) -> Answer:
    remembered = state.continuation
    if not isinstance(remembered, RelyingParties) or not remembered.rest:
        raise Refused(Status.NOT_ALLOWED)
    answer = _relying_party(remembered.rest.pop(0))
    state.remember(remembered)
    return answer


def _relying_party(credential: Credential) -> Answer:
    rp: dict[int | str, Any] = {"id": credential.rp_id}
    if credential.rp_name:
        rp["name"] = credential.rp_name
    return {3: rp, 4: rp_id_hash(credential.rp_id)}


def _enumerate_credentials(state: State, parameters: Fields) -> Answer:
    """§6.8.4."""
    wanted = need(parameters, 1, bytes)
    found = [credential for credential in _discoverable(state) if rp_id_hash(credential.rp_id) == wanted]
    if state.token.has_rp_id and not (found and state.token.is_for(found[0].rp_id)):
        raise Refused(Status.PIN_AUTH_INVALID)
    if not found:
        raise Refused(Status.NO_CREDENTIALS)
    answer = _credential(found[0])
    answer[9] = len(found)
    state.remember(Credentials(found[1:]))
    return answer


def _next_credential(state: State) -> Answer:
    remembered = state.continuation
    if not isinstance(remembered, Credentials) or not remembered.rest:
        raise Refused(Status.NOT_ALLOWED)
    answer = _credential(remembered.rest.pop(0))
    state.remember(remembered)
    return answer


def _credential(credential: Credential) -> Answer:
    user: dict[int | str, Any] = {"id": credential.user_handle}
    if credential.user_name:
        user["name"] = credential.user_name
    if credential.user_display_name:
        user["displayName"] = credential.user_display_name
    answer: Answer = {
        6: user,
        7: {"id": credential.id, "type": "public-key"},
        8: cbor.Encoded(credential.public_key),
        0x0A: credential.cred_protect,
    }
    if credential.large_blob_key is not None:
        answer[0x0B] = credential.large_blob_key
    return answer


def _need_credential(state: State, parameters: Fields) -> Credential:
    descriptor = need_descriptor(parameters, 2)
    credential = state.keys.find(descriptor.id) if descriptor.type == "public-key" else None
    if credential is None or not credential.is_discoverable:
        raise Refused(Status.NO_CREDENTIALS)
    if not state.token.is_for(credential.rp_id):
        raise Refused(Status.PIN_AUTH_INVALID)
    return credential


def _delete(state: State, parameters: Fields) -> Answer:
    """§6.8.5."""
    state.keys.delete(_need_credential(state, parameters).id)
    return {}


def _update(state: State, parameters: Fields) -> Answer:
    """§6.8.6: a name that is absent or empty is forgotten."""
    user = need(parameters, 3, dict)
    handle = need(user, "id", bytes)
    credential = _need_credential(state, parameters)
    if handle != credential.user_handle:
        raise Refused(Status.INVALID_PARAMETER)
    name, display_name = take_name(user, "name"), take_name(user, "displayName")
    state.keys.update(replace(credential, user_name=name, user_display_name=display_name))
    return {}


_Command = Callable[[State, Fields], Answer]
_COMMANDS: Final[dict[int, _Command]] = {
    0x01: _get_metadata,
    0x02: _enumerate_relying_parties,
    0x04: _enumerate_credentials,
    0x06: _delete,
    0x07: _update,
}
