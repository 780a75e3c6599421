"""Settings: the PIN, the lock, the name, and deleting everything."""

import re

import pytest

from ostiary.cli.authenticator import app as command_line
from tests.authenticator.app.web.running import PIN, Reader, RunningApp


def test_saves_name_and_lock(app: RunningApp, reader: Reader) -> None:
    saved = reader.post("/settings", device_name="Grace's desktop", lock_minutes="5")
    assert reader.goes_to(saved) == "/settings?saved=1"
    assert "Saved." in reader.get("/settings?saved=1").text
    assert app.service.settings().device_name == "Grace's desktop" and app.service.settings().lock_minutes == 5


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\u202eb"])
def test_refuses_a_name_that_does_not_work(app: RunningApp, reader: Reader, name: str) -> None:
    answer = reader.post("/settings", device_name=name, lock_minutes="5")
    assert answer.status_code == 422 and 'id="device_name-problem"' in answer.text
    assert app.service.settings().lock_minutes == 15


@pytest.mark.parametrize("minutes", ["", "-1", "many", "99999", "٥"])
def test_refuses_a_time_that_does_not_work(app: RunningApp, reader: Reader, minutes: str) -> None:
    assert reader.post("/settings", device_name="desktop", lock_minutes=minutes).status_code == 422
    assert app.service.settings().lock_minutes == 15


def test_changes_the_pin(app: RunningApp, reader: Reader) -> None:
    changed = reader.post("/settings/pin", current=PIN, pin="another-1", again="another-1")
    assert reader.goes_to(changed) == "/settings?saved=1"
    app.service.lock()
    assert reader.post("/unlock", pin=PIN).status_code == 422
    assert reader.goes_to(reader.post("/unlock", pin="another-1")) == "/accounts"


def test_refuses_to_change_the_pin_without_the_current_one(app: RunningApp, reader: Reader) -> None:
    answer = reader.post("/settings/pin", current="wrong", pin="another-1", again="another-1")
    assert answer.status_code == 422 and 'id="current-problem"' in answer.text and "7 tries left" in answer.text


@pytest.mark.parametrize(
    ("pin", "again", "words"),
    [("another-1", "another-2", "not the same"), ("abc", "abc", "at least 4"), (PIN, PIN, "have already")],
)
def test_refuses_a_new_pin_that_does_not_work(reader: Reader, pin: str, again: str, words: str) -> None:
    answer = reader.post("/settings/pin", current=PIN, pin=pin, again=again)
    assert answer.status_code == 422 and words in answer.text


@pytest.mark.parametrize("path", ["/settings/browsers", "/settings/security-key"])
def test_the_commands_it_tells_are_there(reader: Reader, path: str) -> None:
    known = {command.name for command in command_line.registered_commands}
    told = re.findall(r">ostiary authenticator ([a-z-]+)[^<]*</code>", reader.get(path).text)
    assert told and set(told) <= known


@pytest.mark.parametrize("word", ["", "yes", "deleted"])
def test_refuses_to_reset_without_the_word(app: RunningApp, reader: Reader, word: str) -> None:
    app.add_passkey()
    answer = reader.post("/settings/reset", word=word)
    assert answer.status_code == 422 and "Nothing was deleted." in answer.text
    assert app.state.passkeys == 1


def test_resets_everything(app: RunningApp, reader: Reader) -> None:
    app.add_passkey()
    assert "1 passkey is deleted" in reader.get("/settings/reset").text
    assert reader.goes_to(reader.post("/settings/reset", word=" Delete ")) == "/start"
    assert app.state.passkeys == 0 and not app.state.is_pin_set
