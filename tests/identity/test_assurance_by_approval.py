"""What an approval by the Ostiary Authenticator proves, and when it is asked for: tables of pure functions."""

import pytest

from ostiary.clock import MINUTE
from ostiary.identity.assurance import (
    ADMINISTER,
    CHANGE_METHODS,
    SIGN_IN,
    MethodKind,
    Proof,
    is_multi_factor,
    is_satisfied,
    next_kinds,
    starts,
)
from ostiary.identity.policy.enforcing import can_sign_in, is_passwordless_offered, kinds_for_nobody
from ostiary.identity.policy.model import EVERYONE, AuthenticatorPolicy, Policy
from ostiary.identity.sign_in import Stage, stage_of
from ostiary.storage.people import Person
from ostiary.storage.sessions import SignInAttempt

NOW = 1_000 * MINUTE
PASSWORD, PASSKEY, CODE, PASS = MethodKind.PASSWORD, MethodKind.PASSKEY, MethodKind.CODE, MethodKind.PASS
AUTHENTICATOR = MethodKind.AUTHENTICATOR
LIN = Person("p", "o", "lin@contoso.example", "Lin", b"handle", True, False, None, 0)
ATTEMPT = SignInAttempt(b"token", LIN.username, LIN.id, None, None, None, "[]", "/security-info", NOW + 1)
STEP_UP = ATTEMPT._replace(session_id="s", max_age=5 * MINUTE)


def _proofs(*kinds: MethodKind, age: int = 0) -> tuple[Proof, ...]:
    return tuple(Proof(kind, NOW - age, kind.value) for kind in kinds)


def test_an_approval_is_multi_factor() -> None:
    assert is_multi_factor({AUTHENTICATOR})
    assert is_multi_factor({PASSWORD, AUTHENTICATOR})


def test_an_approval_does_not_resist_phishing() -> None:
    proofs = _proofs(PASSWORD, AUTHENTICATOR)
    assert not is_satisfied(proofs, ADMINISTER, owned={PASSWORD, AUTHENTICATOR, PASSKEY}, now=NOW)


def test_a_password_alone_is_not_enough_for_who_has_an_authenticator() -> None:
    assert not is_satisfied(_proofs(PASSWORD), SIGN_IN, owned={PASSWORD, AUTHENTICATOR}, now=NOW)


def test_an_approval_that_is_too_old_counts_no_more() -> None:
    assert not is_satisfied(_proofs(AUTHENTICATOR, age=6 * MINUTE), CHANGE_METHODS, owned={AUTHENTICATOR}, now=NOW)


@pytest.mark.parametrize(
    ("proven", "owned", "is_passwordless", "asked"),
    [
        ((), {PASSWORD, AUTHENTICATOR}, False, (PASSWORD,)),
        ((), {PASSWORD, AUTHENTICATOR}, True, (AUTHENTICATOR, PASSWORD)),
        ((), {AUTHENTICATOR}, False, ()),
        ((PASSWORD,), set(MethodKind), False, (PASS, PASSKEY, AUTHENTICATOR, CODE)),
        ((PASSWORD,), {PASSWORD, AUTHENTICATOR, CODE}, False, (AUTHENTICATOR, CODE)),
        ((CODE,), {PASSWORD, AUTHENTICATOR, CODE}, False, (PASSWORD,)),
        ((CODE,), {PASSWORD, AUTHENTICATOR, CODE}, True, (AUTHENTICATOR, PASSWORD)),
    ],
)
def test_what_is_asked_next(
    proven: tuple[MethodKind, ...], owned: set[MethodKind], is_passwordless: bool, asked: tuple[MethodKind, ...]
) -> None:
    found = next_kinds(_proofs(*proven), SIGN_IN, owned=owned, now=NOW, is_passwordless=is_passwordless)
    assert found == asked


@pytest.mark.parametrize("owned", [set(), {PASSWORD}, {AUTHENTICATOR}, set(MethodKind)])
@pytest.mark.parametrize("is_passwordless", [False, True])
def test_strangers_are_offered_the_same_whatever_somebody_has(owned: set[MethodKind], is_passwordless: bool) -> None:
    state = stage_of(ATTEMPT, LIN, owned=owned, proofs=(), now=NOW, is_passwordless=is_passwordless)
    offered = (PASSWORD, PASSKEY, AUTHENTICATOR, PASS) if is_passwordless else (PASSWORD, PASSKEY, PASS)
    assert (state.stage, state.kinds) == (Stage.PROVE, offered)


def test_what_is_off_for_everybody_is_offered_to_nobody() -> None:
    state = stage_of(ATTEMPT, LIN, owned=set(), proofs=(), now=NOW, is_passwordless=True, off={AUTHENTICATOR})
    assert AUTHENTICATOR not in state.kinds


def test_the_preferred_second_step_is_asked_first() -> None:
    person = LIN._replace(preferred_second_factor=AUTHENTICATOR)
    owned = {PASSWORD, PASSKEY, AUTHENTICATOR}
    state = stage_of(ATTEMPT, person, owned=owned, proofs=_proofs(PASSWORD), now=NOW)
    assert state.kinds == (AUTHENTICATOR, PASSKEY)


def test_a_step_up_asks_for_the_password_before_the_approval() -> None:
    owned = {PASSWORD, AUTHENTICATOR}
    old = _proofs(PASSWORD, AUTHENTICATOR, age=6 * MINUTE)
    assert stage_of(STEP_UP, LIN, owned=owned, proofs=old, now=NOW).kinds == (PASSWORD,)
    fresh = (*old, *_proofs(PASSWORD))
    assert stage_of(STEP_UP, LIN, owned=owned, proofs=fresh, now=NOW).kinds == (AUTHENTICATOR,)


def test_an_authenticator_alone_signs_in_only_without_a_password() -> None:
    assert not can_sign_in({AUTHENTICATOR}, {AUTHENTICATOR})
    assert can_sign_in({AUTHENTICATOR}, {AUTHENTICATOR}, is_passwordless=True)
    assert starts() == (PASS, PASSKEY, PASSWORD)


@pytest.mark.parametrize(
    ("rules", "is_offered"),
    [
        (AuthenticatorPolicy(), False),
        (AuthenticatorPolicy(is_passwordless_allowed=True), True),
        (AuthenticatorPolicy(is_passwordless_allowed=True, is_enabled=False), False),
        (AuthenticatorPolicy(is_passwordless_allowed=True, exclude=frozenset({EVERYONE})), False),
    ],
)
def test_when_an_approval_may_begin_a_sign_in(rules: AuthenticatorPolicy, is_offered: bool) -> None:
    policy = Policy(authenticator=rules)
    assert is_passwordless_offered(policy) is is_offered
    assert (AUTHENTICATOR in kinds_for_nobody(policy)) is (not rules.is_enabled or bool(rules.exclude))
