"""The device key: what a copy of the store's files lacks. It opens the listing, and without it no PIN can be tried.

It lives in the operating system's keyring, sealed in a TPM, or, where there is neither, in a file beside the others.
It is named after the store, so that a store made anew gets another one before it has the old one's place.
"""

from typing import Final, Protocol

from ostiary.authenticator.keys.errors import KeyStoreDamaged, KeyStoreReason, KeyStoreUnavailable
from ostiary.authenticator.keys.files import Files
from ostiary.authenticator.keys.sealing import KEY_SIZE, Protection

FILE_PREFIX: Final = "device-key-"


class Keyring(Protocol):
    """The operating system's. Every call may raise `KeyStoreUnavailable`, and none waits without end."""

    @property
    def is_available(self) -> bool:
        """Whether it is there and takes secrets now. Never raises."""
        ...

    def get(self, name: str) -> bytes | None: ...

    def put(self, name: str, secret: bytes) -> None: ...

    def delete(self, name: str) -> None: ...


class DeviceKeyPlace(Protocol):
    @property
    def protection(self) -> Protection: ...

    def get(self, store_id: bytes) -> bytes:
        """Raises `KeyStoreDamaged` or `KeyStoreUnavailable`."""
        ...

    def put(self, store_id: bytes, key: bytes) -> None: ...

    def delete(self, store_id: bytes) -> None: ...


class FilePlace:
    def __init__(self, files: Files, protection: Protection = Protection.FILE) -> None:
        self.protection = protection
        self._files = files

    def get(self, store_id: bytes) -> bytes:
        key = self._files.read(FILE_PREFIX + store_id.hex())
        if key is None or len(key) != KEY_SIZE:
            raise KeyStoreDamaged("The device key of the key store is missing or cut short.")
        return key

    def put(self, store_id: bytes, key: bytes) -> None:
        self._files.write(FILE_PREFIX + store_id.hex(), key)

    def delete(self, store_id: bytes) -> None:
        self._files.delete(FILE_PREFIX + store_id.hex())


class KeyringPlace:
    protection = Protection.KEYRING

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def get(self, store_id: bytes) -> bytes:
        key = self._keyring.get(store_id.hex())
        if key is None or len(key) != KEY_SIZE:
            raise KeyStoreUnavailable(
                KeyStoreReason.KEYRING_ITEM_MISSING,
                "The keyring does not have the device key of this key store.",
                next_step="Sign in to the desktop as the user who made it, with that user's keyring; or restore the "
                "keyring from a backup. Without it, delete the key store and register new passkeys.",
            )
        return key

    def put(self, store_id: bytes, key: bytes) -> None:
        """Asks for it again at once: what a keyring did not really keep would lose every passkey."""
        self._keyring.put(store_id.hex(), key)
        if self._keyring.get(store_id.hex()) != key:
            raise KeyStoreUnavailable(
                KeyStoreReason.KEYRING_UNAVAILABLE,
                "The keyring did not keep what it was given.",
                next_step="Look whether the keyring works, for example with Passwords and Keys.",
            )

    def delete(self, store_id: bytes) -> None:
        self._keyring.delete(store_id.hex())
