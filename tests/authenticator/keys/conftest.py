"""Every kind of key store, opened, closed and opened again: what they promise is tested once."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ostiary.authenticator.keys import SealedKeyStore, TpmKeyStore, VaultKeyStore, pin_hash
from ostiary.authenticator.keys.device_key import FilePlace
from ostiary.authenticator.keys.files import MemoryFiles
from ostiary.authenticator.keys.key_maker import SoftwareKeys
from ostiary.authenticator.keys.pin_kdf import CheapKdf
from ostiary.authenticator.keys.sealing import Protection
from ostiary.authenticator.ports import NewCredential
from tests.authenticator.keys.software_tpm import SoftwareTpm

PIN, WRONG = pin_hash("2580"), pin_hash("0852")


@dataclass
class Now:
    at: int = 1_700_000_000_000

    def __call__(self) -> int:
        return self.at


@dataclass
class Shelf:
    """One key store and its place. `reopen` is a restart of the app."""

    open_store: Callable[[], VaultKeyStore]
    clock: Now
    opened: list[VaultKeyStore] = field(default_factory=list)

    def open(self) -> VaultKeyStore:
        self.close()
        self.opened.append(self.open_store())
        return self.opened[-1]

    def reopen(self) -> VaultKeyStore:
        return self.open()

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()

    def crash(self) -> VaultKeyStore:
        """The process ends without a word, and the system closes its files."""
        for store in self.opened:
            store._key_maker.close()
            store._files.close()
        self.opened.clear()
        return self.open()


def sealed_shelf(directory: Path) -> Shelf:
    clock = Now()
    return Shelf(lambda: SealedKeyStore.open(directory, clock=clock, kdf=CheapKdf()), clock)


def tpm_shelf(directory: Path, tpm: SoftwareTpm) -> Shelf:
    clock = Now()
    return Shelf(lambda: TpmKeyStore.open(directory, clock=clock, tcti=tpm.tcti, kdf=CheapKdf()), clock)


def memory_shelf() -> Shelf:
    clock, files = Now(), MemoryFiles()

    def open_store() -> VaultKeyStore:
        place = FilePlace(files, Protection.MEMORY)
        return VaultKeyStore(files, place, key_maker=SoftwareKeys(), kdf=CheapKdf(), clock=clock)

    return Shelf(open_store, clock)


@pytest.fixture(scope="session")
def session_tpm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftwareTpm]:
    if shutil.which("swtpm") is None:
        pytest.skip("needs swtpm")
    tpm = SoftwareTpm(tmp_path_factory.mktemp("tpm") / "state")
    yield tpm
    tpm.stop()


@pytest.fixture(params=["memory", "sealed", "tpm"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    match request.param:
        case "memory":
            shelf = memory_shelf()
        case "sealed":
            shelf = sealed_shelf(tmp_path / "keys")
        case _:
            shelf = tpm_shelf(tmp_path / "keys", request.getfixturevalue("session_tpm"))
    yield shelf
    shelf.close()


@pytest.fixture
def store(shelf: Shelf) -> VaultKeyStore:
    """With a PIN, and unlocked."""
    store = shelf.open()
    store.set_pin(PIN, length=4)
    return store


def new(
    rp_id: str = "contoso.example", user_handle: bytes = b"ada", *, at: int = 1, is_discoverable: bool = True
) -> NewCredential:
    return NewCredential(
        rp_id, "Contoso", user_handle, "ada@contoso.example", "Ada", -7, at, is_discoverable=is_discoverable
    )
