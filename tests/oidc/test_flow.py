"""The whole way on each database: an app signs in, sets everything up, refreshes, and signs out."""

import pyotp

from ostiary.clock import SECOND
from tests.oidc.native_app import CLIENT, NativeApp
from tests.organisation import ORIGIN, Organisation
from tests.server.graph.test_passkeys import body
from tests.server.graph.test_setup import AUTHENTICATORS, CODES, SETUP, device
from tests.software_authenticator import SoftwareAuthenticator

METHODS = "/v1.0/me/authentication"


def test_an_app_signs_in_and_sets_everything_up(org_on_each: Organisation) -> None:
    org = org_on_each
    app = NativeApp(org).sign_in(org.signed_in("ada"))
    assert app.tokens["token_type"] == "Bearer"
    assert app.tokens["expires_in"] == 3600
    assert set(app.tokens) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}

    setup = app.get(SETUP).json()
    assert all(setup[what]["isAllowed"] for what in ("passkey", "approvals", "codes"))
    options = app.get(f"{METHODS}/fido2Methods/creationOptions").json()["publicKey"]
    authenticator = SoftwareAuthenticator()
    passkey = app.call("POST", f"{METHODS}/fido2Methods", body(authenticator.create(options, ORIGIN)))
    assert passkey.status_code == 201, passkey.text
    approvals = app.call("POST", AUTHENTICATORS, device())
    assert approvals.status_code == 201, approvals.text
    pending = app.call("POST", CODES, {}).json()
    code = pyotp.TOTP(pending["secretKey"]).at(org.clock() // SECOND)
    codes = app.call("POST", f"{CODES}/{pending['enrolmentId']}/confirm", {"code": code})
    assert codes.status_code == 201, codes.text

    app.tokens = app.refresh().json()
    listed = app.get(f"{METHODS}/methods").json()["value"]
    assert {one["id"] for one in listed} >= {made.json()["id"] for made in (passkey, approvals, codes)}
    for made, collection in (
        (passkey, "fido2Methods"),
        (approvals, "microsoftAuthenticatorMethods"),
        (codes, "softwareOathMethods"),
    ):
        assert app.call("DELETE", f"{METHODS}/{collection}/{made.json()['id']}").status_code == 204
    app.send("/oauth2/v2.0/revoke", {"token": app.tokens["refresh_token"], "client_id": CLIENT})
    assert app.get(SETUP).status_code == 401
