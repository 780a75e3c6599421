"""The first PIN, the lock, and the language."""

from dataclasses import replace

import pytest

from tests.authenticator.app.web.running import PIN, Reader, RunningApp


def test_everything_leads_to_the_first_pin(new_reader: Reader) -> None:
    assert new_reader.goes_to(new_reader.get("/accounts")) == "/start"
    assert new_reader.goes_to(new_reader.get("/unlock")) == "/start"
    assert "Choose a PIN" in new_reader.get("/start").text


def test_first_pin_is_set_and_unlocks(new_app: RunningApp, new_reader: Reader) -> None:
    assert new_reader.goes_to(new_reader.post("/start", pin=PIN, again=PIN)) == "/accounts"
    assert new_app.state.is_pin_set and not new_app.state.is_locked
    assert new_reader.get("/accounts").status_code == 200


def test_refuses_two_different_pins(new_app: RunningApp, new_reader: Reader) -> None:
    answer = new_reader.post("/start", pin=PIN, again="other")
    assert answer.status_code == 422 and "not the same" in answer.text and not new_app.state.is_pin_set


def test_refuses_a_short_pin(new_app: RunningApp, new_reader: Reader) -> None:
    answer = new_reader.post("/start", pin="abc", again="abc")
    assert answer.status_code == 422 and "at least 4 characters" in answer.text and not new_app.state.is_pin_set


def test_refuses_a_second_first_pin(app: RunningApp, reader: Reader) -> None:
    assert reader.goes_to(reader.get("/start")) == "/accounts"
    assert reader.post("/start", pin="other", again="other").status_code == 422
    app.service.lock()
    assert reader.goes_to(reader.post("/unlock", pin=PIN)) == "/accounts"


@pytest.mark.parametrize("path", ["/accounts", "/codes", "/settings", "/passkeys/x", "/codes/add"])
def test_locked_pages_lead_to_the_lock_and_back(reader: Reader, path: str) -> None:
    assert reader.goes_to(reader.post("/lock")) == "/unlock"
    there = reader.goes_to(reader.get(path))
    assert there.startswith("/unlock?return_to=")
    assert f'value="{reader.root}{path}"' in reader.get(there).text
    assert reader.goes_to(reader.post("/unlock", pin=PIN, return_to=reader.root + path)) == path


def test_a_locked_app_takes_no_changes(app: RunningApp, reader: Reader) -> None:
    passkey = app.add_passkey()
    app.service.lock()
    reader.post(f"/passkeys/{passkey}/delete")
    reader.post("/settings", device_name="other", lock_minutes="0")
    assert len(app.service.passkeys()) == 1 and app.service.settings().device_name != "other"


def test_a_wrong_pin_says_how_many_tries_are_left(app: RunningApp, reader: Reader) -> None:
    app.service.lock()
    answer = reader.post("/unlock", pin="wrong")
    assert answer.status_code == 422 and "7 tries left" in answer.text and 'aria-invalid="true"' in answer.text
    assert "wrong" not in answer.text.partition("<form")[2].partition("</form>")[0].replace("field wrong", "")


def test_three_wrong_pins_need_a_restart(app: RunningApp, reader: Reader) -> None:
    app.service.lock()
    for _ in range(3):
        answer = reader.post("/unlock", pin="wrong")
    assert "Start the Authenticator again" in answer.text
    assert "Start the Authenticator again" in reader.post("/unlock", pin=PIN).text
    assert app.state.is_locked


def test_says_what_blocked_means_and_the_way_out(
    app: RunningApp, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.service.lock()
    for _ in range(8):  # restarts between
        app.service.prompts.forget_restart()
        monkeypatch.setattr(app.keys._vault, "_wrong_in_a_row", 0)
        reader.post("/unlock", pin="wrong")
    page = reader.get("/unlock")
    assert "The PIN is blocked" in page.text and "/settings/reset" in page.text
    assert reader.goes_to(reader.post("/settings/reset", word="delete")) == "/start"
    assert not app.state.is_pin_set


def test_looking_again_by_itself_does_not_put_off_the_lock(
    app: RunningApp, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[str] = []
    monkeypatch.setattr(app.service, "touch", lambda: touched.append("touched"))
    reader.get("/codes", **{"x-live": "1"})
    assert touched == []
    reader.get("/codes")
    assert touched


def test_language_of_the_browser_and_of_choice(reader: Reader) -> None:
    assert 'lang="ar" dir="rtl"' in reader.get("/accounts", **{"accept-language": "ar-EG,ar;q=0.9"}).text
    assert 'lang="en" dir="ltr"' in reader.get("/accounts", **{"accept-language": "xx, ;;q=x"}).text
    reader.post("/language", language="ar", return_to=f"{reader.root}/accounts")
    assert 'lang="ar" dir="rtl"' in reader.get("/accounts").text
    reader.post("/language", language="tlh")
    assert 'lang="ar"' in reader.get("/accounts").text


def test_unknown_pages_say_so(reader: Reader) -> None:
    answer = reader.get("/nothing")
    assert answer.status_code == 404 and "There is no such page" in answer.text
    assert reader.client.get("/nothing").status_code == 404
    assert reader.get("/lock").status_code == 405


def test_the_lock_says_that_approvals_wait(app: RunningApp, reader: Reader) -> None:
    app.add_account()
    account = app.service._accounts.find("contoso")
    app.service._accounts.change(account.id, lambda one: replace(one, device_id="device"))
    app.service.lock()
    assert app.state.do_approvals_wait
    assert "Approvals wait until you unlock" in reader.get("/unlock").text
    app.service._accounts.change(account.id, lambda one: replace(one, device_id=None))
    assert "Approvals wait" not in reader.get("/unlock").text
