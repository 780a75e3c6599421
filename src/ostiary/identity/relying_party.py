"""The relying party we are: from settings, never from a request."""

from typing import NamedTuple


class RelyingParty(NamedTuple):
    id: str
    name: str
    origins: tuple[str, ...]
