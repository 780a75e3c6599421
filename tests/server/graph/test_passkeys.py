"""An app adds, lists and removes passkeys through the API, by the rules of Security info."""

from typing import Any

import pytest

from ostiary.clock import MINUTE
from ostiary.passkeys.base64url import encode
from ostiary.passkeys.providers import AUTHENTICATOR_SEALED_FILE
from tests.oidc.native_app import NativeApp
from tests.organisation import ORIGIN, RP_ID, Organisation
from tests.policies import DEVICE_BOUND, SYNCED, save, with_passkeys, with_rules
from tests.server.graph.reading import refused
from tests.software_authenticator import SoftwareAuthenticator

FIDO2 = "/v1.0/me/authentication/fido2Methods"
JSON = dict[str, Any]


def options_of(app: NativeApp) -> JSON:
    response = app.get(f"{FIDO2}/creationOptions")
    assert response.status_code == 200, response.text
    return dict(response.json()["publicKey"])


def as_graph(made: JSON) -> JSON:
    response = {name: made["response"][name] for name in ("clientDataJSON", "attestationObject")}
    return {"id": made["id"], "response": response, "clientExtensionResults": {}}


def body(made: JSON, name: str | None = "This computer") -> JSON:
    return {**({} if name is None else {"displayName": name}), "publicKeyCredential": as_graph(made)}


def add(app: NativeApp, authenticator: SoftwareAuthenticator | None = None, **tampering: Any) -> Any:
    made = (authenticator or SoftwareAuthenticator()).create(options_of(app), ORIGIN, **tampering)
    return app.call("POST", FIDO2, body(made))


def test_an_app_adds_a_passkey_that_signs_in(app: NativeApp, org: Organisation) -> None:
    authenticator = SoftwareAuthenticator(aaguid=AUTHENTICATOR_SEALED_FILE.raw)
    added = add(app, authenticator)
    assert added.status_code == 201, added.text
    method = org.method("passkey")
    assert added.json() == {
        "@odata.context": f"{ORIGIN}/v1.0/$metadata#users('{org.person().id}')/authentication/fido2Methods/$entity",
        "@odata.type": "#microsoft.graph.fido2AuthenticationMethod",
        "id": method.id,
        "displayName": "This computer",
        "createdDateTime": "2026-11-18T11:07:10Z",
        "lastUsedDateTime": None,
        "aaGuid": str(AUTHENTICATOR_SEALED_FILE),
        "model": "Ostiary Authenticator",
        "attestationCertificates": [],
        "attestationLevel": "notAttested",
        "passkeyType": "deviceBound",
    }
    assert org.browser().sign_in_with(authenticator).status_code == 200
    event = org.events("person:passkey:add")[0]
    assert (event.actor, event.client, event.method_id) == (
        "ada@contoso.example",
        "Ostiary Authenticator/Windows",
        method.id,
    )


def test_an_attested_passkey_shows_its_certificates(app: NativeApp, org: Organisation) -> None:
    save(org, with_rules(is_attestation_enforced=False))
    authenticator = SoftwareAuthenticator(attestation="packed")
    made = authenticator.create({**options_of(app), "attestation": "direct"}, ORIGIN)
    response = app.call("POST", FIDO2, body(made))
    assert response.status_code == 201, response.text
    certificates = response.json()["attestationCertificates"]
    assert [len(one) for one in certificates] == [40]
    assert response.json()["attestationLevel"] == "notAttested"  # nobody trusts its maker


@pytest.mark.parametrize(
    "path",
    [
        "creationOptions",
        "creationOptions()",
        "creationOptions(challengeTimeoutInMinutes=10)",
        "creationOptions(challengeTimeoutInMinutes=@challengeTimeoutInMinutes)?challengeTimeoutInMinutes=10",
        "creationOptions?challengeTimeoutInMinutes=10",
    ],
)
@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_options_however_they_are_asked_for(app: NativeApp, version: str, path: str) -> None:
    response = app.get(f"/{version}/me/authentication/fido2Methods/{path}")
    assert response.status_code == 200, response.text
    assert response.json()["publicKey"]["rp"] == {"id": RP_ID, "name": "Contoso"}
    assert response.json()["challengeTimeoutDateTime"] == "2026-11-18T11:12:10Z"
    assert response.json()["@odata.context"].startswith(f"{ORIGIN}/{version}/$metadata#")


@pytest.mark.parametrize("minutes", ["4", "43201", "ten", "-1", "1e9", ""])
def test_refuses_a_timeout_that_is_none(app: NativeApp, minutes: str) -> None:
    response = app.get(f"{FIDO2}/creationOptions?challengeTimeoutInMinutes={minutes}")
    error = refused(response, 400, "request_invalid")
    assert error["details"][0]["target"] == "query.challengeTimeoutInMinutes"


def test_names_a_passkey_that_comes_without_a_name(app: NativeApp) -> None:
    made = SoftwareAuthenticator().create(options_of(app), ORIGIN)
    response = app.call("POST", FIDO2, body(made, None))
    assert response.json()["displayName"] == "Passkey, Windows, Nov 2026"


def test_refuses_a_second_passkey_of_the_same_name(app: NativeApp) -> None:
    assert add(app).status_code == 201
    refused(add(app), 409, "name_taken")


def test_excludes_what_is_registered_already(app: NativeApp, org: Organisation) -> None:
    add(app)
    excluded = options_of(app)["excludeCredentials"]
    assert [one["id"] for one in excluded] == [encode(org.credentials()[0].credential_id)]


