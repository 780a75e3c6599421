"""Secrets at rest: sealed with a key that is not in the database."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.sealing import SealBrokenError, Sealer, key_from_file

SEALER = Sealer(bytes(32))


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_was_sealed_is_opened(plain: bytes, purpose: str) -> None:
    assert SEALER.open(SEALER.seal(plain, purpose=purpose), purpose=purpose) == plain


def test_sealing_twice_is_never_the_same() -> None:
    assert SEALER.seal(b"secret", purpose="p") != SEALER.seal(b"secret", purpose="p")


@given(st.integers(0, 33), st.integers(0, 7))
def test_refuses_a_seal_changed_anywhere(at: int, bit: int) -> None:
    sealed = bytearray(SEALER.seal(b"secret", purpose="p"))
    assert len(sealed) == 34
    sealed[at] ^= 1 << bit
    with pytest.raises(SealBrokenError):
        SEALER.open(bytes(sealed), purpose="p")


@pytest.mark.parametrize("sealed", [b"", b"x", bytes(12), bytes(28), bytes(100)])
def test_refuses_what_was_never_sealed(sealed: bytes) -> None:
    with pytest.raises(SealBrokenError):
        SEALER.open(sealed, purpose="p")


def test_refuses_a_seal_moved_to_another_purpose() -> None:
    with pytest.raises(SealBrokenError):
        SEALER.open(SEALER.seal(b"secret", purpose="mine"), purpose="yours")


def test_refuses_a_seal_of_another_key() -> None:
    with pytest.raises(SealBrokenError):
        Sealer(bytes([1] * 32)).open(SEALER.seal(b"secret", purpose="p"), purpose="p")


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    key = key_from_file(path)
    assert len(key) == 32
    assert key_from_file(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["sealing.key"]


def test_two_keys_differ(tmp_path: Path) -> None:
    assert key_from_file(tmp_path / "a.key") != key_from_file(tmp_path / "b.key")


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_refuses_a_file_that_holds_no_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sealing.key"
    path.write_bytes(content)
    with pytest.raises(SealBrokenError):
        key_from_file(path)
    assert path.read_bytes() == content


def test_the_key_does_not_show() -> None:
    assert repr(Sealer(b"k" * 32)) == "Sealer(...)"
