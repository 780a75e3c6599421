"""Where a client keeps the authenticators it may ring."""

from dataclasses import replace
from pathlib import Path

import pytest
from fido2 import cbor

from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.link_file import LinkFile
from ostiary.hybrid.linking import Link

PHONE = Link(
    contact_id=b"contact", link_id=b"12345678", secret=bytes(32), identity=b"\x04" + bytes(64), name="Ada's", domain=266
)
TABLET = replace(PHONE, identity=b"\x04" + b"\x01" * 64, name="tablet")


def test_keeps_forgets_and_replaces(tmp_path: Path) -> None:
    file = LinkFile(tmp_path / "own" / "links")
    assert file.links() == []
    file.keep(PHONE)
    file.keep(TABLET)
    newer = replace(PHONE, secret=b"\x01" * 32)
    file.keep(newer)
    assert LinkFile(tmp_path / "own" / "links").links() == [TABLET, newer]
    file.forget(TABLET)
    assert file.links() == [newer]
    assert [one.name for one in (tmp_path / "own").iterdir()] == ["links"]


def test_is_for_its_owner_alone(tmp_path: Path) -> None:
    LinkFile(tmp_path / "own" / "links").keep(PHONE)
    assert (tmp_path / "own" / "links").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "content",
    [b"", b"text", cbor.encode({1: 5}), cbor.encode({1: [[1, 2]]}), cbor.encode({1: [[b"", b"", b"", b"", "n", "d"]]})],
)
def test_refuses_a_file_that_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "links").write_bytes(content)
    file = LinkFile(tmp_path / "links")
    for use in (file.links, lambda: file.keep(PHONE)):
        with pytest.raises(HybridError) as refused:
            use()
        assert refused.value.reason is HybridReason.LINK_FORGED
    assert (tmp_path / "links").read_bytes() == content


def test_nothing_is_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LinkFile(tmp_path / "links")
    file.keep(PHONE)

    def fail(descriptor: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        file.keep(TABLET)
    assert file.links() == [PHONE]
    assert [one.name for one in tmp_path.iterdir()] == ["links"]
