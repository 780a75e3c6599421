"""The engine's CBOR: canonical form and nothing else (CTAP 2.1 §8)."""

import pytest
from fido2 import cbor as peer
from fido2.ctap import CtapError
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.authenticator.engine import cbor

integers = st.integers(-(2**64), 2**64 - 1)
scalars = st.one_of(integers, st.binary(max_size=300), st.text(max_size=300), st.booleans())
keys = st.one_of(integers, st.text(max_size=40))


def nested(depth: int) -> st.SearchStrategy[object]:
    if depth == 0:
        return scalars
    inner = nested(depth - 1)
    return st.one_of(scalars, st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=5))


@settings(max_examples=400, deadline=None)
@given(nested(cbor.MAX_DEPTH))
def test_writes_what_its_peer_writes_and_reads_it_back(value: object) -> None:
    encoded = cbor.encode(value)
    assert encoded == peer.encode(value)  # type: ignore[arg-type]
    assert cbor.decode(encoded) == value


@settings(max_examples=2000, deadline=None)
@given(st.binary(max_size=60))
def test_what_it_reads_is_canonical_and_all_else_is_refused(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except CtapError as error:
        assert error.code == CtapError.ERR.INVALID_CBOR
    else:
        assert cbor.encode(value) == data


def test_reads_from_where_it_is_told() -> None:
    assert cbor.decode(b"\x02\xa1\x01\x02", 1) == {1: 2}


def test_refuses_more_nesting_than_four_levels() -> None:
    assert cbor.decode(bytes.fromhex("8181818100")) == [[[[0]]]]
    with pytest.raises(CtapError):
        cbor.decode(bytes.fromhex("818181818100"))
    with pytest.raises(CtapError):
        cbor.decode(b"\x81" * 7000)


def test_takes_in_what_is_encoded_already() -> None:
    assert cbor.encode({1: cbor.Encoded(b"\xa1\x03\x26")}) == bytes.fromhex("a101a10326")


@pytest.mark.parametrize("value", [1.5, object(), {1: (2,)}, 2**64, bytearray(b"x")])
def test_writes_nothing_it_does_not_know(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        cbor.encode(value)
