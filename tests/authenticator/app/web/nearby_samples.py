"""The pages for other computers, in each of their states."""

from dataclasses import replace
from typing import Final

from ostiary.authenticator.app.errors import WORDS, AppReason
from ostiary.authenticator.app.nearby_views import ComputerView, NearbyResult, NearbyStage, NearbyView
from ostiary.authenticator.ports import Purpose
from tests.authenticator.app.web.samples import DAY, NOW, PROMPT, Sample, _asked

NEARBY_VIEW: Final = NearbyView(
    id="nearby",
    stage=NearbyStage.CONNECTING,
    is_over=False,
    result=None,
    rp_id="",
    is_remembered=False,
    was_rung=False,
    reason="",
    message="",
    next="",
)
COMPUTER: Final = ComputerView(
    id="00112233",
    name="",
    rp_id="login.contoso.example",
    linked_at=NOW - 20 * DAY,
    last_used_at=NOW - 3_600_000,
)
NAMED: Final = replace(COMPUTER, id="44556677", name="The lab's big screen", linked_at=NOW - 2 * DAY)


def _at(name: str, stage: NearbyStage) -> Sample:
    view = replace(NEARBY_VIEW, stage=stage)
    return Sample(f"another computer: {name}", "nearby.html", {"nearby": view, "message": "", "next": ""})


def _ended(result: NearbyResult, *, is_remembered: bool = False) -> Sample:
    view = replace(
        NEARBY_VIEW,
        stage=NearbyStage.DONE,
        is_over=True,
        result=result,
        rp_id="login.contoso.example",
        is_remembered=is_remembered,
    )
    words = result.value.replace("_", " ")
    return Sample(f"another computer: {words}", "nearby.html", {"nearby": view, "message": "", "next": ""})


def _failed(reason: AppReason) -> Sample:
    words = WORDS[reason]
    view = replace(NEARBY_VIEW, stage=NearbyStage.FAILED, is_over=True)
    values = {"nearby": view, "message": lambda say: say(words.message), "next": lambda say: say(words.next)}
    return Sample(f"another computer: {reason.value.replace('_', ' ')}", "nearby.html", values)


NEARBY: Final = (
    Sample("scan", "scan.html"),
    Sample("scan, too old", "scan.html", problem=AppReason.QR_EXPIRED, problem_field="text"),
    Sample("another computer: none", "nearby.html", {"nearby": None, "message": "", "next": ""}),
    _at("begun", NearbyStage.CONNECTING),
    _at("advertising", NearbyStage.ADVERTISING),
    _at("asked", NearbyStage.ASKED),
    _ended(NearbyResult.SIGNED_IN, is_remembered=True),
    _ended(NearbyResult.REGISTERED),
    _ended(NearbyResult.DECLINED),
    _failed(AppReason.BLUETOOTH_OFF),
    _failed(AppReason.HANDSHAKE_FAILED),
    Sample(
        "ask: from another computer",
        "sheet.html",
        _asked(replace(PROMPT, purpose=Purpose.SIGN_IN, source="another computer nearby")),
        is_window=True,
    ),
    Sample("computers", "computers.html", {"computers": (COMPUTER, NAMED)}),
    Sample("computers, none", "computers.html", {"computers": ()}),
    Sample("computer", "computer.html", {"computer": COMPUTER, "name": ""}),
)
