"""Where keys live: sealed files, a TPM, or memory for tests; one store for `ports.KeyStore` and `ports.SecretBox`."""

from ostiary.authenticator.keys.errors import (
    KeyStoreDamaged,
    KeyStoreError,
    KeyStoreInUse,
    KeyStoreReason,
    KeyStoreUnavailable,
)
from ostiary.authenticator.keys.keyring import SecretServiceKeyring
from ostiary.authenticator.keys.memory import memory_key_store
from ostiary.authenticator.keys.pin import pin_hash
from ostiary.authenticator.keys.sealed_store import SealedKeyStore
from ostiary.authenticator.keys.sealing import Protection
from ostiary.authenticator.keys.store import VaultKeyStore
from ostiary.authenticator.keys.tpm_store import TpmKeyStore

__all__ = [
    "KeyStoreDamaged",
    "KeyStoreError",
    "KeyStoreInUse",
    "KeyStoreReason",
    "KeyStoreUnavailable",
    "Protection",
    "SealedKeyStore",
    "SecretServiceKeyring",
    "TpmKeyStore",
    "VaultKeyStore",
    "memory_key_store",
    "pin_hash",
]
