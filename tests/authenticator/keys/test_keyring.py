"""The device key in a real keyring: GNOME's, on a bus of our own."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import secretstorage
from jeepney import message_bus
from jeepney.io.blocking import open_dbus_connection

from ostiary.authenticator.keys import (
    KeyStoreReason,
    KeyStoreUnavailable,
    Protection,
    SealedKeyStore,
    SecretServiceKeyring,
)
from ostiary.authenticator.keys.pin_kdf import CheapKdf
from tests.authenticator.keys.conftest import PIN, Now, new
from tests.authenticator.keys.private_bus import private_bus


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


@pytest.fixture
def gnome_keyring(bus: str, tmp_path: Path) -> Iterator[None]:
    if shutil.which("gnome-keyring-daemon") is None:
        pytest.skip("needs gnome-keyring")
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "DBUS_SESSION_BUS_ADDRESS": bus,
        "XDG_RUNTIME_DIR": str(home),
    }
    daemon = subprocess.Popen(
        ["gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    assert daemon.stdin is not None
    daemon.stdin.write(b"password of the desktop")
    daemon.stdin.close()
    try:
        deadline = time.monotonic() + 10
        while not SecretServiceKeyring(patience=1).is_available:
            assert time.monotonic() < deadline, "the keyring does not start"
            time.sleep(0.05)
        yield
    finally:
        daemon.kill()
        daemon.wait()


def open_store(directory: Path, keyring: SecretServiceKeyring | None = None) -> SealedKeyStore:
    return SealedKeyStore.open(directory, clock=Now(), kdf=CheapKdf(), keyring=keyring)


def forget_everything() -> None:
    connection = secretstorage.dbus_init()
    try:
        for item in secretstorage.Collection(connection).get_all_items():
            item.delete()
    finally:
        connection.close()


@pytest.mark.usefixtures("gnome_keyring")
def test_keeps_the_device_key_in_the_keyring(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    with open_store(directory, SecretServiceKeyring()) as store:
        assert store.protection is Protection.KEYRING
        store.set_pin(PIN, length=4)
        credential = store.add(new())
    assert not [path for path in directory.iterdir() if path.name.startswith("device-key")]
    with open_store(directory, SecretServiceKeyring()) as store:
        assert store.find(credential.id) == credential
        store.check_pin(PIN)
        store.sign(credential.id, b"message")
        store.wipe()
        assert store.protection is Protection.KEYRING
    connection = secretstorage.dbus_init()
    try:
        assert len(list(secretstorage.Collection(connection).get_all_items())) == 1
    finally:
        connection.close()


@pytest.mark.usefixtures("gnome_keyring")
def test_refuses_to_open_without_its_device_key(tmp_path: Path) -> None:
    open_store(tmp_path / "keys", SecretServiceKeyring()).close()
    with pytest.raises(KeyStoreUnavailable) as caught:
        open_store(tmp_path / "keys")
    assert caught.value.reason is KeyStoreReason.KEYRING_UNAVAILABLE
    forget_everything()
    with pytest.raises(KeyStoreUnavailable) as caught:
        open_store(tmp_path / "keys", SecretServiceKeyring())
    assert caught.value.reason is KeyStoreReason.KEYRING_ITEM_MISSING


@pytest.mark.usefixtures("gnome_keyring")
def test_refuses_a_keyring_that_stays_locked(tmp_path: Path) -> None:
    open_store(tmp_path / "keys", SecretServiceKeyring()).close()
    connection = secretstorage.dbus_init()
    try:
        secretstorage.Collection(connection).lock()
    finally:
        connection.close()
    keyring = SecretServiceKeyring(patience=2, prompt_patience=0.5)
    started = time.monotonic()
    with pytest.raises(KeyStoreUnavailable) as caught:
        open_store(tmp_path / "keys", keyring)
    assert caught.value.reason is KeyStoreReason.KEYRING_UNAVAILABLE
    with open_store(tmp_path / "other", keyring) as store:
        assert store.protection is Protection.FILE
    assert time.monotonic() - started < 10


@pytest.mark.usefixtures("bus")
def test_uses_a_file_where_there_is_no_keyring(tmp_path: Path) -> None:
    keyring = SecretServiceKeyring()
    assert not keyring.is_available
    with open_store(tmp_path / "keys", keyring) as store:
        assert store.protection is Protection.FILE
    # and stays with it when a keyring comes
    with open_store(tmp_path / "keys", keyring) as store:
        assert store.protection is Protection.FILE


@pytest.mark.parametrize("address", [None, "", "unix:path=/nonexistent/bus", "tcp:host=localhost"])
def test_uses_a_file_where_there_is_no_bus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    if address is not None:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    with open_store(tmp_path / "keys", SecretServiceKeyring()) as store:
        assert store.protection is Protection.FILE


def test_waits_no_longer_than_it_was_told_for_a_silent_keyring(bus: str, tmp_path: Path) -> None:
    silent = open_dbus_connection(bus)
    try:
        silent.send_and_get_reply(message_bus.RequestName("org.freedesktop.secrets"))
        started = time.monotonic()
        with open_store(tmp_path / "keys", SecretServiceKeyring(patience=0.3)) as store:
            assert store.protection is Protection.FILE
        assert time.monotonic() - started < 5
    finally:
        silent.close()
