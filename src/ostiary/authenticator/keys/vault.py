"""The part of a key store that opens and closes: device key, data key, PIN, and the contents as one value.

device key --HKDF--> listing key    seals the contents (AES-256-GCM), the private parts within them sealed again
           --HKDF--> counters key   seals the counters
KEK = HKDF(Argon2id(PIN hash, salt) || device key || what the key maker bound to the PIN)
KEK seals the data key; the data key seals every private key and every secret, each to its own name
"""

from dataclasses import replace
from typing import Any, Final

from ostiary.authenticator.keys.contents import Contents, PinWrap, empty
from ostiary.authenticator.keys.counters import Counters
from ostiary.authenticator.keys.device_key import FILE_PREFIX, DeviceKeyPlace
from ostiary.authenticator.keys.errors import KeyStoreDamaged, KeyStoreReason, KeyStoreUnavailable
from ostiary.authenticator.keys.files import Files
from ostiary.authenticator.keys.key_maker import KeyMaker, WrongAuthorization
from ostiary.authenticator.keys.pin_kdf import SALT_SIZE, PinKdf
from ostiary.authenticator.keys.sealing import (
    KEY_SIZE,
    STORE_ID_SIZE,
    FileKind,
    Header,
    Protection,
    derive,
    read_header,
    seal,
    seal_file,
    unseal,
    unseal_file,
)
from ostiary.authenticator.ports import Locked, PinError, Randomness

KEYS_FILE: Final = "keys"
COUNTERS_FILE: Final = "counters"
MOST_WRONG_IN_A_ROW: Final = 3
"""CTAP 2.1 §6.5.2.2: then the authenticator wants to be restarted, so that no program tries on behind one's back."""


