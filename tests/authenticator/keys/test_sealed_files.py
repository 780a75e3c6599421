"""What a sealed store leaves on the disk: nothing to read, nothing to change, nothing half."""

import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from ostiary.authenticator.keys import (
    KeyStoreDamaged,
    KeyStoreInUse,
    KeyStoreReason,
    KeyStoreUnavailable,
    Protection,
    SealedKeyStore,
    memory_key_store,
    pin_hash,
)
from ostiary.authenticator.keys.files import PrivateDirectory
from ostiary.authenticator.keys.pin_kdf import Argon2id, CheapKdf
from ostiary.authenticator.models import SEALED_FILE
from ostiary.authenticator.ports import Locked, PinError
from tests.authenticator.keys.conftest import PIN, WRONG, Now, Shelf, new, sealed_shelf

FILES = ("keys", "counters", "device-key-")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def shelf(directory: Path) -> Iterator[Shelf]:
    shelf = sealed_shelf(directory)
    yield shelf
    shelf.close()


def filled(shelf: Shelf) -> SealedKeyStore:
    store = shelf.open()
    assert isinstance(store, SealedKeyStore)
    store.set_pin(PIN, length=4)
    store.add(new())
    return store


def _failing_at(write: int, error: BaseException) -> Callable[[PrivateDirectory, str, bytes], None]:
    """Writes as it should, but for the one of this number."""
    numbers = count(1)
    whole = PrivateDirectory.write

    def write_or_fail(files: PrivateDirectory, name: str, content: bytes) -> None:
        if next(numbers) == write:
            raise error
        whole(files, name, content)

    return write_or_fail


def _full(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def file(directory: Path, name: str) -> Path:
    return next(path for path in directory.iterdir() if path.name.startswith(name))


# secrecy


def test_no_key_is_on_the_disk_in_the_clear(shelf: Shelf, directory: Path) -> None:
    store = filled(shelf)
    made: list[bytes] = []
    make = store._key_maker.make

    def noted(algorithm: int, authorization: bytes) -> object:
        key = make(algorithm, authorization)
        made.append(key.blob)
        return key

    store._key_maker.make = noted  # type: ignore[method-assign,assignment]
    credential = store.add(new(user_handle=b"grace"))
    store.generate_key("device")
    assert len(made) == 2
    data_key = store._vault._data_key
    assert data_key is not None
    hidden = [
        *made,
        data_key,
        store.hmac_secret(credential.id, is_verified=True),
        store.hmac_secret(credential.id, is_verified=False),
        b"seed of one-time codes",
        # with the device key, but not without
        credential.id,
        b"contoso.example",
        b"ada@contoso.example",
        b"a note",
    ]
    store.put_secret("codes", b"seed of one-time codes")
    store.put_note("accounts", b"a note")
    store.next_sign_count()
    # what the PIN protects, even from somebody who has every file and so the device key
    listing = store._vault._contents.encode()
    store.close()
    on_disk = b"".join(path.read_bytes() for path in directory.iterdir())
    assert len(on_disk) > 500
    assert [secret for secret in hidden if secret in on_disk] == []
    assert [secret for secret in hidden[:6] if secret in listing] == []
    assert all(secret in listing for secret in hidden[6:])
    shelf.opened.clear()


def test_only_its_owner_may_read_it(shelf: Shelf, directory: Path) -> None:
    old = os.umask(0)
    try:
        filled(shelf)
    finally:
        os.umask(old)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_makes_an_empty_directory_private(shelf: Shelf, directory: Path) -> None:
    directory.mkdir(mode=0o755)
    shelf.open()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["", *FILES])
def test_refuses_what_others_may_read(shelf: Shelf, directory: Path, name: str) -> None:
    filled(shelf)
    shelf.close()
    (file(directory, name) if name else directory).chmod(0o755)
    with pytest.raises(KeyStoreUnavailable) as caught:
        shelf.open()
    assert caught.value.reason is KeyStoreReason.NOT_PRIVATE
    assert "chmod" in caught.value.next_step


def test_refuses_a_link_in_place_of_its_directory(shelf: Shelf, directory: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    directory.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyStoreUnavailable) as caught:
        shelf.open()
    assert caught.value.reason is KeyStoreReason.NOT_WRITABLE


# tampering


@pytest.mark.parametrize("name", FILES)
def test_refuses_a_file_with_any_byte_changed(shelf: Shelf, directory: Path, name: str) -> None:
    filled(shelf)
    shelf.close()
    path = file(directory, name)
    whole = path.read_bytes()
    positions = range(len(whole)) if len(whole) < 100 else [*range(60), *range(60, len(whole), 37), len(whole) - 1]
    for position in positions:
        for bit in (1, 128):
            path.write_bytes(whole[:position] + bytes((whole[position] ^ bit,)) + whole[position + 1 :])
            with pytest.raises((KeyStoreDamaged, KeyStoreUnavailable)) as caught:
                shelf.open()
            assert isinstance(caught.value, KeyStoreDamaged) or position in (8, 10)  # version, protection
            assert caught.value.next_step
    path.write_bytes(whole)
    shelf.open().check_pin(PIN)


