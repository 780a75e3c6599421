"""What the person chose for this Authenticator: its name, when it locks, the fingerprint. A note in the key store."""

import json
import platform
import socket
from dataclasses import asdict, dataclass, replace
from typing import Final

from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import N_, phrase
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.views import SettingsView, Topic

NOTE: Final = "settings"
LONGEST_NAME: Final = 64
MOST_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    device_name: str
    lock_minutes: int = 15
    is_fingerprint_on: bool = True


class Device:
    def __init__(self, keys: AppKeys, changes: Changes) -> None:
        self._keys = keys
        self._changes = changes
        self._settings: DeviceSettings | None = None

    def settings(self) -> DeviceSettings:
        if self._settings is None:
            kept = self._keys.note(NOTE)
            self._settings = DeviceSettings(**json.loads(kept)) if kept else DeviceSettings(device_name=_own_name())
        return self._settings

    def change(
        self, *, device_name: str | None, lock_minutes: int | None, is_fingerprint_on: bool | None
    ) -> SettingsView:
        changed = self.settings()
        if device_name is not None:
            name = " ".join(device_name.split())
            if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
                raise AppError(
                    AppReason.SETTING_INVALID,
                    next_step=phrase(N_("Choose a name of 1 to %(most)d letters."), most=LONGEST_NAME),
                    field="name",
                )
            changed = replace(changed, device_name=name)
        if lock_minutes is not None:
            if not 0 <= lock_minutes <= MOST_MINUTES:
                raise AppError(
                    AppReason.SETTING_INVALID,
                    next_step=phrase(N_("Choose 1 to %(most)d minutes, or 0 for never."), most=MOST_MINUTES),
                    field="lock_minutes",
                )
            changed = replace(changed, lock_minutes=lock_minutes)
        if is_fingerprint_on is not None:
            changed = replace(changed, is_fingerprint_on=is_fingerprint_on)
        self._keys.put_note(NOTE, json.dumps(asdict(changed)).encode())
        self._settings = changed
        self._changes.publish(Topic.SETTINGS, Topic.STATE)
        return self.view()

    def forget(self) -> None:
        self._settings = None

    def view(self) -> SettingsView:
        settings = self.settings()
        return SettingsView(
            device_name=settings.device_name,
            lock_minutes=settings.lock_minutes,
            is_fingerprint_on=settings.is_fingerprint_on,
            linked_browsers=_linked_browsers(),
        )


def platform_name() -> str:
    """As it is shown to the person under Security info: "Linux"."""
    return platform.system() or "Unknown"


def _own_name() -> str:
    name = "".join(letter for letter in socket.gethostname() if letter.isprintable())[:LONGEST_NAME]
    return name or "This computer"


def _linked_browsers() -> tuple[str, ...]:
    from ostiary.authenticator.hosts.browser_installation import linked_browsers

    return tuple(linked_browsers())
