"""The specification's vectors and real devices' messages, judged and mutated by ``tests.vectors``."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.passkeys import DEFAULT_ALGORITHMS, AttestationKind, VerifiedRegistration, base64url
from tests import vectors

FILE = Path(__file__).parent.parent / "data" / "webauthn.json"
VECTORS, ANCHORS = vectors.read_file(FILE)


def by_id(identifier: str) -> dict[str, Any]:
    return next(vector for vector in VECTORS if vector["id"] == identifier)


def test_agrees_with_every_vector() -> None:
    report = vectors.run(VECTORS, ANCHORS)
    assert report.disagreements == []
    assert (report.judged, report.not_judged.total()) == (150, 0)
    assert report.accepted == {"assertion": 52, "attested": 45, "none": 14, "untrusted": 9, "self": 4}


def test_every_accepted_registration_is_attested_by_the_root_it_names() -> None:
    named = [vector for vector in VECTORS if vector.get("anchor") and vector["expect"] == "accept"]
    assert {vector["fmt"] for vector in named} == {
        "packed",
        "tpm",
        "android-key",
        "android-safetynet",
        "apple",
        "fido-u2f",
    }
    for vector in named:
        verdict = vectors.judge(vector, list(ANCHORS.values()))
        assert isinstance(verdict.facts, VerifiedRegistration), f"{vector['id']}: {verdict}"
        assert verdict.facts.attestation.anchor == ANCHORS[vector["anchor"]]


def test_passes_the_whole_set_of_the_specification() -> None:
    names = [vector["id"] for vector in VECTORS if vector["group"] == "w3c"]
    registered = [name for name in names if "/reg/" in name]
    assert (len(registered), len(names) - len(registered)) == (15, 15)
    for name in names:
        verdict = vectors.judge_with(by_id(name), ANCHORS)
        assert verdict.facts is not None, f"{name}: {verdict}"


def test_accepts_no_changed_message() -> None:
    report = vectors.run(VECTORS, ANCHORS, mutations=True, stride=10)
    assert report.faults == []
    assert report.mutants > 10_000
    assert report.mutants_refused["signature_invalid"] > 2_000


def test_refuses_what_the_file_says_must_be_refused() -> None:
    refused = {vector["id"]: vector for vector in VECTORS if vector["expect"] == "reject"}
    reasons = [vectors.judge_with(vector, ANCHORS).reason for vector in refused.values()]
    assert sorted(reasons) == ["malformed_cbor", "user_presence_missing", "user_verification_missing"]


SHA1_CHAIN = "py_webauthn/reg/fido-u2f/test_verify_attestation_from_fido_conformance"


def test_certificate_signed_by_way_of_sha1_leads_nowhere_unless_rs1_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    vector = by_id(SHA1_CHAIN)
    anchors = [ANCHORS[vector["anchor"]]]
    assert vectors._kind(vectors.judge(vector, anchors).facts) is AttestationKind.ATTESTED
    monkeypatch.setattr(vectors, "ALGORITHMS", DEFAULT_ALGORITHMS)
    assert vectors._kind(vectors.judge(vector, anchors).facts) is AttestationKind.UNTRUSTED


def test_windows_hello_is_attested_without_naming_rs1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "ALGORITHMS", DEFAULT_ALGORITHMS)
    vector = by_id("java-webauthn-server/reg/tpm/WindowsHelloTpm")
    assert vectors._kind(vectors.judge_with(vector, ANCHORS).facts) is AttestationKind.ATTESTED


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
    report = vectors.run([{**by_id(PACKED), "fmt": "tomorrow"}, {**by_id(PACKED), "alg": -259}], ANCHORS)
    assert report.not_judged == {"format tomorrow": 1, "algorithm -259": 1}
    assert report.judged == 0


def test_untrusted_is_what_an_unknown_root_gives() -> None:
    facts = vectors.judge(by_id(PACKED)).facts
    assert vectors._kind(facts) is AttestationKind.UNTRUSTED


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_the_command_says_yes(arguments: list[str], monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr("sys.argv", ["vectors", str(FILE), *arguments])
    assert vectors.main() == 0
    assert "150" in capsys.readouterr().out
