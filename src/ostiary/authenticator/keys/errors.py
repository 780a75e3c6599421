"""What can be wrong with a key store as a whole, in words for the person whose keys it holds.

    KeyStoreError             reason, message, next_step
      KeyStoreDamaged         what is on the disk is not what was written
      KeyStoreInUse           another process has it open
      KeyStoreUnavailable     something it needs is not there: the keyring, the TPM, room on the disk

A wrong PIN is none of these: `ports.PinError`.
"""

from enum import StrEnum


class KeyStoreReason(StrEnum):
    DAMAGED = "key_store_damaged"
    IN_USE = "key_store_in_use"
    NEWER_VERSION = "key_store_newer_version"
    NOT_PRIVATE = "key_store_not_private"
    NOT_WRITABLE = "key_store_not_writable"
    OTHER_KIND = "key_store_other_kind"
    KEYRING_UNAVAILABLE = "keyring_unavailable"
    KEYRING_ITEM_MISSING = "keyring_item_missing"
    TPM_LIBRARY_MISSING = "tpm_library_missing"
    TPM_UNAVAILABLE = "tpm_unavailable"
    TPM_OTHER = "tpm_other"
    TPM_LOCKED_OUT = "tpm_locked_out"


class KeyStoreError(Exception):
    """`next_step` is a sentence for the person; `reason` is stable."""

    def __init__(self, reason: KeyStoreReason, message: str, *, next_step: str) -> None:
        super().__init__(f"{message} {next_step}")
        self.reason = reason
        self.message = message
        self.next_step = next_step


class KeyStoreDamaged(KeyStoreError):
    def __init__(self, message: str) -> None:
        super().__init__(
            KeyStoreReason.DAMAGED,
            message,
            next_step="Restore the directory from a backup of this computer, all of its files together; or delete it, "
            "start anew, and register new passkeys.",
        )


class KeyStoreInUse(KeyStoreError):
    def __init__(self, where: str) -> None:
        super().__init__(
            KeyStoreReason.IN_USE,
            f"Another process has the key store {where} open.",
            next_step="Close the other Authenticator, or use that one.",
        )


class KeyStoreUnavailable(KeyStoreError):
    pass
