"""The facade: the PIN, the lock, settings, what survives a restart, and who hears of changes."""

import asyncio
import threading
from pathlib import Path

import pytest

from ostiary.authenticator.app.errors import WORDS, AppError, AppReason
from ostiary.authenticator.app.idle import IdleLock
from ostiary.authenticator.app.instance import Instance, default_directory
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import Topic
from ostiary.authenticator.ports import NewCredential
from tests.authenticator.app.conftest import PIN, until


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(AppReason)


def test_sets_a_pin_once(service: AuthenticatorService) -> None:
    assert not service.state().is_pin_set
    service.set_pin(PIN)
    assert service.state().is_pin_set
    with pytest.raises(AppError) as refused:
        service.set_pin("other1")
    assert refused.value.reason is AppReason.PIN_ALREADY_SET


@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        ("", AppReason.PIN_TOO_SHORT),
        ("123", AppReason.PIN_TOO_SHORT),
        ("e\u0301e\u0301e\u0301", AppReason.PIN_TOO_SHORT),  # three letters, however they are written
        ("1" * 64, AppReason.PIN_TOO_LONG),
        ("\u20ac" * 22, AppReason.PIN_TOO_LONG),
        ("1234\0", AppReason.PIN_TOO_LONG),
        ("1234\ud800", AppReason.REQUEST_INVALID),
    ],
)
def test_refuses_a_pin_that_is_none(service: AuthenticatorService, pin: str, reason: AppReason) -> None:
    with pytest.raises(AppError) as refused:
        service.set_pin(pin)
    assert refused.value.reason is reason
    assert not service.state().is_pin_set


def test_the_same_pin_however_it_is_written(service: AuthenticatorService) -> None:
    service.set_pin("caf\u00e9")
    service.lock()
    service.unlock("cafe\u0301")
    assert not service.state().is_locked


def test_locks_and_unlocks(ready: AuthenticatorService) -> None:
    ready.lock()
    assert ready.state().is_locked
    ready.unlock(PIN)
    assert not ready.state().is_locked


def test_a_wrong_pin_counts(ready: AuthenticatorService) -> None:
    ready.lock()
    with pytest.raises(AppError) as refused:
        ready.unlock("000000")
    assert (refused.value.reason, refused.value.details["retries_left"]) == (AppReason.PIN_WRONG, 7)
    assert ready.state().is_locked
    ready.unlock(PIN)
    assert ready.state().retries_left == 8


def test_changes_the_pin_for_whoever_knows_it(ready: AuthenticatorService) -> None:
    with pytest.raises(AppError) as refused:
        ready.change_pin("000000", "other1")
    assert refused.value.reason is AppReason.PIN_WRONG
    with pytest.raises(AppError) as unchanged:
        ready.change_pin(PIN, PIN)
    assert unchanged.value.reason is AppReason.PIN_UNCHANGED
    ready.change_pin(PIN, "other1")
    ready.lock()
    ready.unlock("other1")


def test_needs_a_pin_before_anything_is_kept(service: AuthenticatorService) -> None:
    with pytest.raises(AppError) as refused:
        service.begin_sign_in("https://login.contoso.example")
    assert refused.value.reason is AppReason.PIN_NOT_SET


def test_locks_by_itself(ready: AuthenticatorService) -> None:
    rang = threading.Event()
    idle = IdleLock(rang.set, lambda: 0)
    idle.touch()  # 0: never
    assert idle._timer is None
    soon = IdleLock(rang.set, lambda: 1)
    soon._minutes = lambda: 0.0005  # type: ignore[assignment, return-value]
    soon.touch()
    assert rang.wait(5)


def test_use_puts_the_lock_off() -> None:
    rang = threading.Event()
    idle = IdleLock(rang.set, lambda: 1)
    idle.touch()
    first = idle._last_use
    idle.touch()
    idle._ring(first)
    assert not rang.is_set()
    idle.stop()


