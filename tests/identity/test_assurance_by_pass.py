"""What a Temporary Access Pass proves, and for how long: the pure part."""

import pytest

from ostiary.clock import MINUTE
from ostiary.identity.assurance import (
    ADMINISTER,
    CHANGE_METHODS,
    SIGN_IN,
    MethodKind,
    Proof,
    dump_proofs,
    is_multi_factor,
    is_satisfied,
    load_proofs,
    next_kinds,
)

PASS, PASSKEY, PASSWORD, CODE = MethodKind.PASS, MethodKind.PASSKEY, MethodKind.PASSWORD, MethodKind.CODE
ONCE = Proof(PASS, 0, "p", is_once=True)
OFTEN = Proof(PASS, 0, "p")


def test_a_pass_alone_is_multi_factor() -> None:
    assert is_multi_factor({PASS})
    assert is_satisfied([OFTEN], SIGN_IN, owned={PASSWORD, CODE}, now=MINUTE)


def test_a_pass_is_not_phishing_resistant() -> None:
    assert not is_satisfied([OFTEN], ADMINISTER, owned={PASS, PASSKEY}, now=MINUTE)
    assert next_kinds([OFTEN], ADMINISTER, owned={PASS, PASSKEY}, now=MINUTE) == (PASSKEY,)


@pytest.mark.parametrize(("proof", "minutes"), [(OFTEN, 5), (ONCE, 10)])
def test_how_long_a_proof_by_pass_is_fresh(proof: Proof, minutes: int) -> None:
    assert is_satisfied([proof], CHANGE_METHODS, owned={PASSKEY}, now=minutes * MINUTE)
    assert not is_satisfied([proof], CHANGE_METHODS, owned={PASSKEY}, now=minutes * MINUTE + 1)


def test_a_pass_is_asked_before_everything_else() -> None:
    assert next_kinds([], SIGN_IN, owned=set(MethodKind), now=0)[0] is PASS
    assert next_kinds([Proof(PASSWORD, 0, "w")], SIGN_IN, owned=set(MethodKind), now=0)[0] is PASS


def test_proofs_are_kept_as_they_were() -> None:
    proofs = (ONCE, Proof(PASSKEY, 5, "k"))
    assert load_proofs(dump_proofs(proofs)) == proofs
    assert load_proofs('[["password",7,"w"]]') == (
        Proof(PASSWORD, 7, "w"),
    )  # of a session from before there were passes
