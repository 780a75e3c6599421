"""A person adds a passkey under Security info: options, the one-time challenge, verification, the row."""

from collections.abc import Mapping
from typing import NamedTuple

from ostiary.clock import as_datetime
from ostiary.identifiers import new_id
from ostiary.identity import attestation_vouchers, audit
from ostiary.identity.assurance import MethodKind
from ostiary.identity.caller import Caller
from ostiary.identity.challenges import Ceremony, consume_challenge, issue_challenge
from ostiary.identity.methods.passkey import descriptor
from ostiary.identity.names import name_key, parse_name, suggest_name
from ostiary.identity.policy import enforcing
from ostiary.identity.policy.prospects import Choice, Outlook, outlook
from ostiary.identity.provider_names import name_of
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.relying_party import RelyingParty
from ostiary.identity.sessions import SignedIn, require, require_pass_in_time, require_second_factor
from ostiary.passkeys import (
    AttestationKind,
    CeremonyError,
    Hint,
    RegistrationResponse,
    VerifiedRegistration,
    creation_options,
    verify_registration,
)
from ostiary.passkeys.metadata import TrustStore
from ostiary.storage import methods
from ostiary.storage.database import Transaction
from ostiary.storage.methods import CredentialRecord, SignInMethod

MOST_PASSKEYS = 10


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
    """A policy that takes some passkey of theirs, fresh MFA, and room for one more. Raises `Refusal`.

    Policy comes first: nobody is asked to prove who they are only to hear that it was for nothing.
    """
    enforcing.require_may_register(tx, signed_in.person.id, now=now)
    require(tx, signed_in, signed_in.to_change, now=now)
    require_room(tx, signed_in, now=now)


def require_room(tx: Transaction, signed_in: SignedIn, *, now: int) -> None:
    """What freshness cannot cure: policy, no second factor yet, or too many passkeys. Raises `Refusal`."""
    enforcing.require_may_register(tx, signed_in.person.id, now=now)
    require_second_factor(tx, signed_in, now=now)
    if methods.kinds_of(tx, signed_in.person.id).get(MethodKind.PASSKEY, 0) >= MOST_PASSKEYS:
        raise Refusal(Reason.PASSKEY_LIMIT, person_id=signed_in.person.id)


def prospects(tx: Transaction, signed_in: SignedIn, *, now: int) -> Outlook:
    """What the person could register, told before the browser's dialog opens."""
    standing = enforcing.standing_of(tx, signed_in.person.id)
    owned = methods.kinds_of(tx, signed_in.person.id).get(MethodKind.PASSKEY, 0)
    return outlook(standing.policy.passkey, standing.groups, owned=owned, now=now)


def begin(
    tx: Transaction, signed_in: SignedIn, relying_party: RelyingParty, choice: Choice | None, *, now: int
) -> Mapping[str, object]:
    """`PublicKeyCredentialCreationOptionsJSON` (WebAuthn L3 §5.4), bound to this session."""
    require_may_add(tx, signed_in, now=now)
    seen = prospects(tx, signed_in, now=now)
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
        hints=_hints(choice, seen),
        attestation=seen.conveyance,  # asked only where a rule decides by it, for asking makes some browsers ask
    )


def _hints(choice: Choice | None, seen: Outlook) -> tuple[Hint, ...]:
    """Where the person wants it, or where alone policy lets it be."""
    if choice is not None:
        return _HINTS[choice]
    open_choices = [one for one, reason in seen.choices.items() if reason is None]
    if len(open_choices) == len(Choice):
        return ()
    return tuple(hint for one in open_choices for hint in _HINTS[one])


def consume(tx: Transaction, signed_in: SignedIn, response: RegistrationResponse, *, now: int) -> bytes:
    """Spends the challenge; to be committed before `verify`. The proof's age was judged when it was issued."""
    try:
        challenge = response.challenge
    except CeremonyError as error:
        raise Refusal.of_ceremony(error, person_id=signed_in.person.id) from error
    taken = consume_challenge(tx, challenge, Ceremony.REGISTRATION, binding=signed_in.session.token_hash, now=now)
    return taken.challenge


def verify(
    response: RegistrationResponse,
    challenge: bytes,
    relying_party: RelyingParty,
    trust_store: TrustStore,
    *,
    person_id: str,
    now: int,
) -> VerifiedRegistration:
    """Trusts only anchors that may vouch for the model it claims to be."""
    try:
        return verify_registration(
            trust_anchors=trust_store.anchors_of(response),
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
    is_compromised: bool,
    caller: Caller,
    now: int,
) -> SignInMethod:
    """WebAuthn L3 §7.1, steps 26-27: the credential is new, policy accepts it, and its record is kept.

    Raises `Refusal`: the credential is known already (anyone's), the name is invalid or taken, there are too many, or
    the one-time pass this began with is too long ago.
    """
    person = signed_in.person
    require_pass_in_time(signed_in, now=now)
    if methods.is_credential_known(tx, facts.credential_id):
        raise Refusal(Reason.PASSKEY_EXISTS, person_id=person.id)
    voucher = attestation_vouchers.require_enrolled(tx, facts.attestation, person_id=person.id)
    owned = methods.methods_of(tx, person.id)
    passkeys = sum(method.kind == MethodKind.PASSKEY for method in owned)
    if passkeys >= MOST_PASSKEYS:
        raise Refusal(Reason.PASSKEY_LIMIT, person_id=person.id)
    enforcing.require_acceptable(
        tx, person.id, enforcing.facts_of_new(facts, is_compromised=is_compromised), owned=passkeys, now=now
    )
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
            attestation_kind=_attestation_kind(facts),
            attestation_object=facts.attestation_object,
            attestation_client_data_json=facts.client_data_json,
            rp_id=relying_party.id,
        ),
    )
    if voucher is not None:
        attestation_vouchers.keep_voucher(tx, method.id, voucher)
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


def _attestation_kind(facts: VerifiedRegistration) -> AttestationKind:
    """As kept: attested only when the AAGUID is, for that is what policy asks of it later."""
    kind = facts.attestation.kind
    is_only_claimed = kind is AttestationKind.ATTESTED and facts.attested_aaguid is None
    return AttestationKind.UNTRUSTED if is_only_claimed else kind


def _default_name(facts: VerifiedRegistration, naming: Naming, taken: set[str]) -> str:
    provider = name_of(facts.aaguid)
    if provider is not None:
        return suggest_name((provider, naming.device, naming.month), taken)
    if "internal" in facts.transports or not facts.transports:
        return suggest_name((naming.passkey, naming.device, naming.month), taken)
    kind = naming.phone if "hybrid" in facts.transports else naming.security_key
    return suggest_name((kind, naming.month), taken)  # it is not the device this page is open on
