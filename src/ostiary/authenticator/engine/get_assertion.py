"""authenticatorGetAssertion and authenticatorGetNextAssertion (CTAP 2.1 §6.2, §6.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ostiary.authenticator.engine import authenticator_data, extensions
from ostiary.authenticator.engine.fields import (
    Descriptor,
    Fields,
    need_client_data_hash,
    need_rp_id,
    take,
    take_descriptors,
)
from ostiary.authenticator.engine.state import Answer, State
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.engine.token import Permission
from ostiary.authenticator.engine.user_verification import apply_always_uv, read_options, verify_token
from ostiary.authenticator.ports import Account, Credential, Exchange, Prompt, Purpose


@dataclass(slots=True)
class Request:
    """What every assertion of one request has in common."""

    rp_id: str
    client_data_hash: bytes
    is_present: bool
    is_verified: bool
    extensions: extensions.Assertion


@dataclass(slots=True)
class Remembered:
    """Of a getAssertion whose answer was the first of several."""

    request: Request
    rest: list[Credential]


def get_assertion(state: State, fields: Fields, exchange: Exchange) -> Answer:
    rp_id = need_rp_id(fields, 1)
    client_data_hash = need_client_data_hash(fields, 2)
    allowed = take_descriptors(fields, 3)
    inputs: Fields = take(fields, 4, dict) or {}
    # steps 1, 2, 4
    options = read_options(state, fields, exchange, options_key=5, signature_key=6, protocol_key=7)
    if options.rk is not None:
        raise Refused(Status.UNSUPPORTED_OPTION)
    # step 5: what is not to be noticed by the person cannot verify them
    if options.up:
        apply_always_uv(state, options)
    # step 6
    is_verified = verify_token(state, options, client_data_hash, rp_id, Permission.GET_ASSERTION) or options.uv
    wanted = extensions.read_assertion(state, inputs, up=options.up)
    # step 7; with built-in verification asked for, nobody learns that there is none before the person agrees
    credentials = _applicable(state, rp_id, allowed, is_verified=is_verified)
    if not credentials and not options.uv:
        raise Refused(Status.NO_CREDENTIALS)
    # steps 6.2, 9 and 12 in one question
    can_choose = len(credentials) > 1 and state.verifier.can_choose and (options.up or options.uv)
    is_present = options.up and options.signature is not None and state.token.is_user_present
    must_unlock = bool(credentials) and state.must_unlock
    choice = 0
    if options.uv or (options.up and not is_present) or can_choose or must_unlock:
        shown = credentials if can_choose or allowed is None else credentials[:1]
        decision = state.ask(
            Prompt(
                purpose=Purpose.SIGN_IN if options.up or options.uv else Purpose.UNLOCK,
                rp_id=rp_id,
                rp_name=credentials[0].rp_name if credentials else "",
                accounts=tuple(_account(credential) for credential in shown),
                needs_verification=options.uv or must_unlock,
                source=exchange.source,
            ),
            exchange,
        )
        choice = decision.choice if can_choose else 0
    if not credentials:
        raise Refused(Status.NO_CREDENTIALS)
    if options.up and options.signature is not None:
        state.token.spend()
    request = Request(rp_id, client_data_hash, options.up or options.uv, is_verified, wanted)
    # steps 11, 12
    if allowed is not None or can_choose or len(credentials) == 1:
        answer = _assert(state, request, credentials[choice], names_user=False)
        if can_choose and allowed is None:
            answer[6] = True
        return answer
    answer = _assert(state, request, credentials[0], names_user=is_verified)
    answer[5] = len(credentials)
    state.remember(Remembered(request, credentials[1:]))
    return answer


def get_next_assertion(state: State) -> Answer:
    """§6.3."""
    remembered = state.continuation
    if not isinstance(remembered, Remembered):
        raise Refused(Status.NOT_ALLOWED)
    credential = remembered.rest.pop(0)
    answer = _assert(state, remembered.request, credential, names_user=remembered.request.is_verified)
    if remembered.rest:
        state.remember(remembered)
    return answer


def _applicable(
    state: State, rp_id: str, allowed: Sequence[Descriptor] | None, *, is_verified: bool
) -> list[Credential]:
    """Step 7. An empty list allows nothing: only its absence means all."""
    if allowed is None:
        lowest_refused = extensions.USER_VERIFICATION_OPTIONAL_WITH_LIST
        found = [credential for credential in state.keys.credentials(rp_id) if credential.is_discoverable]
    else:
        lowest_refused = extensions.USER_VERIFICATION_REQUIRED
        ids = dict.fromkeys(descriptor.id for descriptor in allowed if descriptor.type == "public-key")
        known = (state.keys.find(credential_id) for credential_id in ids)
        found = [credential for credential in known if credential is not None and credential.rp_id == rp_id]
    if is_verified:
        return found
    return [credential for credential in found if credential.cred_protect < lowest_refused]


def _account(credential: Credential) -> Account:
    return Account(credential.user_handle, credential.user_name, credential.user_display_name, credential.id)


def _assert(state: State, request: Request, credential: Credential, *, names_user: bool) -> Answer:
    """Step 13."""
    outputs = (
        extensions.assertion_outputs(state, request.extensions, credential, is_verified=request.is_verified)
        if request.extensions is not extensions.NOTHING_ASSERTED
        else {}
    )
    keys = state.keys
    data = authenticator_data.build(
        request.rp_id,
        keys.next_sign_count(),
        outputs,
        is_present=request.is_present,
        is_verified=request.is_verified,
    )
    answer: Answer = {
        1: {"id": credential.id, "type": "public-key"},
        2: data,
        3: keys.sign(credential.id, data + request.client_data_hash),
    }
    if credential.is_discoverable:
        # who the person is, is told with user verification, and only where there are several to tell apart
        user: dict[int | str, object] = {"id": credential.user_handle}
        if names_user:
            user |= {"name": credential.user_name, "displayName": credential.user_display_name}
        answer[4] = user
    if request.extensions.wants_large_blob_key and credential.large_blob_key is not None:
        answer[7] = credential.large_blob_key
    if request.is_present:
        keys.update(replace(credential, last_used_at=state.clock()))
    return answer
