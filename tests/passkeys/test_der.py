"""DER: one spelling for one value (X.690 §10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.passkeys.der import DerError, Tag, read_all, read_one


def test_reads_long_tags_and_long_lengths() -> None:
    element = read_one(bytes.fromhex("bf853e03020100"))
    assert (element.is_field, element.number, element.inner().integer()) == (True, 702, 0)
    assert len(read_one(b"\x04\x81\x80" + bytes(128)).take(Tag.OCTET_STRING)) == 128
    assert read_one(b"\x02\x01\xff").integer() == -1
    assert [each.number for each in read_all(b"\x02\x01\x00\x04\x00")] == [2, 4]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "02",
        "0201",
        "02810100",
        "0282000100",
        "0280000000",
        "028500000000010000",
        "3003020100ff",
        "1f0100",
        "bf1e00",
        "bf805e00",
        "bfffffff7f00",
        "bf85",
        "420100",
        "c20100",
    ],
)
def test_refuses(data: str) -> None:
    with pytest.raises(DerError):
        read_one(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["0200", "02020000", "0202007f", "0202ff80", "0202ffff"])
def test_refuses_integer(data: str) -> None:
    with pytest.raises(DerError):
        read_one(bytes.fromhex(data)).integer()


@pytest.mark.parametrize("data", ["2203020100", "0400", "820100"])
def test_refuses_another_type(data: str) -> None:
    with pytest.raises(DerError):
        read_one(bytes.fromhex(data)).take(Tag.INTEGER)
    with pytest.raises(DerError):
        read_one(bytes.fromhex(data)).inner()


@given(st.binary(max_size=60))
def test_garbage_is_read_or_refused(data: bytes) -> None:
    try:
        elements = read_all(data)
    except DerError:
        return
    assert all(isinstance(element.content, bytes) for element in elements)
