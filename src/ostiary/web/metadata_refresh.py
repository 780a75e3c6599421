"""FIDO's metadata, kept fresh beside the server: loaded from the last verified blob, downloaded anew when it is due.

The operator accepts FIDO's terms by a setting; without it nothing is downloaded. Nothing waits for this and nothing
fails with it: while metadata is missing or old, sign-in goes on and what was known still counts.
"""

import asyncio
import urllib.request
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from cryptography import x509

from ostiary.clock import HOUR, SECOND, Clock, as_datetime
from ostiary.identity import provider_names, trust
from ostiary.identity.trust import Trust
from ostiary.passkeys.metadata import Metadata, MetadataError
from ostiary.settings import Settings
from ostiary.storage.database import Database

LARGEST: Final = 64 * 1024 * 1024
_WITHIN: Final = 60  # seconds
_LOOK_EVERY: Final = 6 * HOUR
log = structlog.get_logger()


class MetadataSource(NamedTuple):
    """Where blobs come from, and the root their signatures must lead to."""

    url: str
    root: x509.Certificate
    is_accepted: bool  # FIDO's terms, by the operator


def source_of(settings: Settings) -> MetadataSource:
    pem = Path(settings.mds_root).read_bytes() if settings.mds_root else _bundled_root()
    return MetadataSource(settings.mds_url, x509.load_pem_x509_certificate(pem), settings.mds_accept_terms)


def _bundled_root() -> bytes:
    """GlobalSign Root CA R3, to which FIDO's signatures lead (MDS 3.1 §3.2)."""
    return (files("ostiary.web") / "metadata_root.pem").read_bytes()


def download(url: str) -> bytes:
    """The blob as it is served now. Raises `OSError` when it cannot be had or is larger than any blob."""
    with urllib.request.urlopen(url, timeout=_WITHIN) as answer:  # noqa: S310 (the operator's address)
        blob: bytes = answer.read(LARGEST + 1)
    if len(blob) > LARGEST:
        raise OSError("larger than any blob")
    return blob


class MetadataKeeper:
    """Keeps one process's `Trust` up to date."""

    def __init__(
        self,
        database: Database,
        held: Trust,
        source: MetadataSource,
        clock: Clock,
        fetch: Callable[[str], bytes] = download,
    ) -> None:
        self._database = database
        self._trust = held
        self._source = source
        self._clock = clock
        self._fetch = fetch

    async def run(self) -> None:
        await self.load()
        while True:
            await self.refresh()
            await asyncio.sleep(_LOOK_EVERY / SECOND)

    async def load(self) -> None:
        """What was verified and kept before. Verified again: the database is not a root of trust."""
        try:
            blob = await self._database.read(trust.stored_blob)
            if blob is not None:
                self._use(await self._verified(blob, newer_than=None))
        except Exception as error:
            log.warning("stored metadata not used", why=str(error) or type(error).__name__)

    async def refresh(self) -> bool:
        """Downloads and keeps a newer blob when one is due. Says whether there is a newer one."""
        held = self._trust.metadata
        is_due = not held.number or held.is_overdue(as_datetime(self._clock()))
        if not self._source.is_accepted or not is_due:
            return False
        try:
            blob = await asyncio.to_thread(self._fetch, self._source.url)
            metadata = await self._verified(blob, newer_than=held.number or None)
            await self._database.write(trust.keep_metadata, metadata, blob, now=self._clock())
        except (MetadataError, OSError) as error:
            log.warning("metadata not refreshed", why=str(error))
            return False
        except Exception:
            log.exception("metadata not refreshed")
            return False
        self._use(metadata)
        log.info("metadata refreshed", number=metadata.number, unreadable=len(metadata.unreadable))
        return True

    def _use(self, metadata: Metadata) -> None:
        self._trust.use(metadata)
        provider_names.use_metadata(metadata)

    async def _verified(self, blob: bytes, *, newer_than: int | None) -> Metadata:
        return await asyncio.to_thread(
            trust.load_metadata, blob, root=self._source.root, now=self._clock(), newer_than=newer_than
        )
