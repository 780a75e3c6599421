"""How well somebody is proven: tables of the pure functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.clock import MINUTE
from ostiary.identity.assurance import (
    CHANGE_METHODS,
    SIGN_IN,
    MethodKind,
    Proof,
    dump_proofs,
    is_multi_factor,
    is_satisfied,
    latest,
    load_proofs,
    next_kinds,
)

NOW = 1_000 * MINUTE
PASSWORD, PASSKEY, CODE = MethodKind.PASSWORD, MethodKind.PASSKEY, MethodKind.CODE
ALL = {PASSWORD, PASSKEY, CODE}
kinds = st.sets(st.sampled_from(MethodKind))
proofs_of = st.lists(st.builds(Proof, st.sampled_from(MethodKind), st.integers(0, NOW), st.sampled_from("abc")))


def _proofs(*kinds: MethodKind, age: int = 0) -> tuple[Proof, ...]:
    return tuple(Proof(kind, NOW - age, kind.value) for kind in kinds)


@pytest.mark.parametrize(
    ("owned", "is_multi"),
    [
        (set(), False),
        ({PASSWORD}, False),
        ({CODE}, False),
        ({PASSKEY}, True),
        ({PASSWORD, CODE}, True),
        ({PASSWORD, PASSKEY}, True),
        (ALL, True),
    ],
)
def test_what_counts_as_two_factors(owned: set[MethodKind], is_multi: bool) -> None:
    assert is_multi_factor(owned) is is_multi


@pytest.mark.parametrize(
    ("proven", "owned", "is_enough"),
    [
        ((), {PASSWORD}, False),
        ((PASSWORD,), {PASSWORD}, True),
        ((PASSWORD,), {PASSWORD, CODE}, False),
        ((PASSWORD,), {PASSWORD, PASSKEY}, False),
        ((CODE,), {PASSWORD, CODE}, False),
        ((PASSWORD, CODE), {PASSWORD, CODE}, True),
        ((PASSKEY,), {PASSWORD, PASSKEY}, True),
        ((PASSKEY,), ALL, True),
        ((), set(), False),
    ],
)
def test_what_is_enough(proven: tuple[MethodKind, ...], owned: set[MethodKind], is_enough: bool) -> None:
    assert is_satisfied(_proofs(*proven), SIGN_IN, owned=owned, now=NOW) is is_enough


@pytest.mark.parametrize(("age", "is_fresh"), [(0, True), (5 * MINUTE, True), (5 * MINUTE + 1, False), (-1, False)])
def test_refuses_proof_that_is_too_old_or_of_the_future(age: int, is_fresh: bool) -> None:
    assert is_satisfied(_proofs(PASSKEY, age=age), CHANGE_METHODS, owned=ALL, now=NOW) is is_fresh


def test_each_of_two_factors_must_be_fresh() -> None:
    proofs = (*_proofs(PASSWORD), *_proofs(CODE, age=6 * MINUTE))
    assert not is_satisfied(proofs, CHANGE_METHODS, owned={PASSWORD, CODE}, now=NOW)
    assert next_kinds(proofs, CHANGE_METHODS, owned={PASSWORD, CODE}, now=NOW) == (CODE,)


@pytest.mark.parametrize(
    ("proven", "owned", "asked"),
    [
        ((), {PASSWORD}, (PASSWORD,)),
        ((), {PASSWORD, CODE}, (PASSWORD,)),  # a code alone begins nothing
        ((), ALL, (PASSKEY, PASSWORD)),
        ((PASSWORD,), {PASSWORD, CODE}, (CODE,)),
        ((PASSWORD,), ALL, (PASSKEY, CODE)),
        ((CODE,), ALL, (PASSKEY, PASSWORD)),
        ((), {CODE}, ()),
    ],
)
def test_what_is_asked_next(
    proven: tuple[MethodKind, ...], owned: set[MethodKind], asked: tuple[MethodKind, ...]
) -> None:
    assert next_kinds(_proofs(*proven), SIGN_IN, owned=owned, now=NOW) == asked


@given(proofs_of, kinds)
def test_whoever_is_not_proven_enough_is_asked_for_what_they_have(proofs: list[Proof], owned: set[MethodKind]) -> None:
    for requirement in (SIGN_IN, CHANGE_METHODS):
        asked = next_kinds(proofs, requirement, owned=owned, now=NOW)
        assert set(asked) <= owned
        proven = {proof.kind for proof in proofs}
        can_start = bool(owned & {PASSWORD, PASSKEY})
        if can_start and proven <= owned and not is_satisfied(proofs, requirement, owned=owned, now=NOW):
            assert asked


@given(proofs_of, kinds)
def test_proving_more_never_proves_less(proofs: list[Proof], owned: set[MethodKind]) -> None:
    if is_satisfied(proofs, CHANGE_METHODS, owned=owned, now=NOW):
        more = [*proofs, *_proofs(PASSWORD)]
        assert is_satisfied(more, CHANGE_METHODS, owned=owned, now=NOW)
        assert is_satisfied(proofs, SIGN_IN, owned=owned, now=NOW)


@given(proofs_of)
def test_the_newest_proof_of_each_method_is_kept(proofs: list[Proof]) -> None:
    kept = latest(proofs)
    assert {proof.method_id for proof in kept} == {proof.method_id for proof in proofs}
    for proof in kept:
        assert proof.at == max(other.at for other in proofs if other.method_id == proof.method_id)


@given(proofs_of)
def test_proofs_survive_being_stored(proofs: list[Proof]) -> None:
    assert load_proofs(dump_proofs(proofs)) == tuple(proofs)
