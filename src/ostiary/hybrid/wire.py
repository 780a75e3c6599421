"""Maps of integers to values, as every structure of the protocol is one."""

import struct
from collections.abc import Mapping
from typing import Final

from fido2 import cbor

from ostiary.hybrid.errors import HybridError, HybridReason

LARGEST: Final = 1 << 20


def encode_map(values: Mapping[int, object]) -> bytes:
    """CTAP2 canonical CBOR."""
    return cbor.encode(values)


def decode_map(data: bytes, reason: HybridReason) -> dict[int, object]:
    """One map and nothing else: no trailing bytes, no key twice, no number longer than it must be. What keys nobody
    knows hold is the caller's not to look at. Raises `HybridError(reason)`."""
    if len(data) > LARGEST:
        raise HybridError(reason, f"{len(data)} bytes")
    try:
        value = cbor.decode(data)
        is_minimal = len(cbor.encode(value)) == len(data)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, struct.error) as error:
        raise HybridError(reason, type(error).__name__) from error
    if not isinstance(value, Mapping) or not is_minimal:
        raise HybridError(reason, "not one map")
    return {key: one for key, one in value.items() if isinstance(key, int) and not isinstance(key, bool)}
