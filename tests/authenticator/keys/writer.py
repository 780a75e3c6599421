"""A process that adds, deletes and signs as fast as it can, and says what was acknowledged, until it is killed."""

import sys
from pathlib import Path

from ostiary.authenticator.keys import SealedKeyStore
from ostiary.authenticator.keys.pin_kdf import CheapKdf
from ostiary.clock import system_clock
from tests.authenticator.keys.conftest import PIN, new


def work(directory: Path) -> None:
    store = SealedKeyStore.open(directory, clock=system_clock, kdf=CheapKdf())
    if store.pin.is_set:
        store.check_pin(PIN)
    else:
        store.set_pin(PIN, length=4)
    for number in range(1_000_000):
        handle = f"{number % 20}".encode()
        credential = store.add(new(user_handle=handle, at=number))
        print("added", handle.decode(), credential.id.hex(), flush=True)
        print("count", store.next_sign_count(), flush=True)
        store.put_note("last", str(number).encode())
        print("note", number, flush=True)


if __name__ == "__main__":
    work(Path(sys.argv[1]))
