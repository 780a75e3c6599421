import pytest

from ostiary.identity.roles import Role
from tests.organisation import Browser, Organisation


@pytest.fixture
def admin(org: Organisation) -> Browser:
    """A Global Administrator's browser, just signed in by password and code: there is no passkey yet."""
    return org.signed_in("admin")


@pytest.fixture
def helpdesk(org: Organisation) -> Browser:
    org.add_person("desk")
    org.assign("desk", Role.HELPDESK)
    return org.signed_in("desk")