@pytest.mark.parametrize("name", FILES)
def test_refuses_a_file_cut_short(shelf: Shelf, directory: Path, name: str) -> None:
    filled(shelf)
    shelf.close()
    path = file(directory, name)
    whole = path.read_bytes()
    for length in (0, 7, 28, 40, len(whole) - 1):
        path.write_bytes(whole[: min(length, len(whole) - 1)])
        with pytest.raises(KeyStoreDamaged):
            shelf.open()


@pytest.mark.parametrize("name", FILES)
def test_refuses_to_go_on_without_one_of_its_files(shelf: Shelf, directory: Path, name: str) -> None:
    filled(shelf)
    shelf.close()
    file(directory, name).unlink()
    with pytest.raises(KeyStoreDamaged):
        shelf.open()


@pytest.mark.parametrize("name", ["keys", "counters"])
def test_refuses_a_file_of_another_store(shelf: Shelf, directory: Path, tmp_path: Path, name: str) -> None:
    filled(shelf)
    shelf.close()
    other = sealed_shelf(tmp_path / "other")
    filled(other)
    other.close()
    file(directory, name).write_bytes(file(tmp_path / "other", name).read_bytes())
    with pytest.raises(KeyStoreDamaged):
        shelf.open()


def test_refuses_a_secret_in_the_place_of_another(shelf: Shelf) -> None:
    """Whoever has the device key can write the listing anew, and still not move what is sealed within it."""
    store = filled(shelf)
    store.put_secret("one", b"1")
    store.put_secret("other", b"2")
    sealed = store._vault.contents.secrets
    store._vault.change(secrets={"one": sealed["other"], "other": sealed["one"]})
    with pytest.raises(KeyStoreDamaged):
        store.secret("one")


def test_says_that_a_later_version_wrote_it(shelf: Shelf, directory: Path) -> None:
    filled(shelf)
    shelf.close()
    path = file(directory, "keys")
    path.write_bytes(path.read_bytes()[:8] + b"\x02" + path.read_bytes()[9:])
    with pytest.raises(KeyStoreUnavailable) as caught:
        shelf.open()
    assert caught.value.reason is KeyStoreReason.NEWER_VERSION


def test_refuses_a_weaker_pin_protection_than_there_ever_was() -> None:
    for parameters in ((1, 32 * 1024), (3, 1024), (3,), (3, 2**30)):
        with pytest.raises(KeyStoreDamaged):
            Argon2id().with_parameters(parameters)


# one process


def test_refuses_a_second_process(shelf: Shelf, directory: Path) -> None:
    shelf.open()
    with pytest.raises(KeyStoreInUse) as caught:
        sealed_shelf(directory).open()
    assert caught.value.reason is KeyStoreReason.IN_USE
    script = (
        "import sys, pathlib; from ostiary.authenticator.keys import *; from ostiary.clock import system_clock\n"
        "try: SealedKeyStore.open(pathlib.Path(sys.argv[1]), clock=system_clock)\n"
        "except KeyStoreInUse: print('in use')"
    )
    told = subprocess.run([sys.executable, "-c", script, str(directory)], capture_output=True, text=True, check=True)
    assert told.stdout == "in use\n"


# durability


def test_what_was_acknowledged_survives_kill(shelf: Shelf, directory: Path) -> None:
    """At random moments, over and over, on the same store."""
    moments = random.Random(20261120)
    highest = 0
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.authenticator.keys.writer", str(directory)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(moments.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        # the last line may itself be cut
        lines = [line.split() for line in (first + rest).split("\n")[:-1]]
        assert lines
        acknowledged = {line[1]: line[2] for line in lines if line[0] == "added"}
        counts = [int(line[1]) for line in lines if line[0] == "count"]
        notes = [int(line[1]) for line in lines if line[0] == "note"]

        store = shelf.open()
        kept = {found.user_handle.decode(): found for found in store.credentials("contoso.example")}
        assert len(kept) == len(store.credentials())
        missing = [handle for handle, name in acknowledged.items() if kept[handle].id.hex() != name]
        # at most one replaced its predecessor without having been able to say so
        assert len(missing) <= 1
        store.check_pin(PIN)
        for found in kept.values():
            store.sign(found.id, b"whole")
        if notes:
            assert int(store.note("last") or b"-1") in (notes[-1], notes[-1] + 1)
        assert counts == sorted(set(counts))
        assert min(counts, default=highest + 1) > highest
        highest = store.next_sign_count()
        assert highest > max(counts, default=0)
        shelf.close()


def test_a_try_is_counted_before_it_is_judged(shelf: Shelf) -> None:
    class Unplugged(Exception):
        pass

    class UnpluggedKdf(CheapKdf):
        def __call__(self, pin_hash: bytes, salt: bytes) -> bytes:
            raise Unplugged

    store = filled(shelf)
    store.lock()
    store._vault._kdf = UnpluggedKdf()
    for _ in range(2):
        with pytest.raises(Unplugged):
            store.check_pin(WRONG)
    assert shelf.crash().pin.retries_left == 6


