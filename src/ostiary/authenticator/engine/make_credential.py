"""authenticatorMakeCredential (CTAP 2.1 §6.1)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ostiary.authenticator.engine import attestation, authenticator_data, extensions
from ostiary.authenticator.engine.fields import (
    Descriptor,
    Fields,
    need,
    need_client_data_hash,
    need_rp_id,
    take,
    take_descriptors,
    take_name,
)
from ostiary.authenticator.engine.state import Answer, State
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.engine.token import Permission
from ostiary.authenticator.engine.user_verification import Options, apply_always_uv, read_options, verify_token
from ostiary.authenticator.ports import Account, Credential, Exchange, NewCredential, Prompt, Purpose

MAX_USER_HANDLE_LENGTH: Final = 64


def make_credential(state: State, fields: Fields, exchange: Exchange) -> Answer:
    keys = state.keys
    client_data_hash = need_client_data_hash(fields, 1)
    rp, user = need(fields, 2, dict), need(fields, 3, dict)
    rp_id, rp_name = need_rp_id(rp, "id"), take_name(rp, "name")
    account = _read_user(user)
    parameters = need(fields, 4, list)
    excluded = take_descriptors(fields, 5)
    inputs: Fields = take(fields, 6, dict) or {}
    # steps 1, 2, 5
    options = read_options(state, fields, exchange, options_key=7, signature_key=8, protocol_key=9)
    # step 3
    algorithm = _choose_algorithm(keys.algorithms, parameters)
    if not options.up:
        raise Refused(Status.INVALID_OPTION)
    is_discoverable = options.rk is True
    # step 6
    apply_always_uv(state, options)
    # steps 7, 8: makeCredUvNotRqd, so that a second factor can be made as easily as before there were passkeys (§6.1.2
    # tells authenticators to); what is found without being named needs the person
    if is_discoverable and state.is_protected and not options.uv and options.signature is None:
        raise Refused(Status.PUAT_REQUIRED if keys.pin.is_set else Status.OPERATION_DENIED)
    # step 9: this is not enterprise attestation
    if take(fields, 0x0A, int) is not None:
        raise Refused(Status.INVALID_PARAMETER)
    # step 11
    is_verified = verify_token(state, options, client_data_hash, rp_id, Permission.MAKE_CREDENTIAL) or options.uv
    wanted = extensions.read_creation(state, inputs, is_discoverable=is_discoverable)
    # steps 11 to 14 in one question
    existing = _existing(keys.credentials(rp_id), account) if is_discoverable else None
    prompt = Prompt(
        purpose=Purpose.REGISTER,
        rp_id=rp_id,
        rp_name=rp_name,
        accounts=(account._replace(credential_id=existing.id if existing else None),),
        needs_verification=options.uv,
        source=exchange.source,
    )
    _refuse_excluded(state, excluded, prompt, exchange, is_verified=is_verified)
    _ask(state, prompt, exchange, options)
    # steps 16 to 19
    sign_count = keys.next_sign_count()
    credential = keys.add(
        NewCredential(
            rp_id=rp_id,
            rp_name=rp_name,
            user_handle=account.user_handle,
            user_name=account.name,
            user_display_name=account.display_name,
            algorithm=algorithm,
            created_at=state.clock(),
            cred_protect=wanted.cred_protect or extensions.USER_VERIFICATION_OPTIONAL,
            cred_blob=wanted.cred_blob,
            has_large_blob_key=wanted.wants_large_blob_key,
            is_discoverable=is_discoverable,
        )
    )
    try:
        data = authenticator_data.build(
            rp_id,
            sign_count,
            extensions.creation_outputs(state, wanted, credential, is_verified=is_verified),
            is_present=True,
            is_verified=is_verified,
            attested=authenticator_data.attested_credential_data(keys.aaguid, credential.id, credential.public_key),
        )
        statement = attestation.attest(keys, credential, data + client_data_hash)
    except Exception:
        # nobody will ever hear of it
        keys.delete(credential.id)
        raise
    answer: Answer = {1: "packed", 2: data, 3: statement}
    if credential.large_blob_key is not None:
        answer[5] = credential.large_blob_key
    return answer


def _read_user(user: Fields) -> Account:
    handle: bytes = need(user, "id", bytes)
    if not 0 < len(handle) <= MAX_USER_HANDLE_LENGTH:
        raise Refused(Status.INVALID_LENGTH)
    return Account(handle, take_name(user, "name"), take_name(user, "displayName"))


def _choose_algorithm(supported: Sequence[int], parameters: list[Any]) -> int:
    """The first of the platform's that the key store can sign by; every element is looked at (step 3)."""
    chosen: int | None = None
    for parameter in parameters:
        if type(parameter) is not dict:
            raise Refused(Status.CBOR_UNEXPECTED_TYPE)
        kind, algorithm = need(parameter, "type", str), need(parameter, "alg", int)
        if chosen is None and kind == "public-key" and algorithm in supported:
            chosen = algorithm
    if chosen is None:
        raise Refused(Status.UNSUPPORTED_ALGORITHM)
    return chosen


def _existing(credentials: Sequence[Credential], account: Account) -> Credential | None:
    for credential in credentials:
        if credential.is_discoverable and credential.user_handle == account.user_handle:
            return credential
    return None


def _refuse_excluded(
    state: State, excluded: list[Descriptor] | None, prompt: Prompt, exchange: Exchange, *, is_verified: bool
) -> None:
    """Step 12. Whoever asks learns that the credential is here when the person agrees that they may, and not by
    waiting: declining and timing out are told as such (WebAuthn L3 §6.3.2 step 3, §14.5.1)."""
    for descriptor in excluded or ():
        credential = state.keys.find(descriptor.id) if descriptor.type == "public-key" else None
        if credential is None or credential.rp_id != prompt.rp_id:
            continue
        if credential.cred_protect == extensions.USER_VERIFICATION_REQUIRED and not is_verified:
            continue
        found = Account(credential.user_handle, credential.user_name, credential.user_display_name, credential.id)
        state.ask(replace(prompt, purpose=Purpose.ALREADY_REGISTERED, accounts=(found,)), exchange)
        raise Refused(Status.CREDENTIAL_EXCLUDED)


def _ask(state: State, prompt: Prompt, exchange: Exchange, options: Options) -> None:
    """Steps 11.2 and 14, in one question, which always comes: only here can the person see for which account."""
    if state.must_unlock and not prompt.needs_verification:
        prompt = replace(prompt, needs_verification=True)
    state.ask(prompt, exchange)
    if options.signature is not None:
        state.token.spend()