@pytest.mark.parametrize(
    ("origin", "tampering", "reason"),
    [
        ("https://evil.example", {}, "origin_mismatch"),
        (f"{ORIGIN}.evil.example", {}, "origin_mismatch"),
        (ORIGIN, {"uv": False}, "user_verification_missing"),
    ],
)
def test_refuses_a_ceremony_that_does_not_hold(
    app: NativeApp, org: Organisation, origin: str, tampering: JSON, reason: str
) -> None:
    made = SoftwareAuthenticator().create(options_of(app), origin, **tampering)
    refused(app.call("POST", FIDO2, body(made)), 400, reason)
    assert org.credentials() == []
    assert org.events("person:passkey:add")[0].reason == reason


def test_refuses_a_challenge_used_before(app: NativeApp) -> None:
    made = SoftwareAuthenticator().create(options_of(app), ORIGIN)
    assert app.call("POST", FIDO2, body(made)).status_code == 201
    refused(app.call("POST", FIDO2, body(made, "Again")), 400, "challenge_unknown")


def test_refuses_a_challenge_that_expired(app: NativeApp, org: Organisation) -> None:
    made = SoftwareAuthenticator().create(options_of(app), ORIGIN)
    org.clock.advance(5 * MINUTE)
    refused(app.call("POST", FIDO2, body(made)), 400, "challenge_expired")


def test_refuses_a_challenge_of_another_grant(app: NativeApp, org: Organisation) -> None:
    """Of the same person, too: whoever began must finish."""
    other = NativeApp(org).sign_in(org.signed_in("ada"))
    made = SoftwareAuthenticator().create(options_of(other), ORIGIN)
    refused(app.call("POST", FIDO2, body(made)), 400, "challenge_foreign")
    browser = org.signed_in("ada")
    in_browser = browser.send("/security-info/passkeys/options", {}).json()
    made = SoftwareAuthenticator().create(in_browser, ORIGIN)
    refused(app.call("POST", FIDO2, body(made)), 400, "challenge_foreign")


def test_a_refreshed_token_finishes_what_another_began(app: NativeApp) -> None:
    made = SoftwareAuthenticator().create(options_of(app), ORIGIN)
    app.tokens = app.refresh().json()
    assert app.call("POST", FIDO2, body(made)).status_code == 201


def test_refuses_a_passkey_somebody_has(app: NativeApp, org: Organisation) -> None:
    credential_id = b"k" * 32
    assert add(app, credential_id=credential_id).status_code == 201
    grace = NativeApp(org).sign_in(org.signed_in("grace"))
    refused(add(grace, credential_id=credential_id), 409, "passkey_exists")


# --- policy


def test_refuses_to_begin_what_policy_refuses(app: NativeApp, org: Organisation) -> None:
    save(org, with_passkeys(is_enabled=False))
    refused(app.get(f"{FIDO2}/creationOptions"), 403, "method_disabled")


def test_refuses_a_passkey_policy_does_not_take(app: NativeApp, org: Organisation) -> None:
    save(org, with_rules(types=SYNCED))
    response = add(app)
    assert response.status_code == 403
    assert response.json()["error"]["innerError"]["reason"] == "device_bound_not_allowed"
    save(org, with_rules(types=DEVICE_BOUND))
    assert add(app).status_code == 201


def test_refuses_to_begin_without_a_second_factor(org: Organisation) -> None:
    org.add_person("new", with_code=False)
    browser = org.browser()
    browser.type_username("new")
    browser.type_password()
    app = NativeApp(org).sign_in(browser)
    refused(app.get(f"{FIDO2}/creationOptions"), 403, "second_factor_required")


# --- listing and removing


def test_lists_and_shows(app: NativeApp, org: Organisation) -> None:
    assert app.get(FIDO2).json()["value"] == []
    added = add(app).json()
    listed = app.get(FIDO2).json()["value"]
    assert [one["id"] for one in listed] == [added["id"]]
    assert app.get(f"{FIDO2}/{added['id']}").json() == added


def test_removes(app: NativeApp, org: Organisation) -> None:
    method_id = add(app).json()["id"]
    response = app.call("DELETE", f"{FIDO2}/{method_id}")
    assert (response.status_code, response.content) == (204, b"")
    assert org.credentials() == []
    event = org.events("person:passkey:remove")[0]
    assert (event.actor, event.client) == ("ada@contoso.example", "Ostiary Authenticator/Windows")
    assert app.get("/v1.0/me").status_code == 200


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_refuses_a_passkey_there_is_not(app: NativeApp, org: Organisation, verb: str) -> None:
    others = NativeApp(org).sign_in(org.signed_in("grace"))
    theirs = add(others).json()["id"]
    for method_id in ("nothing", theirs, org.method("code").id, "%00", "é", "x" * 3000):
        response = app.call(verb, f"{FIDO2}/{method_id}")
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "resourceNotFound"
    assert len(org.credentials("grace")) == 1


def test_refuses_to_remove_the_last_strong_method_unless_it_is_understood(app: NativeApp, org: Organisation) -> None:
    path = f"/v1.0/me/authentication/softwareOathMethods/{org.method('code').id}"
    refused(app.call("DELETE", path), 409, "last_strong_method")
    assert app.call("DELETE", f"{path}?isUnderstood=true").status_code == 204


def test_refuses_to_remove_with_a_proof_that_is_too_old(app: NativeApp, org: Organisation) -> None:
    method_id = add(app).json()["id"]
    org.clock.advance(11 * MINUTE)
    refused(app.call("DELETE", f"{FIDO2}/{method_id}"), 401, "fresh_mfa_required")
    assert len(org.credentials()) == 1