@pytest.mark.parametrize("write", range(1, 7))
def test_a_crash_while_a_store_begins_or_is_wiped_leaves_a_new_one(
    shelf: Shelf, write: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends just before the write of this number, from the first of a new store to the last of a wipe."""

    monkeypatch.setattr(PrivateDirectory, "write", _failing_at(write, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        shelf.open().wipe()
    monkeypatch.undo()
    store = shelf.crash()
    assert not store.pin.is_set
    store.set_pin(PIN, length=4)
    store.add(new())
    store = shelf.crash()
    store.check_pin(PIN)
    assert len(store.credentials()) == 1


def test_a_failed_write_changes_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(shelf)
    before = store.credentials()

    monkeypatch.setattr("ostiary.authenticator.keys.files.os.fsync", _full)
    with pytest.raises(KeyStoreUnavailable) as caught:
        store.add(new(user_handle=b"grace"))
    assert caught.value.reason is KeyStoreReason.NOT_WRITABLE
    assert "No space left" in caught.value.message
    monkeypatch.undo()
    assert store.credentials() == before
    assert shelf.crash().credentials() == before


def test_writes_nothing_once_closed(shelf: Shelf, directory: Path) -> None:
    store = filled(shelf)
    store.close()
    store.close()
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(KeyStoreUnavailable):
        store.put_note("late", b"note")
    with pytest.raises(Locked):
        store.sign(store.credentials()[0].id, b"message")
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_locks_even_when_the_disk_is_full(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(shelf)
    credential = store.credentials()[0]
    store.sign(credential.id, b"message")
    store.update(replace(credential, last_used_at=1))
    monkeypatch.setattr("ostiary.authenticator.keys.files.os.fsync", _full)
    with pytest.raises(KeyStoreUnavailable):
        store.lock()
    monkeypatch.undo()
    assert not store.is_unlocked
    with pytest.raises(Locked):
        store.sign(credential.id, b"message")


def test_a_wipe_that_failed_left_everything(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(shelf)
    store.put_secret("seed", b"secret")
    for write in (1, 2):
        with monkeypatch.context() as patched:
            patched.setattr(PrivateDirectory, "write", _failing_at(write, KeyError()))
            with pytest.raises(KeyError):
                store.wipe()
        assert not store.is_unlocked
        store.check_pin(PIN)
        store.put_note("after", b"note")
        store.sign(store.credentials()[0].id, b"message")
    found = shelf.crash()
    found.check_pin(PIN)
    assert found.secret("seed") == b"secret" and found.note("after") == b"note"


def test_a_wipe_that_failed_at_last_left_a_new_store(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(shelf)
    with monkeypatch.context() as patched:
        patched.setattr(PrivateDirectory, "write", _failing_at(3, KeyError()))
        with pytest.raises(KeyError):
            store.wipe()
    assert not store.is_unlocked and not store.pin.is_set and not store.credentials()
    store.set_pin(WRONG, length=4)
    store.add(new())
    found = shelf.crash()
    found.check_pin(WRONG)
    assert len(found.credentials()) == 1


def test_wipe_forgets_the_device_key(shelf: Shelf, directory: Path) -> None:
    store = filled(shelf)
    before = file(directory, "device-key-").read_bytes()
    store.wipe()
    assert [path.name for path in directory.iterdir() if path.name.startswith("device-key-")] == [
        file(directory, "device-key-").name
    ]
    assert file(directory, "device-key-").read_bytes() != before


# how it is made


def test_takes_argon2id_for_the_pin(directory: Path) -> None:
    clock = Now()
    with SealedKeyStore.open(directory, clock=clock) as store:
        assert store.protection is Protection.FILE
        assert store.aaguid == SEALED_FILE
        store.set_pin(pin_hash("2580"), length=4)
        wrap = store._vault.contents.pin
        assert wrap is not None and wrap.kdf_parameters == (3, 32 * 1024)
    with SealedKeyStore.open(directory, clock=clock) as store:
        with pytest.raises(PinError):
            store.check_pin(WRONG)
        store.check_pin(pin_hash("2580"))
        assert store.is_unlocked


def test_a_store_in_memory_is_born_unlocked() -> None:
    store = memory_key_store()
    assert store.is_unlocked and not store.pin.is_set
    assert store.protection is Protection.MEMORY
    credential = store.add(new())
    store.lock()
    store.sign(credential.id, b"no PIN could unlock it again")
    store.wipe()
    assert store.is_unlocked


def test_a_store_in_memory_takes_a_pin() -> None:
    store = memory_key_store(pin="2580", algorithms=(-7,), aaguid=bytes(16), most_credentials=1)
    assert store.pin.is_set and store.is_unlocked
    assert (store.aaguid, list(store.algorithms), store.remaining) == (bytes(16), [-7], 1)
    store.lock()
    with pytest.raises(Locked):
        store.add(new())
    store.check_pin(PIN)
    store.add(new())