def test_settings_are_kept_and_judged(ready: AuthenticatorService) -> None:
    changed = ready.change_settings(device_name="  My   laptop ", lock_minutes=5)
    assert (changed.device_name, changed.lock_minutes) == ("My laptop", 5)
    assert ready.change_settings(is_fingerprint_on=False).lock_minutes == 5
    for bad in ({"device_name": ""}, {"device_name": "x" * 65}, {"device_name": "a\0b"}, {"lock_minutes": -1}):
        with pytest.raises(AppError) as refused:
            ready.change_settings(**bad)
        assert refused.value.reason is AppReason.SETTING_INVALID
    assert ready.settings().device_name == "My laptop"


def test_a_restart_forgets_nothing_and_is_locked(directory: Path) -> None:
    service = AuthenticatorService.open(directory)
    service.set_pin(PIN)
    service.change_settings(device_name="My laptop")
    service.add_code(issuer="Ex", name="me", secret="JBSWY3DP")
    service.close()
    again = AuthenticatorService.open(directory)
    assert again.state().is_locked
    assert again.settings().device_name == "My laptop"
    again.unlock(PIN)
    assert [one.issuer for one in again.codes()] == ["Ex"]
    again.close()


def test_a_reset_forgets_everything(ready: AuthenticatorService) -> None:
    ready.keys.add(NewCredential("contoso.example", "Contoso", b"1", "ada", "Ada", -7, 0))
    ready.change_settings(device_name="My laptop")
    ready.add_code(issuer="Ex", name="me", secret="JBSWY3DP")
    ready.reset()
    state = ready.state()
    assert (state.is_pin_set, state.passkeys, state.accounts) == (False, 0, 0)
    assert ready.settings().device_name != "My laptop"
    ready.set_pin(PIN)
    assert ready.codes() == ()


def test_a_passkey_of_no_account_is_deleted_here_alone(ready: AuthenticatorService) -> None:
    ready.keys.add(NewCredential("contoso.example", "Contoso", b"1", "ada", "Ada", -7, 0))
    passkey = ready.passkeys()[0]
    assert ready.passkey(passkey.id) == passkey
    deletion = ready.delete_passkey(passkey.id)
    assert not deletion.is_forgotten_by_server
    assert "contoso.example" in deletion.next
    for unknown in (passkey.id, "%", "", "ä"):
        with pytest.raises(AppError) as refused:
            ready.delete_passkey(unknown)
        assert refused.value.reason is AppReason.PASSKEY_UNKNOWN


def test_changes_are_told_at_once(ready: AuthenticatorService) -> None:
    seen: list[Topic] = []
    listening = threading.Event()

    async def listen() -> None:
        with ready.subscribe() as topics:
            listening.set()
            async for topic in topics:
                seen.append(topic)
                if topic is Topic.CODES and Topic.SETTINGS in seen:
                    return

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    assert listening.wait(5)
    ready.change_settings(lock_minutes=3)
    ready.add_code(issuer="Ex", name="me", secret="JBSWY3DP")
    thread.join(5)
    assert not thread.is_alive()
    ready.lock()  # nobody is there to be told, and nothing happens


def test_one_app_for_one_directory(directory: Path) -> None:
    with Instance(directory):
        with pytest.raises(AppError) as refused:
            Instance(directory)
        assert refused.value.reason is AppReason.ALREADY_RUNNING
    Instance(directory).close()


def test_the_directory_is_made_private(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    directory.mkdir(parents=True, mode=0o755)
    Instance(directory).close()
    assert directory.stat().st_mode & 0o777 == 0o700


def test_refuses_a_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AppError) as refused:
        Instance(tmp_path / "file" / "data")
    assert refused.value.reason is AppReason.UNAVAILABLE


def test_keeps_to_the_place_for_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_directory() == tmp_path / "ostiary-authenticator"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_directory() == tmp_path / ".local/share/ostiary-authenticator"


def test_opens_a_window_for_a_question_without_one(ready: AuthenticatorService) -> None:
    class Links:
        def start_link(self) -> str:
            return "http://127.0.0.1/?token=1"

        def prompt_link(self, prompt_id: str) -> str:
            return f"http://127.0.0.1/prompt/{prompt_id}"

    opened: list[str] = []
    ready.open_window("1")
    assert (ready.start_url(), ready.prompt_url("1")) == (None, None)
    ready.serve_pages_at(Links())
    ready.show_pages_by(opened.append)
    ready.open_window("1")
    assert opened == ["http://127.0.0.1/prompt/1"]
    assert until(ready.start_url)
