"""`/ostiary/me/setup`: what the Authenticator may set up for this account, told before it tries."""

from typing import Any

from fastapi import APIRouter

from ostiary.identity import attestation, authenticator_registration, code_enrolment, passkey_registration
from ostiary.identity.assurance import MethodKind
from ostiary.identity.policy import enforcing, keeping
from ostiary.identity.policy.evaluate import PasskeyFacts
from ostiary.identity.policy.model import PasskeyType
from ostiary.identity.reasons import Refusal
from ostiary.identity.sessions import SignedIn
from ostiary.passkeys.base64url import encode
from ostiary.passkeys.providers import AUTHENTICATOR_SEALED_FILE, AUTHENTICATOR_TPM
from ostiary.storage import methods, organizations
from ostiary.storage.database import Transaction
from ostiary.web.graph.call import Call, Reader
from ostiary.web.oidc.issuer import issuer_of
from ostiary.web.wording import words_of

_MODELS = (str(AUTHENTICATOR_SEALED_FILE), str(AUTHENTICATOR_TPM))
router = APIRouter(prefix="/ostiary/me", tags=["setup"])


@router.get("/setup", summary="What the Authenticator may set up for this account")
async def setup(call: Reader) -> dict[str, Any]:
    signed_in, relying_party = call.session(), call.site.relying_party
    person = signed_in.person
    organization = await call.read(organizations.the_organization)
    outlook = await call.read(passkey_registration.prospects, signed_in, now=call.now)
    models, against = await call.read(_models, signed_in, now=call.now)
    return {
        "organization": {
            "name": organization.name if organization else relying_party.name,
            "rpId": relying_party.id,
            "origin": issuer_of(call.site).url,
        },
        "account": {"id": person.id, "username": person.username, "displayName": person.display_name},
        "passkey": {
            **_told(call, against),
            "attestation": outlook.conveyance.value,
            "models": models,
            "registered": await call.read(_registered, person.id),
        },
        "approvals": {
            **_told(call, await call.read(_against_approvals, signed_in)),
            "isPasswordlessAllowed": await call.read(_is_passwordless_allowed),
        },
        "codes": _told(call, await call.read(_against_codes, signed_in, now=call.now)),
        "attestation": {"isOffered": await call.read(attestation.is_offered)},
        "tunnel": {"domain": call.site.tunnel_domain} if call.site.tunnel_domain else None,
    }


def _registered(tx: Transaction, person_id: str) -> list[dict[str, str]]:
    """The passkeys there are, by what an authenticator knows them by: an app whose answer was lost finds its own."""
    owned = methods.credentials_of(tx, person_id)
    return [{"id": record.method_id, "credentialId": encode(record.credential_id)} for record in owned]


def _models(tx: Transaction, signed_in: SignedIn, *, now: int) -> tuple[list[str], Refusal | None]:
    """Which models of Authenticator policy takes, and why none. An attested passkey is supposed: whether it can be
    attested is the Authenticator's to know."""
    try:
        passkey_registration.require_room(tx, signed_in, now=now)
    except Refusal as refusal:
        return [], refusal
    owned = methods.kinds_of(tx, signed_in.person.id).get(MethodKind.PASSKEY, 0)
    taken: list[str] = []
    against: Refusal | None = None
    for model in _MODELS:
        facts = PasskeyFacts(model, PasskeyType.DEVICE_BOUND, is_attested=True)
        try:
            enforcing.require_acceptable(tx, signed_in.person.id, facts, owned=owned, now=now)
        except Refusal as refusal:
            against = against or refusal
        else:
            taken.append(model)
    return taken, None if taken else against


def _against_codes(tx: Transaction, signed_in: SignedIn, *, now: int) -> Refusal | None:
    try:
        code_enrolment.require_room(tx, signed_in, now=now)
    except Refusal as refusal:
        return refusal
    return None


def _against_approvals(tx: Transaction, signed_in: SignedIn) -> Refusal | None:
    try:
        authenticator_registration.require_room(tx, signed_in.person)
    except Refusal as refusal:
        return refusal
    return None


def _is_passwordless_allowed(tx: Transaction) -> bool:
    return enforcing.is_passwordless_offered(keeping.current(tx))


def _told(call: Call, refusal: Refusal | None) -> dict[str, Any]:
    if refusal is None:
        return {"isAllowed": True}
    title, next = words_of(refusal, call.say)
    return {"isAllowed": False, "reason": refusal.reason.value, "message": title, "next": next}
