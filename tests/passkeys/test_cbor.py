"""CBOR: what is read, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.passkeys import CeremonyError, CeremonyReason, cbor
from tests.passkeys.ceremonies import refuses

INTEGERS = st.integers(min_value=-(2**64), max_value=2**64 - 1)
SCALARS = INTEGERS | st.binary(max_size=300) | st.text(max_size=40) | st.booleans() | st.none()
VALUES = st.recursive(
    SCALARS,
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(INTEGERS | st.text(max_size=5), children, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_round_trip(value: Any) -> None:
    try:
        decoded = cbor.decode(cbor.encode(value))
    except CeremonyError as error:
        assert "deep" in error.detail
    else:
        assert decoded == value
        assert cbor.encode(decoded) == cbor.encode(value)


@given(st.binary(max_size=64))
def test_arbitrary_bytes_are_read_or_refused_as_malformed(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except CeremonyError as error:
        assert error.reason is CeremonyReason.MALFORMED_CBOR
    else:
        # Whatever is accepted is spelled in the only way there is, but for the order of keys.
        assert len(cbor.encode(value)) == len(data)


@given(VALUES, st.data())
def test_a_prefix_is_never_a_message(value: Any, data: st.DataObject) -> None:
    encoded = cbor.encode(value)
    length = data.draw(st.integers(min_value=0, max_value=len(encoded) - 1))
    with refuses(CeremonyReason.MALFORMED_CBOR):
        cbor.decode(encoded[:length])


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        ("00", 0),
        ("1817", None),
        ("1818", 24),
        ("1903e8", 1000),
        ("1bffffffffffffffff", 2**64 - 1),
        ("3bffffffffffffffff", -(2**64)),
        ("4401020304", b"\x01\x02\x03\x04"),
        ("62c3bc", "ü"),
        ("83010203", [1, 2, 3]),
        ("a201020326", {1: 2, 3: -7}),
        ("a2616101616202", {"a": 1, "b": 2}),
        ("f4", False),
        ("f5", True),
    ],
)
def test_reads(encoded: str, value: object) -> None:
    if value is None:
        with refuses(CeremonyReason.MALFORMED_CBOR):
            cbor.decode(bytes.fromhex(encoded))
    else:
        assert cbor.decode(bytes.fromhex(encoded)) == value


WRONG = {
    "nothing": "",
    "trailing_byte": "0000",
    "integer_of_one_byte_too_many": "1800",
    "integer_of_two_bytes_for_one": "1900ff",
    "integer_of_four_bytes_for_two": "1a0000ffff",
    "integer_of_eight_bytes_for_four": "1b00000000ffffffff",
    "length_of_one_byte_too_many": "580100",
    "reserved_additional_information": "1c",
    "indefinite_bytes": "5f4100ff",
    "indefinite_text": "7f6161ff",
    "indefinite_array": "9f00ff",
    "indefinite_map": "bf0000ff",
    "break": "ff",
    "tag": "c000",
    "bignum": "c24100",
    "half_float": "f93c00",
    "float": "fa3f800000",
    "double": "fb3ff0000000000000",
    "undefined": "f7",
    "simple_value": "f0",
    "simple_value_of_one_byte": "f820",
    "false_in_two_bytes": "f814",
    "bytes_cut_off": "4200",
    "text_cut_off": "6261",
    "integer_cut_off": "1901",
    "array_cut_off": "8200",
    "map_cut_off": "a100",
    "text_that_is_not_utf8": "62c328",
    "text_with_a_surrogate": "63eda080",
    "duplicate_key": "a201000101",
    "duplicate_text_key": "a2616100616101",
    "bytes_as_a_key": "a1410000",
    "array_as_a_key": "a18000",
    "boolean_as_a_key": "a1f500",
    "null_as_a_key": "a1f600",
    "array_longer_than_the_message": "9b7fffffffffffffff",
    "map_longer_than_the_message": "bb7fffffffffffffff",
    "bytes_longer_than_the_message": "5b7fffffffffffffff",
    "nested_too_deep": "81" * 9 + "00",
    "maps_nested_too_deep": "a100" * 9 + "00",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_refuses(wrong: str) -> None:
    with refuses(CeremonyReason.MALFORMED_CBOR):
        cbor.decode(bytes.fromhex(WRONG[wrong]))


def test_nests_as_deep_as_the_limit() -> None:
    assert cbor.decode(b"\x81" * cbor.MAX_DEPTH + b"\x00") == [[[[[[[[0]]]]]]]]


def test_refuses_messages_longer_than_the_limit() -> None:
    longest = cbor.encode(bytes(cbor.MAX_LENGTH - 3))
    assert len(longest) == cbor.MAX_LENGTH
    assert cbor.decode(longest) == bytes(cbor.MAX_LENGTH - 3)
    with refuses(CeremonyReason.MALFORMED_CBOR):
        cbor.decode(cbor.encode(bytes(cbor.MAX_LENGTH)))


def test_writes_canonical_order() -> None:
    mixed: dict[int | str, int] = {"aa": 0, "b": 0, -1: 0, 3: 0, 100: 0, 1: 0}
    decoded = cbor.decode(cbor.encode(mixed))
    assert isinstance(decoded, dict)
    assert list(decoded) == [1, 3, 100, -1, "b", "aa"]


def test_does_not_write_what_has_no_spelling() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        cbor.encode(2**64)
