"""What a TPM adds to a key store, against a real one made of software."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.authenticator.keys import (
    KeyStoreDamaged,
    KeyStoreReason,
    KeyStoreUnavailable,
    Protection,
    SealedKeyStore,
    TpmKeyStore,
    VaultKeyStore,
)
from ostiary.authenticator.keys.key_maker import ES256, WrongAuthorization
from ostiary.authenticator.keys.pin_kdf import CheapKdf
from ostiary.authenticator.keys.sealing import unseal
from ostiary.authenticator.keys.tpm import TpmKeys
from ostiary.authenticator.models import TPM
from ostiary.authenticator.ports import PinError
from tests.authenticator.keys.conftest import PIN, WRONG, Now, Shelf, new, tpm_shelf
from tests.authenticator.keys.software_tpm import SoftwareTpm
from tests.authenticator.keys.test_key_store import MESSAGE, verify


@pytest.fixture
def tpm(tmp_path: Path) -> Iterator[SoftwareTpm]:
    if shutil.which("swtpm") is None:
        pytest.skip("needs swtpm")
    tpm = SoftwareTpm(tmp_path / "tpm")
    yield tpm
    tpm.stop()


@pytest.fixture
def shelf(tmp_path: Path, tpm: SoftwareTpm) -> Iterator[Shelf]:
    shelf = tpm_shelf(tmp_path / "keys", tpm)
    yield shelf
    shelf.close()


@pytest.fixture
def store(shelf: Shelf) -> VaultKeyStore:
    store = shelf.open()
    store.set_pin(PIN, length=4)
    return store


def test_says_what_it_is(store: VaultKeyStore) -> None:
    assert store.aaguid == TPM
    assert list(store.algorithms) == [ES256]
    assert store.protection is Protection.TPM


def test_keys_outlive_a_restart_of_the_computer(shelf: Shelf, store: VaultKeyStore, tpm: SoftwareTpm) -> None:
    credential = store.add(new())
    shelf.close()
    tpm.restart()
    store = shelf.open()
    store.check_pin(PIN)
    verify(credential, store.sign(credential.id, MESSAGE))


def test_goes_on_when_the_tpm_was_restarted_meanwhile(store: VaultKeyStore, tpm: SoftwareTpm) -> None:
    credential = store.add(new())
    for _ in range(2):
        tpm.restart()
        verify(credential, store.sign(credential.id, MESSAGE))
        store.check_pin(PIN)


def test_leaves_nothing_in_the_tpm(shelf: Shelf, store: VaultKeyStore, tpm: SoftwareTpm) -> None:
    credential = store.add(new())
    for _ in range(50):
        verify(credential, store.sign(credential.id, MESSAGE))
    for _ in range(3):
        with pytest.raises(PinError):
            store.check_pin(WRONG)
    shelf.close()
    assert tpm.handles() == 0


def test_another_tpm_does_not_open_it(shelf: Shelf, store: VaultKeyStore, tmp_path: Path) -> None:
    store.add(new())
    shelf.close()
    other = SoftwareTpm(tmp_path / "other tpm")
    try:
        with pytest.raises(KeyStoreUnavailable) as caught:
            tpm_shelf(tmp_path / "keys", other).open()
        assert caught.value.reason is KeyStoreReason.TPM_OTHER
        assert other.handles() == 0
    finally:
        other.stop()


def test_no_key_is_used_without_the_data_keys_authorization(store: VaultKeyStore, tpm: SoftwareTpm) -> None:
    """What the listing holds, and even the blob, are no use while the store is locked."""
    store.close()
    keys = TpmKeys(tpm.tcti)
    try:
        made = keys.make(ES256, b"a" * 32)
        keys.load(ES256, made.blob, b"a" * 32)(MESSAGE)
        with pytest.raises(WrongAuthorization):
            keys.load(ES256, made.blob, b"b" * 32)(MESSAGE)
        with pytest.raises(ValueError, match="ES256"):
            keys.make(-8, b"a" * 32)
    finally:
        keys.close()


def test_the_data_key_needs_what_the_tpm_keeps(store: VaultKeyStore) -> None:
    """The right PIN and the device key do not open it by themselves: no TPM, nothing to try PINs on."""
    vault = store._vault
    wrap = vault.contents.pin
    assert wrap is not None and wrap.bound
    stretched = CheapKdf()(PIN, wrap.salt)
    share = store._key_maker.unbind(wrap.bound, vault._authorization(stretched))
    associated = vault._associated("data key", b"")
    assert unseal(vault._kek(stretched, share), wrap.wrapped, associated) is not None
    assert unseal(vault._kek(stretched, b""), wrap.wrapped, associated) is None


def test_takes_authorizations_that_end_in_zero(tpm: SoftwareTpm) -> None:
    keys = TpmKeys(tpm.tcti)
    try:
        for authorization in (b"a" * 31 + b"\0", bytes(32)):
            assert keys.unbind(keys.bind(b"share", authorization), authorization) == b"share"
    finally:
        keys.close()


def test_the_tpm_counts_wrong_pins_whatever_is_done_to_the_files(
    shelf: Shelf, store: VaultKeyStore, tpm: SoftwareTpm, tmp_path: Path
) -> None:
    """The store's own counter is put back by copying its files; the TPM's is not."""
    shelf.close()
    tpm.allow_tries(5)
    shutil.copytree(tmp_path / "keys", tmp_path / "copy")
    for _ in range(5):
        shutil.rmtree(tmp_path / "keys")
        shutil.copytree(tmp_path / "copy", tmp_path / "keys")
        store = shelf.open()
        with pytest.raises(PinError) as wrong:
            store.check_pin(WRONG)
        assert wrong.value.retries_left == 7
        shelf.close()
    store = shelf.open()
    for pin in (WRONG, PIN):
        with pytest.raises(KeyStoreUnavailable) as caught:
            store.check_pin(pin)
        assert caught.value.reason is KeyStoreReason.TPM_LOCKED_OUT
        assert store.pin.retries_left == 7  # it was not judged
    assert not store.is_unlocked


def test_a_tpm_that_is_gone_is_said_and_costs_a_try(store: VaultKeyStore, tpm: SoftwareTpm) -> None:
    """Nobody can tell whether it judged before it went."""
    credential = store.add(new())
    tpm.stop()
    with pytest.raises(KeyStoreUnavailable) as caught:
        store.sign(credential.id, MESSAGE)
    assert caught.value.reason is KeyStoreReason.TPM_UNAVAILABLE
    with pytest.raises(KeyStoreUnavailable):
        store.check_pin(PIN)
    assert store.pin.retries_left == 7
    tpm.start()
    store.check_pin(PIN)
    verify(credential, store.sign(credential.id, MESSAGE))


def test_refuses_a_changed_device_key(shelf: Shelf, store: VaultKeyStore, tmp_path: Path) -> None:
    shelf.close()
    path = next((tmp_path / "keys").glob("device-key-*"))
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        path.write_bytes(whole[:position] + bytes((whole[position] ^ 1,)) + whole[position + 1 :])
        with pytest.raises((KeyStoreDamaged, KeyStoreUnavailable)):
            shelf.open()
    for length in (0, 1, 60, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises((KeyStoreDamaged, KeyStoreUnavailable)):
            shelf.open()
    path.write_bytes(whole)
    shelf.open().check_pin(PIN)


def test_neither_kind_opens_the_other(shelf: Shelf, store: VaultKeyStore, tmp_path: Path, tpm: SoftwareTpm) -> None:
    shelf.close()
    with pytest.raises(KeyStoreUnavailable) as caught:
        SealedKeyStore.open(tmp_path / "keys", clock=Now())
    assert caught.value.reason is KeyStoreReason.OTHER_KIND
    SealedKeyStore.open(tmp_path / "file", clock=Now()).close()
    with pytest.raises(KeyStoreUnavailable) as caught:
        TpmKeyStore.open(tmp_path / "file", clock=Now(), tcti=tpm.tcti)
    assert caught.value.reason is KeyStoreReason.OTHER_KIND


@pytest.mark.parametrize(
    "tcti", ["device:/nonexistent/tpm", "swtpm:host=127.0.0.1,port=1", "no such thing", "device:/dev/null"]
)
def test_says_when_there_is_no_tpm(tmp_path: Path, tcti: str) -> None:
    with pytest.raises(KeyStoreUnavailable) as caught:
        TpmKeyStore.open(tmp_path / "keys", clock=Now(), tcti=tcti, kdf=CheapKdf())
    assert caught.value.reason is KeyStoreReason.TPM_UNAVAILABLE


def test_says_what_to_install_when_the_library_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tpm2_pytss", None)
    with pytest.raises(KeyStoreUnavailable) as caught:
        TpmKeyStore.open(tmp_path / "keys", clock=Now())
    assert caught.value.reason is KeyStoreReason.TPM_LIBRARY_MISSING
    assert "pip install 'ostiary[tpm]'" in caught.value.next_step
