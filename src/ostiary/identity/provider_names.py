"""What passkey providers are called: our own table first, then a list an administrator imported, then FIDO's metadata.

Names help people recognise a provider. Nothing is decided by them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ostiary.passkeys import PROVIDERS, Aaguid, provider_of
from ostiary.passkeys.metadata import Metadata
from ostiary.storage import trust
from ostiary.storage.database import Transaction

LONGEST_NAME: Final = 80


class _Known:
    """The names this process knows beyond our own table; replaced whole, never changed."""

    imported: Mapping[Aaguid, str] = MappingProxyType({})
    metadata: Mapping[Aaguid, str] = MappingProxyType({})


def name_of(aaguid: Aaguid) -> str | None:
    """The provider's name; None for one nobody told us about."""
    provider = provider_of(aaguid)
    if provider is not None:
        return provider.name
    return _Known.imported.get(aaguid) or _Known.metadata.get(aaguid)


def choices() -> Mapping[Aaguid, str]:
    """The providers an administrator picks by name: our own table and the imported list. Metadata has hundreds."""
    return {**_Known.imported, **{aaguid: provider.name for aaguid, provider in PROVIDERS.items()}}


def use_metadata(metadata: Metadata) -> None:
    _Known.metadata = MappingProxyType(
        {entry.aaguid: _shorten(entry.description) for entry in metadata.entries if entry.aaguid and entry.description}
    )


def use_imported(tx: Transaction) -> None:
    """Reads the imported list. A server does so at its start and every few minutes."""
    _Known.imported = MappingProxyType({Aaguid.parse(aaguid): name for aaguid, name in trust.imported_names(tx)})


def _shorten(text: str) -> str:
    cleaned = " ".join(character for character in text.split() if character.isprintable())
    return cleaned if len(cleaned) <= LONGEST_NAME else cleaned[: LONGEST_NAME - 1] + "…"
