"""A key store for tests: an explicit object of the library, which no setting of the app leads to."""

from collections.abc import Sequence

from ostiary.authenticator.keys.device_key import FilePlace
from ostiary.authenticator.keys.files import MemoryFiles
from ostiary.authenticator.keys.key_maker import EDDSA, ES256, SoftwareKeys
from ostiary.authenticator.keys.pin import pin_hash
from ostiary.authenticator.keys.pin_kdf import CheapKdf
from ostiary.authenticator.keys.sealing import Protection
from ostiary.authenticator.keys.store import MOST_CREDENTIALS, VaultKeyStore
from ostiary.authenticator.models import SEALED_FILE
from ostiary.authenticator.ports import Clock
from ostiary.clock import system_clock


def memory_key_store(
    *,
    pin: str | None = None,
    clock: Clock = system_clock,
    aaguid: bytes = SEALED_FILE,
    algorithms: Sequence[int] = (ES256, EDDSA),
    most_credentials: int = MOST_CREDENTIALS,
) -> VaultKeyStore:
    """Born unlocked, and it stays so until somebody locks it, which needs a PIN. The sealed store's own code, on files
    in memory and with a PIN that is cheap to guess."""
    files = MemoryFiles()
    store = VaultKeyStore(
        files,
        FilePlace(files, Protection.MEMORY),
        key_maker=SoftwareKeys(aaguid=aaguid, algorithms=algorithms),
        kdf=CheapKdf(),
        clock=clock,
        needs_pin=False,
        most_credentials=most_credentials,
    )
    if pin is not None:
        store.set_pin(pin_hash(pin), length=len(pin))
    return store
