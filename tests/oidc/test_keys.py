"""Signing keys: made on first use, sealed, replaced, and published as long as anything they signed may count."""

import json

import httpx2 as httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from ostiary.clock import SECOND
from ostiary.identity.sealing import SealBrokenError, Sealer
from ostiary.oidc import keys
from ostiary.oidc.keys import PUBLISHED_AFTER, SIGNS_FOR
from ostiary.oidc.tokens import ACCESS_TOKEN_LIFETIME
from ostiary.storage import housekeeping, oauth
from tests.oidc.native_app import NativeApp
from tests.organisation import ORIGIN, Organisation

KEYS = "/oauth2/v2.0/keys"


def published(org: Organisation) -> list[dict[str, str]]:
    found: list[dict[str, str]] = org.browser().get(KEYS).json()["keys"]
    return found


def test_the_first_to_ask_has_a_key_made(org: Organisation) -> None:
    first = published(org)
    assert first == published(org)
    assert len(first) == 1
    assert first[0].keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (first[0]["crv"], first[0]["alg"], first[0]["use"]) == ("P-256", "ES256", "sig")


def test_no_private_key_is_stored_unsealed(org: Organisation) -> None:
    published(org)
    row = org.administer(oauth.signing_keys, now=org.clock())[0]
    private = json.loads(org.site.sealer.open(row.sealed_private_key, purpose=f"oauth signing key {row.id}"))
    assert private["d"].encode() not in row.sealed_private_key
    assert "d" not in json.loads(row.public_jwk)
    with pytest.raises(SealBrokenError):
        org.site.sealer.open(row.sealed_private_key, purpose="oauth signing key another")


def test_another_key_signs_after_a_while_and_the_old_one_stays_published(org: Organisation) -> None:
    app = NativeApp(org).sign_in(org.signed_in())
    org.clock.advance(SIGNS_FOR - 2 * SECOND - org.clock() + org.administer(oauth.signing_keys, now=0)[0].created_at)
    app.tokens = app.refresh().json()
    old = app.tokens["access_token"]
    org.clock.advance(3 * SECOND)
    app.tokens = app.refresh().json()
    assert len(published(org)) == 2
    for token in (old, app.tokens["access_token"]):
        assert app.call("GET", "/v1.0/me", token=token).status_code == 200
        jwt.decode(token, KeySet.import_key_set(org.browser().get(KEYS).json()), algorithms=["ES256"])
    assert PUBLISHED_AFTER > ACCESS_TOKEN_LIFETIME
    org.clock.advance(PUBLISHED_AFTER)
    org.administer(housekeeping.delete_expired, org.clock())
    assert len(published(org)) == 1


def test_a_key_that_cannot_be_opened_signs_no_more(org: Organisation) -> None:
    kid = published(org)[0]["kid"]
    org.database._kept.clear()
    key = org.administer(keys.signing_key, Sealer(b"another sealing key of 32 bytes."), now=org.clock())
    assert key.kid != kid
    assert {one["kid"] for one in published(org)} == {kid, key.kid}


@pytest.mark.parametrize("name", ["openid-configuration", "oauth-authorization-server"])
def test_the_documents_lead_to_what_is_there(org: Organisation, name: str) -> None:
    browser = org.browser()
    document = browser.get(f"/.well-known/{name}").json()
    assert document["issuer"] == ORIGIN
    assert document["authorization_response_iss_parameter_supported"] is True
    for endpoint in ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"):
        url = httpx.URL(document[endpoint])
        assert str(url).startswith(f"{ORIGIN}/")
        assert browser.request("GET", url.path).status_code != 404


def test_the_documents_claim_nothing_that_is_refused(org: Organisation) -> None:
    document = org.browser().get("/.well-known/openid-configuration").json()
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["token_endpoint_auth_methods_supported"] == ["none"]
    assert document["id_token_signing_alg_values_supported"] == ["ES256"]
