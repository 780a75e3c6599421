"""Where a client keeps the authenticators it may ring: one file, for its owner alone, written whole or not at all."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from fido2 import cbor

from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.linking import Link
from ostiary.hybrid.wire import decode_map

_MEMBERS: Final = ("contact_id", "link_id", "secret", "identity", "name", "domain")
_TYPES: Final = (bytes, bytes, bytes, bytes, str, int)


class LinkFile:
    """A link's secret rings a device, and with its owner's consent uses it from nearby: the file is kept like a key
    (0600). What cannot be read is told by `HybridError(LINK_FORGED)`, never passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def links(self) -> list[Link]:
        """The newest last. Raises `HybridError`."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        kept = decode_map(content, HybridReason.LINK_FORGED).get(1)
        if not isinstance(kept, list | tuple):
            raise HybridError(HybridReason.LINK_FORGED, "the file of links is damaged")
        return [_link(one) for one in kept]

    def keep(self, link: Link) -> None:
        """In place of an earlier link of the same device."""
        self._write([*(one for one in self.links() if one.identity != link.identity), link])

    def forget(self, link: Link) -> None:
        """After `TunnelError(LINK_GONE)`, or because its owner says so."""
        self._write([one for one in self.links() if one.identity != link.identity])

    def _write(self, links: list[Link]) -> None:
        content = cbor.encode({1: [[getattr(one, member) for member in _MEMBERS] for one in links]})
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".links-")  # 0600 from the beginning
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise


def _link(kept: object) -> Link:
    if not isinstance(kept, list | tuple) or len(kept) != len(_MEMBERS):
        raise HybridError(HybridReason.LINK_FORGED, "the file of links is damaged")
    if not all(isinstance(one, kind) for one, kind in zip(kept, _TYPES, strict=True)):
        raise HybridError(HybridReason.LINK_FORGED, "the file of links is damaged")
    contact_id, link_id, secret, identity, name, domain = kept
    return Link(contact_id=contact_id, link_id=link_id, secret=secret, identity=identity, name=name, domain=domain)