class Vault:
    """Not safe for several threads; the store around it is."""

    def __init__(
        self,
        files: Files,
        place: DeviceKeyPlace,
        kdf: PinKdf,
        key_maker: KeyMaker,
        randomness: Randomness,
        *,
        needs_pin: bool,
    ) -> None:
        """Opens what is in `files`, or makes a new store there. Raises `KeyStoreDamaged`, `KeyStoreUnavailable`."""
        self._files, self._place, self._kdf, self._key_maker = files, place, kdf, key_maker
        self._randomness, self._needs_pin = randomness, needs_pin
        self._wrong_in_a_row = 0
        self._data_key: bytes | None = None
        self._is_begun = False
        keys = files.read(KEYS_FILE)
        if keys is None:
            if files.read(COUNTERS_FILE) is not None:
                raise KeyStoreDamaged("The key store has counters and no keys.")
            self._begin()
        else:
            self._resume(keys)
        self._forget_other_device_keys()

    # contents

    @property
    def contents(self) -> Contents:
        return self._contents

    @property
    def protection(self) -> Protection:
        return self._place.protection

    @property
    def counters(self) -> Counters:
        return self._counters

    def change(self, **changes: Any) -> None:
        """Durable when it returns; if it raises, nothing changed."""
        if self._contents.is_new:
            # From now on a store without its counters counts as damaged, and a full disk may have kept them off it.
            self._counters.save()
        self._write(replace(self._contents, is_new=False, **changes))

    # the PIN

    @property
    def is_unlocked(self) -> bool:
        return self._data_key is not None

    def set_pin(self, pin_hash: bytes, *, length: int) -> None:
        data_key = self._data_key
        if data_key is None:
            if self._contents.pin is not None:
                raise Locked
            data_key = self._randomness(KEY_SIZE)
        salt = self._randomness(SALT_SIZE)
        stretched = self._kdf(pin_hash, salt)
        share = self._randomness(KEY_SIZE)
        bound = self._key_maker.bind(share, self._authorization(stretched))
        kek = self._kek(stretched, share if bound else b"")
        wrapped = seal(kek, data_key, self._associated("data key", b""), self._randomness)
        self.change(
            pin=PinWrap(length, self._kdf.parameters, salt, bound, wrapped),
            open_wrap=None,
            configuration=self._contents.configuration._replace(must_change_pin=False),
        )
        self._data_key = data_key
        self._counters.clear_tries()
        self._wrong_in_a_row = 0

    def check_pin(self, pin_hash: bytes) -> None:
        wrap = self._contents.pin
        if wrap is None:
            raise Locked
        if self._counters.retries == 0:
            raise PinError(0)
        if self._wrong_in_a_row >= MOST_WRONG_IN_A_ROW:
            raise PinError(self._counters.retries, needs_restart=True)
        self._counters.count_try()
        data_key = self._judge(wrap, pin_hash)
        if data_key is None:
            self._wrong_in_a_row += 1
            left = self._counters.retries
            if left == 0:
                self.lock()
            raise PinError(left, needs_restart=left > 0 and self._wrong_in_a_row >= MOST_WRONG_IN_A_ROW)
        self._counters.clear_tries()
        self._wrong_in_a_row = 0
        self._data_key = data_key

    def lock(self) -> None:
        """Nothing happens to a store without a PIN: it could not be unlocked again."""
        if self._contents.pin is not None:
            self._data_key = None

    def wipe(self) -> None:
        """Makes a new store in the place of this one, under another device key; the old one is then gone, and with it
        what is left of the old contents between the files of the disk."""
        old = self._header
        self._data_key = None
        self._begin()
        self._wrong_in_a_row = 0
        self._place.delete(old.store_id)

    # secrets

    def seal(self, kind: str, name: bytes, secret: bytes) -> bytes:
        """Raises `Locked`."""
        return seal(self._unlocked(), secret, self._associated(kind, name), self._randomness)

    def unseal(self, kind: str, name: bytes, sealed: bytes) -> bytes:
        """Raises `Locked` or `KeyStoreDamaged`."""
        secret = unseal(self._unlocked(), sealed, self._associated(kind, name))
        if secret is None:
            raise KeyStoreDamaged(f"A {kind} in the key store was sealed for something else.")
        return secret

    def key_authorization(self, name: bytes) -> bytes:
        """What a key maker that keeps keys itself asks for: nobody has it while the store is locked."""
        purpose = "key authorization " + name.hex()
        return derive(self._unlocked(), store_id=self._header.store_id, purpose=purpose)

    # inside

    def _begin(self) -> None:
        header = Header(FileKind.KEYS, self._place.protection, self._randomness(STORE_ID_SIZE))
        device_key = self._randomness(KEY_SIZE)
        self._place.put(header.store_id, device_key)
        before = (self._header, self._device_key) if self._is_begun else None
        self._use(header, device_key)
        data_key = None if self._needs_pin else self._randomness(KEY_SIZE)
        open_wrap = None
        if data_key is not None:
            open_wrap = seal(self._kek(b"", b""), data_key, self._associated("data key", b""), self._randomness)
        try:
            self._write(empty(open_wrap))
        except BaseException:
            if before is not None:
                self._use(*before)
            raise
        self._counters = Counters(self._write_counters, None)
        self._data_key = data_key
        self._counters.save()

    def _resume(self, keys: bytes) -> None:
        header = read_header(keys, FileKind.KEYS)
        if header.protection is not self._place.protection:
            raise KeyStoreDamaged("The key store was changed: its device key is in another place than it says.")
        self._use(header, self._place.get(header.store_id))
        self._contents = Contents.decode(unseal_file(header, self._listing_key, keys))
        self._counters = Counters(self._write_counters, self._read_counters())
        if self._contents.open_wrap is not None:
            wrapped, associated = self._contents.open_wrap, self._associated("data key", b"")
            self._data_key = unseal(self._kek(b"", b""), wrapped, associated)

    def _read_counters(self) -> bytes | None:
        counters = self._files.read(COUNTERS_FILE)
        try:
            if counters is None:
                raise KeyStoreDamaged("The counters of the key store are missing.")
            return unseal_file(self._counters_header, self._counters_key, counters)
        except KeyStoreDamaged:
            if not self._contents.is_new:
                raise
            # A crash came after the keys of a new store and before its counters. There is no PIN yet to try.
            return None

    def _use(self, header: Header, device_key: bytes) -> None:
        self._header, self._device_key = header, device_key
        self._counters_header = header._replace(kind=FileKind.COUNTERS)
        self._listing_key = derive(device_key, store_id=header.store_id, purpose="listing")
        self._counters_key = derive(device_key, store_id=header.store_id, purpose="counters")
        self._is_begun = True

    def _forget_other_device_keys(self) -> None:
        """Those of stores that a crash kept from beginning, or from being forgotten."""
        for name in self._files.names():
            if name.startswith(FILE_PREFIX) and name != FILE_PREFIX + self._header.store_id.hex():
                self._files.delete(name)

    def _judge(self, wrap: PinWrap, pin_hash: bytes) -> bytes | None:
        stretched = self._kdf.with_parameters(wrap.kdf_parameters)(pin_hash, wrap.salt)
        share = b""
        if wrap.bound:
            try:
                share = self._key_maker.unbind(wrap.bound, self._authorization(stretched))
            except WrongAuthorization:
                return None
            except KeyStoreUnavailable as error:
                # The TPM said so before it looked at the PIN. Any other failure may have come after it did.
                if error.reason is KeyStoreReason.TPM_LOCKED_OUT:
                    self._counters.forgive_try()
                raise
        return unseal(self._kek(stretched, share), wrap.wrapped, self._associated("data key", b""))

    def _authorization(self, stretched: bytes) -> bytes:
        return derive(stretched + self._device_key, store_id=self._header.store_id, purpose="PIN authorization")

    def _kek(self, stretched: bytes, share: bytes) -> bytes:
        return derive(stretched + self._device_key + share, store_id=self._header.store_id, purpose="data key")

    def _associated(self, kind: str, name: bytes) -> bytes:
        return self._header.store_id + kind.encode() + b"\0" + name

    def require_unlocked(self) -> None:
        """Raises `Locked`."""
        self._unlocked()

    def _unlocked(self) -> bytes:
        if self._data_key is None:
            raise Locked
        return self._data_key

    def _write(self, contents: Contents) -> None:
        self._files.write(KEYS_FILE, seal_file(self._header, self._listing_key, contents.encode(), self._randomness))
        self._contents = contents

    def _write_counters(self, encoded: bytes) -> None:
        sealed = seal_file(self._counters_header, self._counters_key, encoded, self._randomness)
        self._files.write(COUNTERS_FILE, sealed)
