"""Every reason has its words, and there are no words without a reason."""

import re
from pathlib import Path

import pytest

from ostiary.identity.reasons import Reason
from ostiary.passkeys import CeremonyReason
from ostiary.web import rendering
from ostiary.web.refusals import RequestReason
from ostiary.web.wording import CLIENT_WORDING, WORDING, Wording, wording_of

REASONS = [reason.value for reasons in (Reason, CeremonyReason, RequestReason) for reason in reasons]
SCRIPTS = rendering.STATIC / "js"
SILENT = {"aborted"}  # we ended it ourselves: nothing is said


def _reasons_of_the_script() -> set[str]:
    listed = re.search(r"REASONS = Object\.freeze\(.*?\[(.*?)\]", (SCRIPTS / "reasons.js").read_text(), re.S)
    assert listed
    return set(re.findall(r'"(\w+)"', listed[1]))


def _code_used_in(script: Path) -> set[str]:
    return {code for code in CLIENT_WORDING if re.search(rf'["\']{code}["\']', script.read_text())}


def test_no_two_enumerations_use_one_word() -> None:
    assert len(set(REASONS)) == len(REASONS)


def test_every_reason_of_the_server_has_wording_and_no_other() -> None:
    assert {str(code) for code in WORDING} == set(REASONS)


def test_every_reason_of_the_browser_has_wording() -> None:
    assert _reasons_of_the_script() - SILENT <= set(CLIENT_WORDING)


def test_no_wording_for_the_browser_that_no_script_uses() -> None:
    used = _reasons_of_the_script().union(*(_code_used_in(script) for script in SCRIPTS.glob("*.js")))
    assert set(CLIENT_WORDING) <= used


@pytest.mark.parametrize(("code", "wording"), {**WORDING, **CLIENT_WORDING}.items())
def test_wording_is_a_sentence_with_a_next_step(code: str, wording: Wording) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    assert 400 <= wording.status < 600
    assert re.fullmatch(r"[A-Z].{5,120}[.?]", wording.title), wording.title
    assert len(wording.next) > 5
    for jargon in ("CBOR", "exception", "null", "error", "invalid", "WebAuthn", "assertion"):
        assert jargon.lower() not in f"{wording.title} {wording.next}".lower(), jargon


def test_no_words_for_a_code_there_is_not() -> None:
    assert wording_of("nonsense") is None
    assert wording_of("") is None
