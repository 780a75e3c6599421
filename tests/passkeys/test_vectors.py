"""The specification's vectors and real devices' messages, judged and mutated by ``tests.vectors``."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.passkeys import AttestationKind, base64url
from tests import vectors

FILE = Path(__file__).parent.parent / "data" / "webauthn.json"
VECTORS, ANCHORS = vectors.read_file(FILE)


def by_id(identifier: str) -> dict[str, Any]:
    return next(vector for vector in VECTORS if vector["id"] == identifier)


def test_agrees_with_every_vector() -> None:
    report = vectors.run(VECTORS, ANCHORS)
    assert report.disagreements == []
    assert (report.judged, report.not_judged.total()) == (101, 1)
    assert report.accepted == {"assertion": 51, "attested": 15, "none": 14, "untrusted": 7, "self": 4}


def test_passes_the_whole_set_of_the_specification() -> None:
    names = [vector["id"] for vector in VECTORS if vector["group"] == "w3c"]
    registered = [name for name in names if "/reg/" in name]
    assert (len(registered), len(names) - len(registered)) == (11, 15)
    for name in names:
        verdict = vectors.judge_with(by_id(name), ANCHORS)
        assert verdict.facts is not None, f"{name}: {verdict}"


def test_accepts_no_changed_message() -> None:
    report = vectors.run(VECTORS, ANCHORS, mutations=True, stride=7)
    assert report.faults == []
    assert report.mutants > 10_000
    assert report.mutants_refused["signature_invalid"] > 2_000


def test_refuses_message_when_user_verification_is_required_and_missing() -> None:
    refused = [vector for vector in VECTORS if vector["expect"] == "reject"]
    assert [vectors.judge_with(vector, ANCHORS).reason for vector in refused] == ["user_verification_missing"]


PACKED = "w3c/reg/packed/packed-es256"


def test_the_judge_notices_a_wrong_expectation() -> None:
    wrong = [{**by_id(PACKED), "expect": "reject"}, {**by_id(PACKED), "challenge": base64url.encode(bytes(32))}]
    report = vectors.run(wrong, ANCHORS)
    assert (report.judged, report.agreed, len(report.disagreements)) == (2, 0, 2)
    assert not report.is_clean


def test_the_judge_wants_the_anchor_that_is_named() -> None:
    other = next(name for name in ANCHORS if name != by_id(PACKED)["anchor"])
    verdict = vectors.judge_with({**by_id(PACKED), "anchor": other}, ANCHORS)
    assert verdict.reason == "attestation_untrusted"
    report = vectors.run([by_id(PACKED)], {**ANCHORS, "the same again": ANCHORS[by_id(PACKED)["anchor"]]})
    assert "not its own" in report.disagreements[0]


def test_the_judge_notices_an_accepted_mutant() -> None:
    vector = by_id(PACKED)
    facts = vectors.judge_with(vector, ANCHORS).facts
    assert facts is not None
    mutants = dict(vectors.mutate(vector))
    accepted = vectors.Verdict(facts=facts)
    flips = [mutant for name, mutant in mutants.items() if name.startswith("clientDataJSON: byte")]
    assert all(vectors.find_fault(vector, facts, mutant, accepted) for mutant in flips)


def test_what_is_not_verified_is_named() -> None:
    report = vectors.run([{**by_id(PACKED), "fmt": "tpm"}, {**by_id(PACKED), "alg": -65535}], ANCHORS)
    assert report.not_judged == {"format tpm": 1, "algorithm -65535": 1}
    assert report.judged == 0


def test_untrusted_is_what_an_unknown_root_gives() -> None:
    facts = vectors.judge(by_id(PACKED)).facts
    assert vectors._kind(facts) is AttestationKind.UNTRUSTED


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_the_command_says_yes(arguments: list[str], monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr("sys.argv", ["vectors", str(FILE), *arguments])
    assert vectors.main() == 0
    assert "101" in capsys.readouterr().out
