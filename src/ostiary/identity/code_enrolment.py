"""A person adds an authenticator app: a secret shown once, kept only when a code from it was right.

The pending secret is not stored: it travels sealed in the form, bound to the person and a time.
"""

import json
from typing import NamedTuple

from ostiary.clock import MINUTE
from ostiary.identity import audit
from ostiary.identity.assurance import MethodKind, Proof
from ostiary.identity.caller import Caller
from ostiary.identity.methods import Codes
from ostiary.identity.methods.code import (
    MOST_GENERATORS,
    matching_step,
    new_secret,
    parse_code,
    provisioning_uri,
)
from ostiary.identity.names import suggest_name
from ostiary.identity.policy import enforcing
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sealing import SealBrokenError, Sealer
from ostiary.identity.sessions import Opened, SignedIn, raise_session, require
from ostiary.passkeys.base64url import decode, encode
from ostiary.storage import methods, people
from ostiary.storage.database import Transaction

LIFETIME = 15 * MINUTE


class Pending(NamedTuple):
    enrolment: str  # sealed, for the form
    secret: str
    uri: str


def require_may_add(tx: Transaction, signed_in: SignedIn, *, now: int) -> None:
    """Fresh proof, and room for one more. Raises `Refusal`."""
    require_room(tx, signed_in, now=now)
    require(tx, signed_in, signed_in.to_change, now=now)


def require_room(tx: Transaction, signed_in: SignedIn, *, now: int) -> None:
    """What freshness cannot cure: policy, or too many apps. Raises `Refusal`."""
    enforcing.require_may_add(tx, signed_in.person.id, MethodKind.CODE)
    if methods.kinds_of(tx, signed_in.person.id).get(MethodKind.CODE, 0) >= MOST_GENERATORS:
        raise Refusal(Reason.CODE_LIMIT, person_id=signed_in.person.id)


def begin(signed_in: SignedIn, sealer: Sealer, *, issuer: str, now: int) -> Pending:
    secret = new_secret()
    sealed = sealer.seal(json.dumps([secret, now + LIFETIME]).encode(), purpose=_purpose(signed_in))
    return _pending(encode(sealed), secret, signed_in, issuer)


def resume(enrolment: str, signed_in: SignedIn, sealer: Sealer, *, issuer: str, now: int) -> Pending:
    """The pending secret a form carries. Raises `Refusal(ENROLMENT_EXPIRED)` when it is too old or not ours."""
    try:
        secret, expires_at = json.loads(sealer.open(decode(enrolment), purpose=_purpose(signed_in)))
    except (SealBrokenError, ValueError) as error:
        raise Refusal(Reason.ENROLMENT_EXPIRED, person_id=signed_in.person.id) from error
    if expires_at <= now:
        raise Refusal(Reason.ENROLMENT_EXPIRED, person_id=signed_in.person.id)
    return _pending(enrolment, secret, signed_in, issuer)


def finish(
    tx: Transaction,
    signed_in: SignedIn,
    codes: Codes,
    pending: Pending,
    code: str,
    *,
    default_name: str,
    caller: Caller,
    now: int,
) -> Opened:
    """Keeps the generator, whose code counts as proven now. Raises `Refusal(CODE_WRONG)`."""
    require_may_add(tx, signed_in, now=now)
    step = matching_step(pending.secret, parse_code(code), now=now)
    if step is None:
        raise Refusal(Reason.CODE_WRONG, field="code", person_id=signed_in.person.id)
    person = signed_in.person
    taken = {method.name_key for method in methods.methods_of(tx, person.id) if method.name_key}
    name = suggest_name((default_name,), taken)
    method_id = codes.add(tx, person, secret=pending.secret, name=name, step=step, now=now)
    if person.preferred_second_factor is None:
        people.set_preferred_second_factor(tx, person.id, MethodKind.CODE)
    audit.record(
        tx,
        audit.Event.CODE_ADD,
        caller=caller,
        now=now,
        actor=person,
        target=person,
        method_id=method_id,
        method=name,
    )
    return raise_session(tx, signed_in, (Proof(MethodKind.CODE, now, method_id),), now=now)


def _pending(enrolment: str, secret: str, signed_in: SignedIn, issuer: str) -> Pending:
    return Pending(enrolment, secret, provisioning_uri(secret, username=signed_in.person.username, issuer=issuer))


def _purpose(signed_in: SignedIn) -> str:
    return f"code enrolment {signed_in.person.id}"
