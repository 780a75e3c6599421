"""Prompts and approvals: what is shown, and what becomes of each answer."""

import threading

import pytest

from ostiary.authenticator.ports import Outcome, Purpose
from tests.authenticator.app.web.running import NUMBER, PIN, WITHIN, Asked, Reader, RunningApp


def test_shows_who_asks_and_for_whom(app: RunningApp, reader: Reader) -> None:
    asked = app.ask()
    page = reader.get(f"/prompt/{asked.view.id}").text
    assert "login.contoso.example" in page and "ada@contoso.example" in page and "Chromium on this computer" in page
    asked.cancel()


def test_says_in_the_readers_language_which_way_it_came(app: RunningApp, reader: Reader) -> None:
    asked = app.ask()
    page = reader.get(f"/prompt/{asked.view.id}", **{"accept-language": "ar"}).text
    assert "Chromium على هذا الكمبيوتر" in page and "on this computer" not in page
    asked.cancel()


@pytest.mark.parametrize(
    ("purpose", "words"),
    [
        (Purpose.REGISTER, "Save a new passkey?"),
        (Purpose.SIGN_IN, "Sign in?"),
        (Purpose.ALREADY_REGISTERED, "already registered in this Authenticator"),
        (Purpose.RESET, "Delete everything?"),
        (Purpose.MANAGE, "Let a program manage your passkeys?"),
        (Purpose.SELECT, "Use this Authenticator?"),
    ],
)
def test_each_purpose_is_named(app: RunningApp, reader: Reader, purpose: Purpose, words: str) -> None:
    asked = app.ask(purpose)
    assert words in reader.get(f"/prompt/{asked.view.id}").text
    asked.cancel()


def test_already_registered_says_the_cure(app: RunningApp, reader: Reader) -> None:
    asked = app.ask(Purpose.ALREADY_REGISTERED)
    page = reader.get(f"/prompt/{asked.view.id}").text
    assert "choose the trash icon, then Delete. Delete it also from Security info." in page
    asked.cancel()


def test_approves_with_the_pin(app: RunningApp, reader: Reader) -> None:
    asked = app.ask()
    answer = reader.post(f"/prompt/{asked.view.id}", answer="approve", pin=PIN)
    assert answer.status_code == 200 and "Approved" in answer.text
    decision = asked.decision()
    assert decision.outcome is Outcome.APPROVED and decision.is_verified


def test_declines_without_the_pin(app: RunningApp, reader: Reader) -> None:
    asked = app.ask()
    assert "Declined" in reader.post(f"/prompt/{asked.view.id}", answer="decline").text
    assert asked.decision().outcome is Outcome.DECLINED


def test_a_wrong_pin_leaves_the_question_open(app: RunningApp, reader: Reader) -> None:
    asked = app.ask()
    answer = reader.post(f"/prompt/{asked.view.id}", answer="approve", pin="wrong")
    assert answer.status_code == 422 and "7 tries left" in answer.text and 'id="pin-problem"' in answer.text
    assert app.service.prompt() is not None
    asked.cancel()


def test_refuses_no_pin_where_one_is_needed(app: RunningApp, reader: Reader) -> None:
    asked = app.ask()
    answer = reader.post(f"/prompt/{asked.view.id}", answer="approve")
    assert answer.status_code == 422 and "Enter the PIN" in answer.text
    assert app.state.retries_left == 8
    asked.cancel()


def test_the_third_wrong_pin_ends_the_question(app: RunningApp, reader: Reader) -> None:
    asked = app.ask()
    for _ in range(3):
        answer = reader.post(f"/prompt/{asked.view.id}", answer="approve", pin="wrong")
    assert "three times in a row" in answer.text and "start it again" in answer.text
    assert asked.decision().outcome is Outcome.BLOCKED


def test_the_chosen_account_is_the_one(app: RunningApp, reader: Reader) -> None:
    asked = app.ask(Purpose.SIGN_IN, "ada@contoso.example", "admin@contoso.example")
    assert "Which account?" in reader.get(f"/prompt/{asked.view.id}").text
    reader.post(f"/prompt/{asked.view.id}", answer="approve", pin=PIN, choice="1")
    assert asked.decision().choice == 1


