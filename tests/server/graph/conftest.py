import pytest

from tests.oidc.native_app import NativeApp
from tests.organisation import Organisation


@pytest.fixture
def app(org: Organisation) -> NativeApp:
    """An app Ada has just let in."""
    return NativeApp(org).sign_in(org.signed_in("ada"))
