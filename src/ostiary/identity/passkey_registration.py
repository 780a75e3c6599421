"""A person adds a passkey under Security info: options, the one-time challenge, verification, the row."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from ostiary.clock import as_datetime
from ostiary.identifiers import new_id
from ostiary.identity import audit
from ostiary.identity.assurance import CHANGE_METHODS, MethodKind
from ostiary.identity.caller import Caller
from ostiary.identity.challenges import Ceremony, consume_challenge, issue_challenge
from ostiary.identity.methods.passkey import descriptor
from ostiary.identity.names import name_key, parse_name, suggest_name
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.relying_party import RelyingParty
from ostiary.identity.sessions import SignedIn, require, require_second_factor
from ostiary.passkeys import (
    AttestationConveyance,
    CeremonyError,
    Hint,
    RegistrationResponse,
    VerifiedRegistration,
    creation_options,
    provider_of,
    verify_registration,
)
from ostiary.storage import methods
from ostiary.storage.database import Transaction
from ostiary.storage.methods import CredentialRecord, SignInMethod

MOST_PASSKEYS = 10


class Choice(StrEnum):
    """Where the person wants the passkey; passed on to the browser as a hint."""

    THIS_DEVICE = "this_device"
    PHONE_OR_TABLET = "phone_or_tablet"
    SECURITY_KEY = "security_key"


_HINTS = {
    Choice.THIS_DEVICE: (Hint.CLIENT_DEVICE,),
    Choice.PHONE_OR_TABLET: (Hint.HYBRID,),
    Choice.SECURITY_KEY: (Hint.SECURITY_KEY,),
}


class Naming(NamedTuple):
    """The words a default name is made of, in the person's language: where and when, and what to call a passkey whose
    provider does not say who it is."""

    device: str  # "Windows", "iPhone"
    month: str
    passkey: str
    phone: str
    security_key: str


def require_may_add(tx: Transaction, signed_in: SignedIn, *, now: int) -> None:
    """Fresh MFA, asked before the ceremony, and room for one more. Raises `Refusal`."""
    require(tx, signed_in, CHANGE_METHODS, now=now)
    require_room(tx, signed_in)


def require_room(tx: Transaction, signed_in: SignedIn) -> None:
    """What freshness cannot cure: no second factor yet, or too many passkeys. Raises `Refusal`."""
    require_second_factor(tx, signed_in)
    if methods.kinds_of(tx, signed_in.person.id).get(MethodKind.PASSKEY, 0) >= MOST_PASSKEYS:
        raise Refusal(Reason.PASSKEY_LIMIT, person_id=signed_in.person.id)


def begin(
    tx: Transaction, signed_in: SignedIn, relying_party: RelyingParty, choice: Choice | None, *, now: int
) -> Mapping[str, object]:
    """`PublicKeyCredentialCreationOptionsJSON` (WebAuthn L3 §5.4), bound to this session."""
    require_may_add(tx, signed_in, now=now)
    person = signed_in.person
    challenge = issue_challenge(
        tx, Ceremony.REGISTRATION, binding=signed_in.session.token_hash, person_id=person.id, now=now
    )
    return creation_options(
        challenge=challenge,
        rp_id=relying_party.id,
        rp_name=relying_party.name,
        user_handle=person.user_handle,
        user_name=person.username,
        user_display_name=person.display_name,
        exclude_credentials=[descriptor(record) for record in methods.credentials_of(tx, person.id)],
        hints=_HINTS[choice] if choice else (),
        attestation=AttestationConveyance.NONE,  # nothing decides by it yet, and asking makes some browsers ask
    )


def consume(tx: Transaction, signed_in: SignedIn, response: RegistrationResponse, *, now: int) -> bytes:
    """Spends the challenge; to be committed before `verify`. The proof's age was judged when it was issued."""
    try:
        challenge = response.challenge
    except CeremonyError as error:
        raise Refusal.of_ceremony(error, person_id=signed_in.person.id) from error
    taken = consume_challenge(tx, challenge, Ceremony.REGISTRATION, binding=signed_in.session.token_hash, now=now)
    return taken.challenge


def verify(
    response: RegistrationResponse, challenge: bytes, relying_party: RelyingParty, *, person_id: str, now: int
) -> VerifiedRegistration:
    try:
        return verify_registration(
            response=response,
            challenge=challenge,
            origins=relying_party.origins,
            rp_id=relying_party.id,
            at=as_datetime(now),
        )
    except CeremonyError as error:
        raise Refusal.of_ceremony(error, person_id=person_id) from error


def finish(
    tx: Transaction,
    signed_in: SignedIn,
    facts: VerifiedRegistration,
    relying_party: RelyingParty,
    naming: Naming,
    name: str | None,
    *,
    caller: Caller,
    now: int,
) -> SignInMethod:
    """WebAuthn L3 §7.1, steps 26-27: the credential is new, and its record is kept.

    Raises `Refusal`: the credential is known already (anyone's), the name is invalid or taken, there are too many.
    """
    person = signed_in.person
    if methods.is_credential_known(tx, facts.credential_id):
        raise Refusal(Reason.PASSKEY_EXISTS, person_id=person.id)
    owned = methods.methods_of(tx, person.id)
    if sum(method.kind == MethodKind.PASSKEY for method in owned) >= MOST_PASSKEYS:
        raise Refusal(Reason.PASSKEY_LIMIT, person_id=person.id)
    taken = {method.name_key for method in owned if method.name_key}
    if name is None:
        name = _default_name(facts, naming, taken)
    else:
        name = parse_name(name)
        if name_key(name) in taken:
            raise Refusal(Reason.NAME_TAKEN, field="name", person_id=person.id)
    aaguid = str(facts.aaguid)
    method = SignInMethod(
        id=new_id(),
        person_id=person.id,
        kind=MethodKind.PASSKEY,
        name=name,
        name_key=name_key(name),
        created_at=now,
        last_used_at=None,
        last_used_client=None,
    )
    methods.insert_method(tx, method)
    methods.insert_credential(
        tx,
        CredentialRecord(
            method_id=method.id,
            person_id=person.id,
            credential_id=facts.credential_id,
            public_key=facts.public_key,
            algorithm=facts.algorithm,
            sign_count=facts.sign_count,
            transports=",".join(facts.transports),
            uv_initialized=facts.user_verified,
            backup_eligible=facts.backup_eligible,
            backup_state=facts.backup_state,
            aaguid=aaguid,
            attestation_format=facts.attestation.format,
            attestation_kind=facts.attestation.kind,
            attestation_object=facts.attestation_object,
            attestation_client_data_json=facts.client_data_json,
            rp_id=relying_party.id,
        ),
    )
    audit.record(
        tx,
        audit.Event.PASSKEY_ADD,
        caller=caller,
        now=now,
        actor=person,
        target=person,
        method_id=method.id,
        method=name,
        aaguid=aaguid,
    )
    return method


def _default_name(facts: VerifiedRegistration, naming: Naming, taken: set[str]) -> str:
    provider = provider_of(facts.aaguid)
    if provider is not None:
        return suggest_name((provider.name, naming.device, naming.month), taken)
    if "internal" in facts.transports or not facts.transports:
        return suggest_name((naming.passkey, naming.device, naming.month), taken)
    kind = naming.phone if "hybrid" in facts.transports else naming.security_key
    return suggest_name((kind, naming.month), taken)  # it is not the device this page is open on