def test_the_choice_survives_a_wrong_pin(app: RunningApp, reader: Reader) -> None:
    asked = app.ask(Purpose.SIGN_IN, "ada@contoso.example", "admin@contoso.example")
    page = reader.post(f"/prompt/{asked.view.id}", answer="approve", pin="wrong", choice="1").text
    assert 'value="1" checked' in page
    asked.cancel()


def test_a_first_pin_is_chosen_within_the_question(new_app: RunningApp, new_reader: Reader) -> None:
    asked = new_app.ask(Purpose.UNLOCK)
    page = new_reader.get(f"/prompt/{asked.view.id}").text
    assert "Choose a PIN first" in page and 'name="again"' in page
    assert new_reader.post(f"/prompt/{asked.view.id}", answer="approve", pin=PIN, again="x").status_code == 422
    new_reader.post(f"/prompt/{asked.view.id}", answer="approve", pin=PIN, again=PIN)
    assert asked.decision().is_verified and new_app.state.is_pin_set


@pytest.mark.parametrize("answer", ["", "yes", "APPROVE"])
def test_refuses_an_answer_that_is_none(app: RunningApp, reader: Reader, answer: str) -> None:
    asked = app.ask()
    assert reader.post(f"/prompt/{asked.view.id}", answer=answer, pin=PIN).status_code == 422
    assert app.service.prompt() is not None
    asked.cancel()


def test_no_fingerprint_where_there_is_none(app: RunningApp, reader: Reader) -> None:
    asked = app.ask()
    answer = reader.post(f"/prompt/{asked.view.id}", answer="fingerprint")
    assert answer.status_code == 422 and "Enter the PIN instead" in answer.text
    asked.cancel()


def test_a_question_that_is_over_says_so(app: RunningApp, reader: Reader) -> None:
    asked = app.ask()
    asked.cancel()
    for answer in (
        reader.get(f"/prompt/{asked.view.id}"),
        reader.post(f"/prompt/{asked.view.id}", answer="approve", pin=PIN),
    ):
        assert answer.status_code == 410 and "This question is over" in answer.text


def test_an_older_question_does_not_answer_the_newer(app: RunningApp, reader: Reader) -> None:
    old = app.ask()
    old.cancel()
    new = app.ask()
    assert reader.post(f"/prompt/{old.view.id}", answer="approve", pin=PIN).status_code == 410
    assert app.service.prompt() is not None
    new.cancel()


def test_questions_are_asked_while_locked(app: RunningApp, reader: Reader) -> None:
    app.service.lock()
    asked = app.ask()
    assert reader.post(f"/prompt/{asked.view.id}", answer="approve", pin=PIN).status_code == 200
    assert asked.decision().is_verified


# --- approvals


def test_approval_shows_app_place_and_browser_but_no_number(app: RunningApp, reader: Reader) -> None:
    approval = app.service.begin_approval()
    page = reader.get(f"/approvals/{approval.id}").text
    for words in ("Contoso Expenses", "Utrecht, Netherlands", "203.0.113.7", "Chrome on Windows", "It wasn&#39;t me"):
        assert words in page or words.replace("&#39;", "'") in page
    assert f">{NUMBER}<" not in page and f'"{NUMBER}"' not in page
    assert "Is this you signing in?" in reader.get("/accounts").text


def test_approves_by_number_and_pin(app: RunningApp, reader: Reader) -> None:
    approval = app.service.begin_approval()
    answer = reader.post(f"/approvals/{approval.id}", answer="approve", number=NUMBER, pin=PIN)
    assert answer.status_code == 200 and "The sign-in page goes on by itself." in answer.text


def test_a_wrong_number_ends_it(app: RunningApp, reader: Reader) -> None:
    approval = app.service.begin_approval()
    answer = reader.post(f"/approvals/{approval.id}", answer="approve", number="17", pin=PIN)
    assert answer.status_code == 422 and "not the number on the sign-in page" in answer.text
    assert reader.get(f"/approvals/{approval.id}").status_code == 410


