"""The only way to the person: what is asked, who answers, and how a question ends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.prompts import ANSWER_TIME, MOST_WAITING, PromptBoard
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import PromptView
from ostiary.authenticator.keys import memory_key_store
from ostiary.authenticator.ports import Account, Decision, Exchange, Outcome, Prompt, Purpose
from tests.authenticator.app.conftest import PIN, MovingClock, beside, until

ADA = Account(b"\x01", "ada@contoso.example", "Ada")
GRACE = Account(b"\x02", "grace@contoso.example", "Grace")
SIGN_IN = Prompt(purpose=Purpose.SIGN_IN, rp_id="contoso.example", accounts=(ADA, GRACE), needs_verification=True)
PRESENCE = Prompt(purpose=Purpose.SIGN_IN, rp_id="contoso.example", accounts=(ADA,))


class Finger:
    is_available = True

    def __init__(self, *, is_known: bool = True) -> None:
        self.is_known = is_known
        self.pins_were_right = 0

    def pin_was_right(self) -> None:
        self.pins_were_right += 1

    def verify(self, cancelled: threading.Event, timeout: float) -> bool:
        return self.is_known


@pytest.fixture
def keys() -> AppKeys:
    return memory_key_store(pin=PIN)


@pytest.fixture
def board(keys: AppKeys, clock: MovingClock) -> Iterator[PromptBoard]:
    board = PromptBoard(keys, changes=Changes(), clock=clock, fingerprints=Finger())
    yield board
    board.close()


@contextmanager
def asked(board: PromptBoard, prompt: Prompt = SIGN_IN, exchange: Exchange | None = None) -> Iterator[list[Any]]:
    with beside(lambda: board.ask(prompt, exchange or Exchange())) as answers:
        yield answers


def shown(board: PromptBoard) -> PromptView:
    view = until(board.current)
    assert isinstance(view, PromptView)
    return view


def test_approves_with_the_pin(board: PromptBoard) -> None:
    with asked(board) as answers:
        view = shown(board)
        assert (view.needs_pin, view.needs_new_pin, view.retries_left) == (True, False, 8)
        assert [one.name for one in view.accounts] == [ADA.name, GRACE.name]
        board.approve(view.id, pin=PIN, choice=1)
    assert answers == [Decision(outcome=Outcome.APPROVED, is_verified=True, choice=1)]
    assert board.current() is None


def test_presence_alone_is_not_verified(board: PromptBoard) -> None:
    with asked(board, PRESENCE) as answers:
        view = shown(board)
        assert not view.needs_pin
        board.approve(view.id)
    assert answers == [Decision(outcome=Outcome.APPROVED, is_verified=False)]


def test_a_pin_given_without_need_is_judged_and_verifies(board: PromptBoard) -> None:
    with asked(board, PRESENCE) as answers:
        with pytest.raises(AppError):
            board.approve(shown(board).id, pin="000000")
        board.approve(shown(board).id, pin=PIN)
    assert answers == [Decision(outcome=Outcome.APPROVED, is_verified=True)]


def test_refuses_approval_without_the_pin(board: PromptBoard) -> None:
    with asked(board) as answers:
        with pytest.raises(AppError) as refused:
            board.approve(shown(board).id)
        assert refused.value.reason is AppReason.PIN_NEEDED
        board.decline(shown(board).id)
    assert answers == [Decision(outcome=Outcome.DECLINED)]


def test_a_wrong_pin_leaves_it_open(board: PromptBoard) -> None:
    with asked(board) as answers:
        view = shown(board)
        with pytest.raises(AppError) as refused:
            board.approve(view.id, pin="000000")
        assert refused.value.reason is AppReason.PIN_WRONG
        assert refused.value.details["retries_left"] == 7
        assert shown(board).retries_left == 7
        assert answers == []
        board.approve(view.id, pin=PIN)
    assert answers[0].is_verified


def test_three_wrong_pins_block_it_until_a_restart(board: PromptBoard) -> None:
    with asked(board) as answers:
        view = shown(board)
        for _ in range(2):
            with pytest.raises(AppError):
                board.approve(view.id, pin="000000")
        with pytest.raises(AppError) as refused:
            board.approve(view.id, pin="000000")
        assert refused.value.reason is AppReason.RESTART_NEEDED
    assert answers == [Decision(outcome=Outcome.BLOCKED)]
    assert board.needs_restart
    with pytest.raises(AppError) as again:
        board.check_pin(PIN)
    assert again.value.reason is AppReason.RESTART_NEEDED


def test_one_pin_unlocks_and_verifies(board: PromptBoard, keys: AppKeys) -> None:
    keys.lock()
    with asked(board, PRESENCE) as answers:
        view = shown(board)
        assert view.needs_pin
        with pytest.raises(AppError):
            board.approve(view.id)
        board.approve(view.id, pin=PIN)
    assert keys.is_unlocked
    assert answers == [Decision(outcome=Outcome.APPROVED, is_verified=True)]


def test_verification_is_not_carried_over(board: PromptBoard) -> None:
    with asked(board):
        board.approve(shown(board).id, pin=PIN)
    with asked(board) as answers:
        with pytest.raises(AppError):
            board.approve(shown(board).id)
        board.decline(shown(board).id)
    assert answers == [Decision(outcome=Outcome.DECLINED)]


def test_sets_a_first_pin_where_there_is_none(clock: MovingClock) -> None:
    keys = memory_key_store()
    board = PromptBoard(keys, changes=Changes(), clock=clock)
    assert not board.can_verify
    with asked(board) as answers:
        view = shown(board)
        assert (view.needs_pin, view.needs_new_pin) == (False, True)
        with pytest.raises(AppError) as refused:
            board.approve(view.id, new_pin="12")
        assert refused.value.reason is AppReason.PIN_TOO_SHORT
        board.approve(view.id, new_pin=PIN)
    assert answers[0].is_verified
    assert keys.pin.is_set


def test_a_finger_verifies_while_unlocked(board: PromptBoard) -> None:
    with asked(board) as answers:
        assert shown(board).can_use_fingerprint
        board.approve_by_fingerprint(shown(board).id)
    assert answers == [Decision(outcome=Outcome.APPROVED, is_verified=True)]


def test_refuses_a_finger_while_locked(board: PromptBoard, keys: AppKeys) -> None:
    keys.lock()
    with asked(board):
        assert not shown(board).can_use_fingerprint
        with pytest.raises(AppError) as refused:
            board.approve_by_fingerprint(shown(board).id)
        assert refused.value.reason is AppReason.FINGERPRINT_UNAVAILABLE
        board.decline(shown(board).id)


def test_a_finger_nobody_knows_leaves_it_open(keys: AppKeys, clock: MovingClock) -> None:
    board = PromptBoard(keys, changes=Changes(), clock=clock, fingerprints=Finger(is_known=False))
    with asked(board) as answers:
        with pytest.raises(AppError) as refused:
            board.approve_by_fingerprint(shown(board).id)
        assert refused.value.reason is AppReason.FINGERPRINT_NOT_RECOGNISED
        board.approve(shown(board).id, pin=PIN)
    assert answers[0].outcome is Outcome.APPROVED


def test_times_out(board: PromptBoard, clock: MovingClock) -> None:
    with asked(board) as answers:
        view = shown(board)
        assert view.deadline - view.asked_at == ANSWER_TIME
        clock.ahead += ANSWER_TIME
    assert answers == [Decision(outcome=Outcome.TIMED_OUT)]
    with pytest.raises(AppError) as refused:
        board.approve(view.id, pin=PIN)
    assert refused.value.reason is AppReason.PROMPT_OVER


def test_is_cancelled_by_whoever_asked(board: PromptBoard) -> None:
    exchange = Exchange()
    with asked(board, exchange=exchange) as answers:
        shown(board)
        exchange.cancelled.set()
    assert answers == [Decision(outcome=Outcome.CANCELLED)]
    assert board.current() is None


def test_tells_the_asker_that_a_person_is_waited_for(board: PromptBoard) -> None:
    told: list[PromptView | None] = []
    exchange = Exchange(source="a test", on_waiting=lambda: told.append(board.current()))
    with asked(board, exchange=exchange):
        view = shown(board)
        board.decline(view.id)
    assert told == [view]
    assert view.source == "a test"


def test_shows_one_at_a_time(board: PromptBoard) -> None:
    with asked(board) as first:
        view = shown(board)
        with asked(board, PRESENCE) as second:
            board.decline(view.id)
            other = until(lambda: (now := board.current()) is not None and now.id != view.id and now)
            assert first
            board.approve(other.id)
    assert second == [Decision(outcome=Outcome.APPROVED)]


def test_one_that_waits_may_be_cancelled(board: PromptBoard) -> None:
    with asked(board):
        view = shown(board)
        exchange = Exchange()
        with asked(board, PRESENCE, exchange) as second:
            exchange.cancelled.set()
        assert second == [Decision(outcome=Outcome.CANCELLED)]
        assert shown(board) == view
        board.decline(view.id)


def test_refuses_a_crowd(board: PromptBoard) -> None:
    threads = [threading.Thread(target=board.ask, args=(SIGN_IN, Exchange())) for _ in range(MOST_WAITING + 1)]
    for one in threads:
        one.start()
    until(lambda: len(board._line) == MOST_WAITING + 1)
    assert board.ask(SIGN_IN, Exchange()) == Decision(outcome=Outcome.CANCELLED)
    board.close()
    for one in threads:
        one.join(10)
        assert not one.is_alive()


@pytest.mark.parametrize("choice", [-1, 2])
def test_refuses_an_account_that_is_not_there(board: PromptBoard, choice: int) -> None:
    with asked(board):
        with pytest.raises(AppError) as refused:
            board.approve(shown(board).id, pin=PIN, choice=choice)
        assert refused.value.reason is AppReason.CHOICE_UNKNOWN
        board.decline(shown(board).id)


def test_refuses_an_answer_to_another_question(board: PromptBoard) -> None:
    with asked(board):
        shown(board)
        with pytest.raises(AppError) as approved:
            board.approve("other", pin=PIN)
        with pytest.raises(AppError) as declined:
            board.decline("other")
        assert {approved.value.reason, declined.value.reason} == {AppReason.PROMPT_OVER}
        board.decline(shown(board).id)


def test_closing_sends_everybody_away(board: PromptBoard) -> None:
    with asked(board) as answers:
        shown(board)
        board.close()
    assert answers == [Decision(outcome=Outcome.CANCELLED)]
    assert board.ask(SIGN_IN, Exchange()).outcome is Outcome.CANCELLED


def test_cannot_verify_once_the_pin_is_blocked(clock: MovingClock) -> None:
    keys = memory_key_store(pin=PIN)
    tries = 0
    while keys.pin.retries_left:
        board = PromptBoard(keys, changes=Changes(), clock=clock)
        keys._vault._wrong_in_a_row = 0  # a restart
        with pytest.raises(AppError):
            board.check_pin("000000")
        tries += 1
    assert tries == 8
    assert not board.can_verify
    with pytest.raises(AppError) as refused:
        board.check_pin(PIN)
    assert refused.value.reason is AppReason.PIN_BLOCKED


def test_the_engine_waits_for_the_person(service: AuthenticatorService) -> None:
    """authenticatorSelection (CTAP 2.1 §6.9)."""
    with beside(lambda: service.engine.ctap2(b"\x0b")) as answers:
        service.approve_prompt(until(service.prompt).id)
    assert answers == [b"\0"]
