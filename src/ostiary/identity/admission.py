"""Who may enter the admin centre: people with a role, proven by two factors, and by a passkey once they have one."""

from ostiary.identity.assurance import (
    ADMINISTER,
    ADMINISTER_AFRESH,
    MethodKind,
    is_multi_factor,
    is_satisfied,
    valid_kinds,
)
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sessions import SignedIn, owned_kinds
from ostiary.storage import people
from ostiary.storage.database import Transaction


def admit_administrator(tx: Transaction, signed_in: SignedIn, *, is_fresh: bool, now: int) -> None:
    """For a session that may open Security info. `is_fresh`: something is about to be changed.

    Raises `Refusal(NOT_PERMITTED)`, `Refusal(PHISHING_RESISTANT_REQUIRED)` or `Refusal(FRESH_MFA_REQUIRED)`, and
    `Refusal(ADMINISTRATOR_NEEDS_TWO_FACTORS)` for who has only a password: everywhere else that is enough for them.
    """
    person = signed_in.person
    if not people.roles_of(tx, person.id):
        raise Refusal(Reason.NOT_PERMITTED, person_id=person.id, detail="no role")
    owned = owned_kinds(tx, person, now=now)
    if not is_multi_factor(owned | {proof.kind for proof in signed_in.proofs}):
        raise Refusal(Reason.ADMINISTRATOR_NEEDS_TWO_FACTORS, person_id=person.id)
    requirement = ADMINISTER_AFRESH if is_fresh else ADMINISTER
    if not is_satisfied(signed_in.proofs, requirement, owned=owned, now=now):
        has_passkey = MethodKind.PASSKEY in owned
        reason = Reason.PHISHING_RESISTANT_REQUIRED if has_passkey else Reason.FRESH_MFA_REQUIRED
        raise Refusal(reason, person_id=person.id)
    # whoever owns no second factor has satisfied it with one
    if not is_multi_factor(valid_kinds(signed_in.proofs, requirement, now)):
        raise Refusal(Reason.ADMINISTRATOR_NEEDS_TWO_FACTORS, person_id=person.id)