def test_a_wrong_pin_leaves_it_open(app: RunningApp, reader: Reader) -> None:
    approval = app.service.begin_approval()
    answer = reader.post(f"/approvals/{approval.id}", answer="approve", number=NUMBER, pin="wrong")
    assert answer.status_code == 422 and "7 tries left" in answer.text


@pytest.mark.parametrize("number", ["", "4", "421", "ab"])
def test_refuses_what_is_no_number(app: RunningApp, reader: Reader, number: str) -> None:
    approval = app.service.begin_approval()
    answer = reader.post(f"/approvals/{approval.id}", answer="approve", number=number, pin=PIN)
    assert answer.status_code == 422 and 'id="number-problem"' in answer.text
    assert app.state.retries_left == 8


def test_declines_and_reports(app: RunningApp, reader: Reader) -> None:
    approval = app.service.begin_approval()
    assert (
        "Nothing was changed, and nobody was let in." in reader.post(f"/approvals/{approval.id}", answer="decline").text
    )
    approval = app.service.begin_approval()
    assert "your organisation knows" in reader.post(f"/approvals/{approval.id}", answer="report").text


def test_approves_by_number_and_pin_while_locked_in_one_step(app: RunningApp, reader: Reader) -> None:
    approval = app.service.begin_approval()
    app.service.lock()
    page = reader.get(f"/approvals/{approval.id}").text
    assert "every answer takes your PIN" in page
    answer = reader.post(f"/approvals/{approval.id}", answer="approve", number=NUMBER, pin=PIN)
    assert "The sign-in page goes on by itself." in answer.text
    assert not app.state.is_locked


@pytest.mark.parametrize(("no", "words"), [("decline", "nobody was let in"), ("report", "your organisation knows")])
def test_says_no_while_locked_with_the_pin(app: RunningApp, reader: Reader, no: str, words: str) -> None:
    approval = app.service.begin_approval()
    app.service.lock()
    without = reader.post(f"/approvals/{approval.id}", answer=no)
    assert without.status_code == 422 and 'id="pin-problem"' in without.text and "Enter the PIN" in without.text
    wrong = reader.post(f"/approvals/{approval.id}", answer=no, pin="wrong")
    assert wrong.status_code == 422 and "7 tries left" in wrong.text
    assert words in reader.post(f"/approvals/{approval.id}", answer=no, pin=PIN).text
    assert not app.state.is_locked


def test_approval_in_a_window_of_its_own(app: RunningApp) -> None:
    approval = app.service.begin_approval()
    link = app.service.prompt_url(approval.id)
    assert link is not None
    with app.client(origin=app.origin) as window:
        there = window.get(link).headers["location"]
        assert f'action="{there}"' in window.get(there).text
        answer = window.post(there, data={"answer": "approve", "number": NUMBER, "pin": PIN})
        assert "You can close this window." in answer.text


# --- over the app


def test_sheet_shows_what_is_open(app: RunningApp, reader: Reader) -> None:
    assert reader.get("/sheet", **{"x-sheet": "app"}).status_code == 204
    app.service.begin_approval()
    part = reader.get("/sheet", **{"x-sheet": "app"}).text
    assert "Contoso Expenses" in part and "<html" not in part
    asked = app.ask()
    assert "login.contoso.example" in reader.get("/sheet", **{"x-sheet": "app"}).text
    asked.cancel()


def test_changes_are_told_over_one_stream(app: RunningApp, reader: Reader) -> None:
    topics: list[str] = []
    listening = threading.Event()

    def listen() -> None:
        headers = {"sec-fetch-site": "same-origin"}
        with reader.client.stream("GET", f"{reader.root}/events", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                listening.set()
                if line.startswith("data: "):
                    topics.append(line.removeprefix("data: "))
                if "prompt" in topics:
                    return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert listening.wait(WITHIN)
    asked = Asked(app.service, app.prompt())
    thread.join(WITHIN)
    assert "prompt" in topics
    asked.cancel()
