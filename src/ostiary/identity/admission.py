"""Who may enter the admin centre: people with a role, proven by a passkey once they have one."""

from ostiary.identity.assurance import ADMINISTER, ADMINISTER_AFRESH, MethodKind, is_satisfied
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sessions import SignedIn, owned_kinds
from ostiary.storage import people
from ostiary.storage.database import Transaction


def admit_administrator(tx: Transaction, signed_in: SignedIn, *, is_fresh: bool, now: int) -> None:
    """For a session that may open Security info. `is_fresh`: something is about to be changed.

    Raises `Refusal(NOT_PERMITTED)`, `Refusal(PHISHING_RESISTANT_REQUIRED)` or `Refusal(FRESH_MFA_REQUIRED)`.
    """
    person = signed_in.person
    if not people.roles_of(tx, person.id):
        raise Refusal(Reason.NOT_PERMITTED, person_id=person.id, detail="no role")
    owned = owned_kinds(tx, person, now=now)
    requirement = ADMINISTER_AFRESH if is_fresh else ADMINISTER
    if not is_satisfied(signed_in.proofs, requirement, owned=owned, now=now):
        has_passkey = MethodKind.PASSKEY in owned
        reason = Reason.PHISHING_RESISTANT_REQUIRED if has_passkey else Reason.FRESH_MFA_REQUIRED
        raise Refusal(reason, person_id=person.id)
