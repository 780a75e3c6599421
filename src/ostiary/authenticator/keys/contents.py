"""What a key store remembers, and its form in CBOR. Immutable: a change is another value, written before it counts.

What is `sealed` in here is so under the data key, and stays so in memory until it is used. All the rest is readable
with the device key alone, which is to say, without the PIN.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple, Self

from fido2 import cbor

from ostiary.authenticator.keys.errors import KeyStoreDamaged
from ostiary.authenticator.ports import AttestationIdentity, Configuration, Credential

NO_LARGE_BLOBS: Final = bytes.fromhex("8076be8b528d0075f7aae98d6fa57a6d3c")
"""The initial serialized large-blob array (CTAP 2.1 §6.10.2): an empty array and the start of its SHA-256."""

_LENGTH_SIZE: Final = 4
_CREDENTIAL_FIELDS: Final = tuple(field.name for field in fields(Credential))


class PinWrap(NamedTuple):
    """The data key under a PIN. `bound`: see `KeyMaker.bind`; `length` of the PIN in code points."""

    length: int
    kdf_parameters: tuple[int, ...]
    salt: bytes
    bound: bytes
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """A credential and, sealed, its private key and its CredRandoms."""

    credential: Credential
    sealed: bytes
    encoded: bytes  # so that a change to one costs nothing for the others

    @classmethod
    def of(cls, credential: Credential, sealed: bytes) -> Self:
        values = ((name, getattr(credential, name)) for name in _CREDENTIAL_FIELDS)
        present = {name: value for name, value in values if value is not None}
        return cls(credential, sealed, cbor.encode([sealed, present]))

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        sealed, present = _decoded(encoded)
        return cls(Credential(**present), sealed, encoded)


class NamedKey(NamedTuple):
    """A key of the app's. `public_key`: SubjectPublicKeyInfo, DER."""

    sealed: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """`is_new`: nothing was kept since the store was made, so that it may lack its counters: a crash came between the
    two files. `open_wrap`: the data key of a store that needs no PIN."""

    is_new: bool
    records: Mapping[bytes, Record]
    pin: PinWrap | None = None
    open_wrap: bytes | None = None
    configuration: Configuration
    identities: tuple[AttestationIdentity, ...] = ()
    large_blobs: bytes = NO_LARGE_BLOBS
    notes: Mapping[str, bytes]
    secrets: Mapping[str, bytes]
    keys: Mapping[str, NamedKey]

    def encode(self) -> bytes:
        rest = cbor.encode(
            {
                "is_new": self.is_new,
                "pin": [] if self.pin is None else list(self.pin),
                "open_wrap": self.open_wrap or b"",
                "configuration": [
                    self.configuration.always_uv,
                    self.configuration.minimum_pin_length,
                    list(self.configuration.minimum_pin_length_rp_ids),
                    self.configuration.must_change_pin,
                ],
                "identities": [
                    [sorted(identity.rp_ids), list(identity.certificates), identity.private_key_handle]
                    for identity in self.identities
                ],
                "large_blobs": self.large_blobs,
                "notes": dict(self.notes),
                "secrets": dict(self.secrets),
                "keys": {name: list(key) for name, key in self.keys.items()},
            }
        )
        return _joined([rest, *(record.encoded for record in self.records.values())])

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Raises `KeyStoreDamaged`, which needs a fault of ours: whoever could seal this had the device key."""
        try:
            rest, *encoded_records = _parted(encoded)
            found = _decoded(rest)
            records = [Record.decode(record) for record in encoded_records]
            always_uv, minimum, rp_ids, must_change = found["configuration"]
            pin = found["pin"]
            return cls(
                is_new=found["is_new"],
                records={record.credential.id: record for record in records},
                pin=PinWrap(pin[0], tuple(pin[1]), *pin[2:]) if pin else None,
                open_wrap=found["open_wrap"] or None,
                configuration=Configuration(always_uv, minimum, tuple(rp_ids), must_change),
                identities=tuple(
                    AttestationIdentity(frozenset(names), tuple(certificates), handle)
                    for names, certificates, handle in found["identities"]
                ),
                large_blobs=found["large_blobs"],
                notes=found["notes"],
                secrets=found["secrets"],
                keys={name: NamedKey(*key) for name, key in found["keys"].items()},
            )
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise KeyStoreDamaged("The key store's contents have another form than they should.") from error


def empty(open_wrap: bytes | None) -> Contents:
    return Contents(
        is_new=True, records={}, open_wrap=open_wrap, configuration=Configuration(), notes={}, secrets={}, keys={}
    )


def _joined(parts: Iterable[bytes]) -> bytes:
    """One after the other, each with its length before it; CBOR's decoder copies what is left at every element, which
    a thousand records would feel."""
    return b"".join(len(part).to_bytes(_LENGTH_SIZE, "big") + part for part in parts)


def _parted(joined: bytes) -> list[bytes]:
    parts, at = [], 0
    while at < len(joined):
        start = at + _LENGTH_SIZE
        at = start + int.from_bytes(joined[at:start], "big")
        parts.append(joined[start:at])
    if at != len(joined):
        raise ValueError("cut short")
    return parts


def _decoded(encoded: bytes) -> Any:
    return cbor.decode(encoded)
