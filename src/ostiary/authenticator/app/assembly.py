"""Puts the app together from a data directory: which key store, which engine, which fingerprint reader."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from ostiary.authenticator.app.ports import AppKeys, Ctap2, Fingerprints
from ostiary.authenticator.app.prompts import PromptBoard
from ostiary.authenticator.engine import Engine
from ostiary.authenticator.keys import Protection, SealedKeyStore, TpmKeyStore
from ostiary.authenticator.keys.device_key import Keyring
from ostiary.authenticator.keys.sealing import FileKind, read_header
from ostiary.authenticator.keys.vault import KEYS_FILE
from ostiary.clock import system_clock

STORE: Final = "store"
TRANSPORTS: Final = ("internal", "nfc", "usb")
"""A browser looks for a passkey only where its authenticator said it could be reached (WebAuthn L3 §5.8.4)."""

_PROTECTIONS: Final = {
    Protection.MEMORY: "Passkeys are kept in memory, and are gone when the Authenticator ends.",
    Protection.FILE: "Passkeys are kept on this computer, sealed under your PIN.",
    Protection.KEYRING: "Passkeys are kept on this computer, sealed under your PIN and this desktop's keyring.",
    Protection.TPM: "Passkeys are made in this computer's security chip (TPM), which they never leave.",
}


class Parts(NamedTuple):
    keys: AppKeys
    protection: str
    fingerprints: Fingerprints | None


def open_parts(directory: Path, *, in_tpm: bool = False) -> Parts:
    """`in_tpm`: where a new key store keeps its keys; one that is there stays what it is. Raises `KeyStoreError`."""
    store = directory / STORE
    keys: SealedKeyStore | TpmKeyStore
    if _is_in_tpm(store, in_tpm):
        keys = TpmKeyStore.open(store, clock=system_clock)
    else:
        keys = SealedKeyStore.open(store, clock=system_clock, keyring=_keyring())
    return Parts(keys, protection_in_words(keys.protection), _fingerprints())


def make_engine(keys: AppKeys, verifier: PromptBoard) -> Ctap2:
    return Engine(keys=keys, verifier=verifier, transports=TRANSPORTS)


def protection_in_words(protection: Protection) -> str:
    return _PROTECTIONS[protection]


def _is_in_tpm(store: Path, in_tpm: bool) -> bool:
    try:
        kept = (store / KEYS_FILE).read_bytes()
    except FileNotFoundError:
        return in_tpm
    return read_header(kept, FileKind.KEYS).protection is Protection.TPM


def _keyring() -> Keyring | None:
    """None where there is no desktop session: looking for one would start it."""
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return None
    from ostiary.authenticator.keys.keyring import SecretServiceKeyring

    return SecretServiceKeyring()


def _fingerprints() -> Fingerprints | None:
    from ostiary.authenticator.app.fingerprints import find_fingerprints

    return find_fingerprints()
