"""A key store whose keys are made in a TPM, in the sealed store's own files."""

from pathlib import Path
from typing import Self

from ostiary.authenticator.keys.device_key import FILE_PREFIX
from ostiary.authenticator.keys.errors import KeyStoreDamaged, KeyStoreReason, KeyStoreUnavailable
from ostiary.authenticator.keys.files import Files, PrivateDirectory
from ostiary.authenticator.keys.key_maker import WrongAuthorization
from ostiary.authenticator.keys.pin_kdf import Argon2id, PinKdf
from ostiary.authenticator.keys.sealing import KEY_SIZE, FileKind, Protection, read_header
from ostiary.authenticator.keys.store import MOST_CREDENTIALS, VaultKeyStore
from ostiary.authenticator.keys.tpm import DEFAULT_TCTI, TpmKeys
from ostiary.authenticator.keys.vault import KEYS_FILE
from ostiary.authenticator.ports import Clock


class TpmPlace:
    """The device key in a file that only this TPM opens."""

    protection = Protection.TPM

    def __init__(self, files: Files, tpm: TpmKeys) -> None:
        self._files, self._tpm = files, tpm

    def get(self, store_id: bytes) -> bytes:
        sealed = self._files.read(FILE_PREFIX + store_id.hex())
        if sealed is None:
            raise KeyStoreDamaged("The device key of the key store is missing.")
        try:
            key = self._tpm.unseal(sealed)
        except WrongAuthorization as error:
            raise KeyStoreDamaged("The device key of the key store was changed.") from error
        if len(key) != KEY_SIZE:
            raise KeyStoreDamaged("The device key of the key store was changed.")
        return key

    def put(self, store_id: bytes, key: bytes) -> None:
        self._files.write(FILE_PREFIX + store_id.hex(), self._tpm.seal(key))

    def delete(self, store_id: bytes) -> None:
        self._files.delete(FILE_PREFIX + store_id.hex())


class TpmKeyStore(VaultKeyStore):
    """Like a sealed store, but for where keys are: ES256 alone, another AAGUID, and a PIN whose tries the TPM counts as
    well, whatever is done to the files."""

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        clock: Clock,
        tcti: str = DEFAULT_TCTI,
        kdf: PinKdf | None = None,
        most_credentials: int = MOST_CREDENTIALS,
    ) -> Self:
        """The store in this directory, which is made when there is none.

        Raises `KeyStoreDamaged`, `KeyStoreInUse` or `KeyStoreUnavailable`.
        """
        files = PrivateDirectory(directory)
        try:
            keys = files.read(KEYS_FILE)
            if keys is not None and read_header(keys, FileKind.KEYS).protection is not Protection.TPM:
                raise KeyStoreUnavailable(
                    KeyStoreReason.OTHER_KIND,
                    "This key store was not made in a TPM, and its keys cannot be moved into one.",
                    next_step="Open it as a sealed file, or use another directory.",
                )
            tpm = TpmKeys(tcti)
            try:
                return cls(
                    files,
                    TpmPlace(files, tpm),
                    key_maker=tpm,
                    kdf=kdf or Argon2id(),
                    clock=clock,
                    most_credentials=most_credentials,
                )
            except BaseException:
                tpm.close()
                raise
        except BaseException:
            files.close()
            raise
