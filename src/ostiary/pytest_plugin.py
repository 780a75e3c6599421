"""The fixture `ostiary_authenticator`, for whoever has Ostiary installed. Loads nothing until it is used."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ostiary.authenticator.hosts.testing import SoftwareAuthenticator


@pytest.fixture
def ostiary_authenticator() -> "Iterator[SoftwareAuthenticator]":
    """A software authenticator of this test's own; see `ostiary.authenticator.hosts.testing`."""
    from ostiary.authenticator.hosts.testing import SoftwareAuthenticator

    yield SoftwareAuthenticator()
