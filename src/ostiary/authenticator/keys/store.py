"""The key store: `ports.KeyStore` and `ports.SecretBox` over a vault, whatever its files, its keyring and its keys.

What signing asks of it (credentials of a relying party, one by its id, a signer, the next count) is answered from
memory; while unlocked, loaded private keys are kept, and dropped when it locks.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from ostiary.authenticator.keys.box import Box
from ostiary.authenticator.keys.contents import NO_LARGE_BLOBS, Record
from ostiary.authenticator.keys.device_key import DeviceKeyPlace
from ostiary.authenticator.keys.files import Files
from ostiary.authenticator.keys.key_maker import KeyMaker, Signer, cose_key
from ostiary.authenticator.keys.pin_kdf import PinKdf
from ostiary.authenticator.keys.sealing import Protection
from ostiary.authenticator.keys.vault import Vault
from ostiary.authenticator.ports import (
    Clock,
    Configuration,
    Credential,
    Full,
    NewCredential,
    PinError,
    PinState,
    Randomness,
)

MOST_CREDENTIALS: Final = 1000
LAST_USE_WITHIN: Final = 60_000
"""How long, in milliseconds, a store may keep to itself when a credential was used."""

_CHANGEABLE: Final = ("rp_name", "user_name", "user_display_name", "cred_blob", "large_blob_key")
_CREDENTIAL: Final = "credential"
_CREDENTIAL_ID_SIZE: Final = 32
_CRED_RANDOM_SIZE: Final = 32
_LARGE_BLOB_KEY_SIZE: Final = 32


class VaultKeyStore(Box):
    """What is made by `SealedKeyStore.open`, `TpmKeyStore.open` and, for tests, `memory_key_store`."""

    def __init__(
        self,
        files: Files,
        place: DeviceKeyPlace,
        *,
        key_maker: KeyMaker,
        kdf: PinKdf,
        clock: Clock,
        needs_pin: bool = True,
        most_credentials: int = MOST_CREDENTIALS,
        randomness: Randomness = os.urandom,
    ) -> None:
        super().__init__(Vault(files, place, kdf, key_maker, randomness, needs_pin=needs_pin), key_maker)
        self._files, self._clock, self._randomness = files, clock, randomness
        self._most_credentials = most_credentials
        self._signers: dict[bytes, Signer] = {}
        self._used: dict[bytes, Credential] = {}
        self._used_since = 0
        self._is_closed = False
        self._index()

    def close(self) -> None:
        """Writes what is still to be written, forgets every key, and lets another process have the files."""
        with self._mutex:
            if self._is_closed:
                return
            self._is_closed = True
            try:
                self.lock()
                self._vault.counters.give_back()
            finally:
                self._drop_signers()
                self._key_maker.close()
                self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def aaguid(self) -> bytes:
        return self._key_maker.aaguid

    @property
    def algorithms(self) -> Sequence[int]:
        return self._key_maker.algorithms

    @property
    def protection(self) -> Protection:
        """Where the device key is; the app says so."""
        return self._vault.protection

    # the PIN

    @property
    def pin(self) -> PinState:
        with self._mutex:
            wrap, configuration = self._vault.contents.pin, self._vault.contents.configuration
            minimum = configuration.minimum_pin_length
            # CTAP 2.1 §6.11.4: a PIN shorter than is asked for by now must be changed.
            must_change = wrap is not None and (configuration.must_change_pin or wrap.length < minimum)
            return PinState(wrap is not None, self._vault.counters.retries, minimum, must_change)

    @property
    def is_unlocked(self) -> bool:
        return self._vault.is_unlocked

    def set_pin(self, pin_hash: bytes, *, length: int) -> None:
        with self._mutex:
            if length < self._vault.contents.configuration.minimum_pin_length:
                raise ValueError("The PIN is shorter than allowed.")
            self._vault.set_pin(pin_hash, length=length)

    def check_pin(self, pin_hash: bytes) -> None:
        with self._mutex:
            try:
                self._vault.check_pin(pin_hash)
            except PinError:
                if not self._vault.is_unlocked:
                    self._drop_signers()
                raise

    def lock(self) -> None:
        with self._mutex:
            try:
                self.flush()
            finally:  # a full disk keeps nothing open
                self._vault.lock()
                if not self._vault.is_unlocked:
                    self._drop_signers()

    # credentials

    def credentials(self, rp_id: str | None = None) -> Sequence[Credential]:
        if rp_id is not None:
            return self._by_rp.get(rp_id, ())
        with self._mutex:
            return _newest_first(self._by_id.values())

    def find(self, credential_id: bytes) -> Credential | None:
        return self._by_id.get(credential_id)

    def add(self, new: NewCredential) -> Credential:
        with self._mutex:
            credential_id = self._randomness(_CREDENTIAL_ID_SIZE)
            authorization = self._vault.key_authorization(credential_id)
            records = self._records()
            if new.is_discoverable:
                for other in self._by_rp.get(new.rp_id, ()):
                    if other.user_handle == new.user_handle and other.is_discoverable:
                        del records[other.id]
            if len(records) >= self._most_credentials:
                raise Full
            made = self._key_maker.make(new.algorithm, authorization)
            secret = self._randomness(2 * _CRED_RANDOM_SIZE) + made.blob
            values = new._asdict()
            has_large_blob_key = values.pop("has_large_blob_key")
            credential = Credential(
                id=credential_id,
                public_key=cose_key(made.public_key, new.algorithm),
                large_blob_key=self._randomness(_LARGE_BLOB_KEY_SIZE) if has_large_blob_key else None,
                **values,
            )
            sealed = self._vault.seal(_CREDENTIAL, credential_id, secret)
            self._keep(records | {credential_id: Record.of(credential, sealed)})
            return credential

    def update(self, credential: Credential) -> None:
        with self._mutex:
            kept = self._by_id.get(credential.id)
            if kept is None:
                return
            if all(getattr(kept, name) == getattr(credential, name) for name in _CHANGEABLE):
                if kept.last_used_at != credential.last_used_at:
                    self._note_use(replace(kept, last_used_at=credential.last_used_at))
                return
            changes = {name: getattr(credential, name) for name in _CHANGEABLE}
            changed = replace(kept, last_used_at=credential.last_used_at, **changes)
            sealed = self._vault.contents.records[credential.id].sealed
            self._keep(self._records() | {credential.id: Record.of(changed, sealed)})

    def delete(self, credential_id: bytes) -> None:
        with self._mutex:
            records = self._records()
            if records.pop(credential_id, None) is not None:
                self._keep(records)

    @property
    def remaining(self) -> int:
        return max(0, self._most_credentials - len(self._by_id))

    # what keys do

    def sign(self, credential_id: bytes, message: bytes) -> bytes:
        sign = self._signers.get(credential_id)
        if sign is None:
            with self._mutex:
                authorization = self._vault.key_authorization(credential_id)
                blob = self._secret(credential_id)[2 * _CRED_RANDOM_SIZE :]
                algorithm = self._by_id[credential_id].algorithm
                sign = self._signers[credential_id] = self._key_maker.load(algorithm, blob, authorization)
        return sign(message)

    def next_sign_count(self) -> int:
        with self._mutex:
            return self._vault.counters.next_sign_count()

    def hmac_secret(self, credential_id: bytes, *, is_verified: bool) -> bytes:
        with self._mutex:
            self._vault.require_unlocked()
            start = _CRED_RANDOM_SIZE if is_verified else 0
            return self._secret(credential_id)[start : start + _CRED_RANDOM_SIZE]

    # the rest

    @property
    def configuration(self) -> Configuration:
        return self._vault.contents.configuration

    def configure(self, configuration: Configuration) -> None:
        with self._mutex:
            self._vault.change(configuration=configuration)

    @property
    def large_blobs(self) -> bytes:
        return self._vault.contents.large_blobs

    def keep_large_blobs(self, array: bytes) -> None:
        with self._mutex:
            self._vault.change(large_blobs=array or NO_LARGE_BLOBS)

    def wipe(self) -> None:
        with self._mutex:
            try:
                self._vault.wipe()
            finally:  # whatever came of it, it is locked, and the index says what is there
                self._used.clear()
                self._drop_signers()
                self._index()

    def flush(self) -> None:
        """Writes when credentials were used, if that is not written yet."""
        with self._mutex:
            if self._used:
                self._keep(self._records())

    # inside

    def _records(self) -> dict[bytes, Record]:
        records = dict(self._vault.contents.records)
        for name, credential in self._used.items():
            records[name] = Record.of(credential, records[name].sealed)
        return records

    def _keep(self, records: dict[bytes, Record]) -> None:
        self._vault.change(records=records)
        self._used.clear()
        for gone in self._signers.keys() - records.keys():
            del self._signers[gone]
        self._index()

    def _note_use(self, credential: Credential) -> None:
        if not self._used:
            self._used_since = self._clock()
        self._used[credential.id] = credential
        self._by_id[credential.id] = credential
        of_rp = self._by_rp[credential.rp_id]
        self._by_rp[credential.rp_id] = tuple(credential if one.id == credential.id else one for one in of_rp)
        if not 0 <= self._clock() - self._used_since < LAST_USE_WITHIN:
            self.flush()

    def _index(self) -> None:
        by_id = {name: record.credential for name, record in self._vault.contents.records.items()}
        by_rp: dict[str, list[Credential]] = {}
        for credential in by_id.values():
            by_rp.setdefault(credential.rp_id, []).append(credential)
        self._by_id = by_id
        self._by_rp = {rp_id: _newest_first(found) for rp_id, found in by_rp.items()}

    def _secret(self, credential_id: bytes) -> bytes:
        sealed = self._vault.contents.records[credential_id].sealed
        return self._vault.unseal(_CREDENTIAL, credential_id, sealed)

    def _drop_signers(self) -> None:
        self._signers.clear()
        self._named_signers.clear()


def _newest_first(credentials: Iterable[Credential]) -> tuple[Credential, ...]:
    """Those made in the same millisecond, or after a clock went back: the one added last first."""
    latest_added_first = reversed(list(credentials))
    return tuple(sorted(latest_added_first, key=lambda credential: credential.created_at, reverse=True))
