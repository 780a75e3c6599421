"""How a PIN is made expensive to guess (RFC 9106)."""

from dataclasses import dataclass
from typing import Final, Protocol

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ostiary.authenticator.keys.errors import KeyStoreDamaged

SALT_SIZE: Final = 16
_LEAST_MEMORY_KIB: Final = 19 * 1024
_MOST_MEMORY_KIB: Final = 1024 * 1024
_MOST_PASSES: Final = 16


class PinKdf(Protocol):
    @property
    def parameters(self) -> tuple[int, ...]:
        """Kept beside what was derived, so that a later version may ask for more of the next PIN."""
        ...

    def with_parameters(self, parameters: tuple[int, ...]) -> "PinKdf": ...

    def __call__(self, pin_hash: bytes, salt: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2id:
    """Some 0.1 s and 32 MiB, above OWASP's least (19 MiB, two passes); one lane, for the app has little else to do and
    the person waits. More memory would not fit the app's own 80 MB, and four digits are guessed whatever one takes:
    what really holds is the device key."""

    passes: int = 3
    memory_kib: int = 32 * 1024

    @property
    def parameters(self) -> tuple[int, ...]:
        return self.passes, self.memory_kib

    def with_parameters(self, parameters: tuple[int, ...]) -> "Argon2id":
        match parameters:
            case (passes, memory) if 2 <= passes <= _MOST_PASSES and _LEAST_MEMORY_KIB <= memory <= _MOST_MEMORY_KIB:
                return Argon2id(passes=passes, memory_kib=memory)
        raise KeyStoreDamaged("The key store asks for a weaker protection of the PIN than there ever was.")

    def __call__(self, pin_hash: bytes, salt: bytes) -> bytes:
        return hash_secret_raw(
            pin_hash, salt, time_cost=self.passes, memory_cost=self.memory_kib, parallelism=1, hash_len=32, type=Type.ID
        )


class CheapKdf:
    """For tests, where nothing is worth guessing and a tenth of a second is long."""

    @property
    def parameters(self) -> tuple[int, ...]:
        return ()

    def with_parameters(self, parameters: tuple[int, ...]) -> "CheapKdf":
        if parameters:
            raise KeyStoreDamaged("The key store was not made for tests.")
        return self

    def __call__(self, pin_hash: bytes, salt: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt=salt, info=b"cheap").derive(pin_hash)
