import pytest

from tests.organisation import Browser, Organisation
from tests.software_authenticator import SoftwareAuthenticator


@pytest.fixture
def ada(org: Organisation) -> Browser:
    """Ada's browser, just signed in by password and code."""
    return org.signed_in("ada")


@pytest.fixture
def laptop(ada: Browser) -> SoftwareAuthenticator:
    """An authenticator that holds a passkey of Ada's."""
    authenticator = SoftwareAuthenticator()
    assert ada.register(authenticator).status_code == 201
    return authenticator
