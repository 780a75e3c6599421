"""Which stage of a sign-in is next: a table of the pure function."""

import pytest

from ostiary.clock import MINUTE
from ostiary.identity.assurance import MethodKind, Proof
from ostiary.identity.sign_in import Stage, stage_of
from ostiary.storage.people import Person
from ostiary.storage.sessions import SignInAttempt

NOW = 1_000 * MINUTE
PASSWORD, PASSKEY, CODE, PASS = MethodKind.PASSWORD, MethodKind.PASSKEY, MethodKind.CODE, MethodKind.PASS
ALL = {PASSWORD, PASSKEY, CODE}
ADA = Person("p", "o", "ada@contoso.example", "Ada", b"handle", True, False, None, 0)
MUST_CHANGE = ADA._replace(must_change_password=True)
ATTEMPT = SignInAttempt(b"token", ADA.username, ADA.id, None, None, None, "[]", "/security-info", NOW + 1)
STEP_UP = ATTEMPT._replace(session_id="s", max_age=5 * MINUTE)
UNKNOWN = ATTEMPT._replace(username="nobody@contoso.example", person_id=None)


def _proofs(*kinds: MethodKind, age: int = 0) -> tuple[Proof, ...]:
    return tuple(Proof(kind, NOW - age, kind.value) for kind in kinds)


STRANGERS = (PASSWORD, PASSKEY, PASS)


@pytest.mark.parametrize(
    ("attempt", "person", "owned", "proofs", "known", "stage", "kinds"),
    [
        # nobody has said who they are
        (None, None, set(), (), False, Stage.IDENTIFY, ()),
        (ATTEMPT._replace(username=None), None, set(), (), True, Stage.IDENTIFY, ()),
        # the first proof: the same for everybody, known or not
        (UNKNOWN, None, set(), (), False, Stage.PROVE, STRANGERS),
        (ATTEMPT, ADA, {PASSWORD}, (), False, Stage.PROVE, STRANGERS),
        (ATTEMPT, ADA, ALL, (), False, Stage.PROVE, STRANGERS),
        (ATTEMPT, ADA, {PASSKEY}, (), False, Stage.PROVE, STRANGERS),
        (ATTEMPT, ADA, {PASS}, (), False, Stage.PROVE, STRANGERS),
        (ATTEMPT, ADA._replace(is_enabled=False), ALL, (), False, Stage.PROVE, STRANGERS),
        (ATTEMPT, ADA._replace(preferred_second_factor="code"), ALL, (), False, Stage.PROVE, STRANGERS),
        # in a browser they signed in from before
        (ATTEMPT, ADA, ALL, (), True, Stage.PROVE, (PASSKEY, PASSWORD, PASS)),
        (ATTEMPT, ADA, {*ALL, PASS}, (), True, Stage.PROVE, (PASS, PASSWORD, PASSKEY)),
        (ATTEMPT, ADA, {PASSWORD}, (), True, Stage.PROVE, STRANGERS),
        # another way
        (ATTEMPT._replace(method="passkey"), ADA, {PASSWORD}, (), False, Stage.PROVE, (PASSKEY, PASSWORD, PASS)),
        (UNKNOWN._replace(method=PASS), None, set(), (), False, Stage.PROVE, (PASS, PASSWORD, PASSKEY)),
        (ATTEMPT._replace(method="password"), ADA, ALL, (), True, Stage.PROVE, STRANGERS),
        (ATTEMPT._replace(method="code"), ADA, ALL, (), False, Stage.PROVE, STRANGERS),
        # the second proof
        (ATTEMPT, ADA, {PASSWORD, CODE}, _proofs(PASSWORD), False, Stage.PROVE, (CODE,)),
        (ATTEMPT, ADA, ALL, _proofs(PASSWORD), False, Stage.PROVE, (PASSKEY, CODE)),
        (
            ATTEMPT, ADA._replace(preferred_second_factor="code"), ALL, _proofs(PASSWORD), False,
            Stage.PROVE, (CODE, PASSKEY),
        ),
        (ATTEMPT._replace(method="code"), ADA, ALL, _proofs(PASSWORD), False, Stage.PROVE, (CODE, PASSKEY)),
        (ATTEMPT, ADA, {PASSWORD, PASS}, _proofs(PASSWORD), False, Stage.PROVE, (PASS,)),
        (
            ATTEMPT, ADA._replace(preferred_second_factor="code"), {*ALL, PASS}, _proofs(PASSWORD), False,
            Stage.PROVE, (PASS, PASSKEY, CODE),
        ),
        # done
        (ATTEMPT, ADA, {PASSWORD}, _proofs(PASSWORD), False, Stage.DONE, ()),
        (ATTEMPT, ADA, {PASSWORD, CODE}, _proofs(PASSWORD, CODE), False, Stage.DONE, ()),
        (ATTEMPT, ADA, {PASSKEY}, _proofs(PASSKEY), False, Stage.DONE, ()),
        (ATTEMPT, ADA, {*ALL, PASS}, _proofs(PASS), False, Stage.DONE, ()),
        (ATTEMPT, ADA, set(), _proofs(PASS), False, Stage.DONE, ()),  # a one-time pass, used up by this
        (ATTEMPT, ADA, ALL, _proofs(PASSKEY, age=14 * MINUTE), False, Stage.DONE, ()),
        # a password that an administrator set
        (ATTEMPT, MUST_CHANGE, {PASSWORD}, _proofs(PASSWORD), False, Stage.NEW_PASSWORD, ()),
        (ATTEMPT, MUST_CHANGE, {PASSWORD, CODE}, _proofs(PASSWORD), False, Stage.PROVE, (CODE,)),
        (ATTEMPT, MUST_CHANGE, {PASSWORD, CODE}, _proofs(PASSWORD, CODE), False, Stage.NEW_PASSWORD, ()),
        (ATTEMPT, MUST_CHANGE, ALL, _proofs(PASSKEY), False, Stage.DONE, ()),  # it was not typed
        # a step-up: the person is known already, so only what they have is asked
        (STEP_UP, ADA, ALL, _proofs(PASSKEY, age=6 * MINUTE), False, Stage.PROVE, (PASSKEY, PASSWORD)),
        (STEP_UP, ADA, {PASSWORD, CODE}, _proofs(PASSWORD, CODE, age=6 * MINUTE), False, Stage.PROVE, (PASSWORD,)),
        (
            STEP_UP, ADA, {PASSWORD, CODE}, (*_proofs(PASSWORD, CODE, age=6 * MINUTE), *_proofs(PASSWORD)), False,
            Stage.PROVE, (CODE,),
        ),
        (STEP_UP, ADA, {PASSWORD, PASS}, _proofs(PASS, age=6 * MINUTE), False, Stage.PROVE, (PASS, PASSWORD)),
        (STEP_UP, ADA, ALL, _proofs(PASSKEY, age=5 * MINUTE), False, Stage.DONE, ()),
        (STEP_UP, ADA, {PASSWORD}, _proofs(PASSWORD, age=6 * MINUTE), False, Stage.PROVE, (PASSWORD,)),
    ],
)  # fmt: skip
def test_stage(
    attempt: SignInAttempt | None,
    person: Person | None,
    owned: set[MethodKind],
    proofs: tuple[Proof, ...],
    known: bool,
    stage: Stage,
    kinds: tuple[MethodKind, ...],
) -> None:
    state = stage_of(attempt, person, owned=owned, proofs=proofs, now=NOW, is_browser_known=known)
    assert (state.stage, state.kinds) == (stage, kinds)
    assert state.is_step_up is (attempt is not None and attempt.session_id is not None)
