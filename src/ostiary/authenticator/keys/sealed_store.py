"""The default key store: sealed files, and the operating system's keyring where there is one."""

from pathlib import Path
from typing import Self

from ostiary.authenticator.keys.device_key import DeviceKeyPlace, FilePlace, Keyring, KeyringPlace
from ostiary.authenticator.keys.errors import KeyStoreReason, KeyStoreUnavailable
from ostiary.authenticator.keys.files import Files, PrivateDirectory
from ostiary.authenticator.keys.key_maker import SoftwareKeys
from ostiary.authenticator.keys.pin_kdf import Argon2id, PinKdf
from ostiary.authenticator.keys.sealing import FileKind, Protection, read_header
from ostiary.authenticator.keys.store import MOST_CREDENTIALS, VaultKeyStore
from ostiary.authenticator.keys.vault import KEYS_FILE
from ostiary.authenticator.ports import Clock


class SealedKeyStore(VaultKeyStore):
    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        clock: Clock,
        keyring: Keyring | None = None,
        kdf: PinKdf | None = None,
        most_credentials: int = MOST_CREDENTIALS,
    ) -> Self:
        """The store in this directory, which is made when there is none. A new one keeps its device key in the keyring
        if that takes it, and then always needs that keyring; else in a file.

        Raises `KeyStoreDamaged`, `KeyStoreInUse` or `KeyStoreUnavailable`.
        """
        files = PrivateDirectory(directory)
        try:
            return cls(
                files,
                _place(files, keyring),
                key_maker=SoftwareKeys(),
                kdf=kdf or Argon2id(),
                clock=clock,
                most_credentials=most_credentials,
            )
        except BaseException:
            files.close()
            raise


def _place(files: Files, keyring: Keyring | None) -> DeviceKeyPlace:
    """Where the device key of this store is, or may be."""
    keys = files.read(KEYS_FILE)
    if keys is None:
        return KeyringPlace(keyring) if keyring is not None and keyring.is_available else FilePlace(files)
    match read_header(keys, FileKind.KEYS).protection:
        case Protection.FILE:
            return FilePlace(files)
        case Protection.KEYRING if keyring is not None:
            return KeyringPlace(keyring)
        case Protection.KEYRING:
            raise KeyStoreUnavailable(
                KeyStoreReason.KEYRING_UNAVAILABLE,
                "The device key of this key store is in a keyring.",
                next_step="Open it in the desktop session whose keyring has it.",
            )
        case protection:
            raise KeyStoreUnavailable(
                KeyStoreReason.OTHER_KIND,
                f"This is a key store of another kind ({protection.name}).",
                next_step="Open it as that kind, or use another directory.",
            )
