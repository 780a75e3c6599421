"""What an app is told it may set up, and that it is then so."""

from dataclasses import replace
from typing import Any

import pyotp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ostiary.clock import MINUTE, SECOND
from ostiary.identity import attestation, attestation_authority
from ostiary.identity.policy.model import AuthenticatorPolicy, Policy
from ostiary.passkeys.base64url import encode
from ostiary.passkeys.providers import AUTHENTICATOR_SEALED_FILE, AUTHENTICATOR_TPM
from ostiary.storage import methods
from tests.oidc.native_app import NativeApp
from tests.organisation import ORIGIN, RP_ID, Organisation
from tests.policies import OFF, SYNCED, allow, save, with_passkeys, with_rules
from tests.server.graph.reading import refused
from tests.software_authenticator import SoftwareAuthenticator

SETUP = "/v1.0/ostiary/me/setup"
CODES = "/v1.0/ostiary/me/softwareOathMethods"
AUTHENTICATORS = "/v1.0/ostiary/me/authenticators"
ATTESTATION = "/v1.0/ostiary/me/attestation"
MODELS = [str(AUTHENTICATOR_SEALED_FILE), str(AUTHENTICATOR_TPM)]
JSON = dict[str, Any]


def setup_of(app: NativeApp) -> JSON:
    response = app.get(SETUP)
    assert response.status_code == 200, response.text
    return dict(response.json())


def test_says_who_and_what(app: NativeApp, org: Organisation) -> None:
    person = org.person()
    assert setup_of(app) == {
        "organization": {"name": "Contoso", "rpId": RP_ID, "origin": ORIGIN},
        "account": {"id": person.id, "username": "ada@contoso.example", "displayName": person.display_name},
        "passkey": {"isAllowed": True, "attestation": "none", "models": MODELS, "registered": []},
        "approvals": {"isAllowed": True, "isPasswordlessAllowed": False},
        "codes": {"isAllowed": True},
        "attestation": {"isOffered": False},
        "tunnel": None,
    }


def test_says_which_tunnel_service_is_the_organisations(app: NativeApp, org: Organisation) -> None:
    assert setup_of(app)["tunnel"] is None
    object.__setattr__(org.site, "tunnel_domain", 266)  # as `OSTIARY_TUNNEL_DOMAIN` does
    assert setup_of(app)["tunnel"] == {"domain": 266}


def test_says_why_a_passkey_is_refused(app: NativeApp, org: Organisation) -> None:
    save(org, with_passkeys(is_enabled=False))
    passkey = setup_of(app)["passkey"]
    assert (passkey["isAllowed"], passkey["reason"], passkey["models"]) == (False, "method_disabled", [])
    assert passkey["message"] == "This sign-in method is not supported by your organisation."
    save(org, with_rules(types=SYNCED))
    assert setup_of(app)["passkey"]["reason"] == "device_bound_not_allowed"


def test_tells_an_app_which_passkeys_are_registered(org: Organisation) -> None:
    ada = org.signed_in()
    assert ada.register(SoftwareAuthenticator()).status_code == 201
    record = org.credentials()[0]
    registered = setup_of(NativeApp(org).sign_in(ada))["passkey"]["registered"]
    assert registered == [{"id": record.method_id, "credentialId": encode(record.credential_id)}]


def test_says_which_models_are_accepted(app: NativeApp, org: Organisation) -> None:
    save(org, with_rules(is_attestation_enforced=True, key_restrictions=allow(str(AUTHENTICATOR_TPM))))
    passkey = setup_of(app)["passkey"]
    assert (passkey["isAllowed"], passkey["attestation"], passkey["models"]) == (
        True,
        "direct",
        [str(AUTHENTICATOR_TPM)],
    )


def test_says_what_else_is_refused(app: NativeApp, org: Organisation) -> None:
    save(org, Policy(code=OFF, authenticator=AuthenticatorPolicy(is_enabled=False, is_passwordless_allowed=True)))
    told = setup_of(app)
    assert (told["codes"]["isAllowed"], told["codes"]["reason"]) == (False, "method_disabled")
    assert (told["approvals"]["isAllowed"], told["approvals"]["isPasswordlessAllowed"]) == (False, False)
    save(org, Policy(authenticator=replace(AuthenticatorPolicy(), is_passwordless_allowed=True)))
    assert setup_of(app)["approvals"] == {"isAllowed": True, "isPasswordlessAllowed": True}


def test_says_it_also_when_the_proof_is_old(app: NativeApp, org: Organisation) -> None:
    org.clock.advance(30 * MINUTE)
    assert setup_of(app)["passkey"]["isAllowed"]


# --- one-time codes


def test_sets_up_one_time_codes_in_two_steps(app: NativeApp, org: Organisation) -> None:
    begun = app.call("POST", CODES, {})
    assert begun.status_code == 201, begun.text
    pending = begun.json()
    assert pending.keys() == {"enrolmentId", "secretKey", "otpauthUri", "expirationDateTime"}
    assert len(org.methods()) == 2
    code = pyotp.TOTP(pending["secretKey"]).at(org.clock() // SECOND)
    confirmed = app.call("POST", f"{CODES}/{pending['enrolmentId']}/confirm", {"code": code})
    assert confirmed.status_code == 201, confirmed.text
    assert confirmed.json()["displayName"] == "Ostiary Authenticator"
    assert confirmed.json()["@odata.type"] == "#microsoft.graph.softwareOathAuthenticationMethod"
    assert confirmed.json()["secretKey"] is None
    listed = app.get("/v1.0/me/authentication/softwareOathMethods").json()["value"]
    assert [one["displayName"] for one in listed] == ["Authenticator app", "Ostiary Authenticator"]
    assert pending["secretKey"] not in app.get("/v1.0/me/authentication/methods").text


def test_the_confirmed_code_counts_as_proof_and_keeps_the_app_signed_in(app: NativeApp, org: Organisation) -> None:
    pending = app.call("POST", CODES).json()
    code = pyotp.TOTP(pending["secretKey"]).at(org.clock() // SECOND)
    assert app.call("POST", f"{CODES}/{pending['enrolmentId']}/confirm", {"code": code}).status_code == 201
    assert app.get("/v1.0/me").status_code == 200
    assert app.refresh().status_code == 200


def test_refuses_a_wrong_code(app: NativeApp, org: Organisation) -> None:
    pending = app.call("POST", CODES, {}).json()
    refused(app.call("POST", f"{CODES}/{pending['enrolmentId']}/confirm", {"code": "000000"}), 400, "code_wrong")
    assert len(org.methods()) == 2


def test_refuses_an_enrolment_of_somebody_else_or_too_old(app: NativeApp, org: Organisation) -> None:
    theirs = NativeApp(org).sign_in(org.signed_in("grace")).call("POST", CODES, {}).json()
    refused(app.call("POST", f"{CODES}/{theirs['enrolmentId']}/confirm", {"code": "000000"}), 400, "enrolment_expired")
    pending = app.call("POST", CODES, {}).json()
    org.clock.advance(15 * MINUTE)
    refused(app.call("POST", f"{CODES}/{pending['enrolmentId']}/confirm", {"code": "0"}), 400, "enrolment_expired")


def test_refuses_codes_with_a_proof_that_is_too_old(app: NativeApp, org: Organisation) -> None:
    org.clock.advance(11 * MINUTE)
    refused(app.call("POST", CODES, {}), 401, "fresh_mfa_required")


def test_refuses_codes_that_policy_refuses(app: NativeApp, org: Organisation) -> None:
    save(org, Policy(code=OFF))
    refused(app.call("POST", CODES, {}), 403, "method_disabled")


# --- approvals


def device(**changes: object) -> JSON:
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    key = {
        "kty": "EC",
        "crv": "P-256",
        "x": encode(numbers.x.to_bytes(32, "big")),
        "y": encode(numbers.y.to_bytes(32, "big")),
    }
    model = str(AUTHENTICATOR_SEALED_FILE)
    words = {"displayName": "Ada's laptop", "deviceKey": key, "model": model, "appVersion": "1.0", "platform": "Linux"}
    return {**words, **changes}


def test_registers_an_authenticator_for_approvals(app: NativeApp, org: Organisation) -> None:
    added = app.call("POST", AUTHENTICATORS, device())
    assert added.status_code == 201, added.text
    method = org.method("authenticator")
    path = f"/v1.0/me/authentication/microsoftAuthenticatorMethods/{method.id}"
    assert added.json() == app.get(path).json()
    assert added.json()["@odata.type"] == "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod"
    assert (added.json()["displayName"], added.json()["phoneAppVersion"]) == ("Ada's laptop", "1.0")
    assert (added.json()["id"], added.json()["deviceTag"]) == (method.id, "Linux")
    assert org.events("person:authenticator:add")[0].client == "Ostiary Authenticator/Windows"
    assert app.call("DELETE", path).status_code == 204
    assert app.get(path).status_code == 404


def test_refuses_an_authenticator_with_a_proof_that_is_too_old(app: NativeApp, org: Organisation) -> None:
    org.clock.advance(11 * MINUTE)
    refused(app.call("POST", AUTHENTICATORS, device()), 401, "fresh_mfa_required")
    save(org, Policy(authenticator=AuthenticatorPolicy(is_enabled=False)))
    refused(app.call("POST", AUTHENTICATORS, device()), 403, "method_disabled")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"deviceKey": {}}, "device_key_invalid"),
        ({"deviceKey": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}, "device_key_invalid"),
        ({"deviceKey": {"kty": "oct", "k": "AA"}}, "device_key_invalid"),
        ({"model": "none"}, "device_invalid"),
        ({"platform": "\u202e"}, "device_invalid"),
        ({"displayName": ""}, "name_invalid"),
    ],
)
def test_refuses_an_authenticator_that_is_none(app: NativeApp, changes: JSON, reason: str) -> None:
    refused(app.call("POST", AUTHENTICATORS, device(**changes)), 400, reason)


# --- attestation


def request_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def enrolment_code(org: Organisation) -> str:
    sealer = org.site.sealer
    org.administer(attestation_authority.create_authority, sealer, actor=None, now=org.clock())
    issued = org.administer(
        attestation.issue_code, sealer, model="sealed-file", person=org.person(), actor=None, now=org.clock()
    )
    return issued.code


def test_an_authenticator_gets_its_certificate(app: NativeApp, org: Organisation) -> None:
    code = enrolment_code(org)
    assert setup_of(app)["attestation"] == {"isOffered": True}
    sent = {"request": request_pem(), "model": MODELS[0], "code": code}
    answer = app.call("POST", ATTESTATION, sent)
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"serial", "certificates", "rpIds"}
    assert answer.json()["rpIds"] == [RP_ID]
    assert app.call("POST", ATTESTATION, sent).json() == answer.json()


def test_refuses_a_certificate_without_the_right_code(app: NativeApp, org: Organisation) -> None:
    enrolment_code(org)
    sent = {"request": request_pem(), "model": MODELS[0], "code": "wrong"}
    refused(app.call("POST", ATTESTATION, sent), 403, "attestation_code_wrong")


def test_refuses_to_guess_codes_for_long(app: NativeApp, org: Organisation) -> None:
    enrolment_code(org)
    sent = {"request": request_pem(), "model": MODELS[0], "code": "wrong"}
    answers = [app.call("POST", ATTESTATION, sent).status_code for _ in range(11)]
    assert answers == [403] * 10 + [429]


def test_refuses_a_certificate_with_a_proof_that_is_too_old(app: NativeApp, org: Organisation) -> None:
    org.clock.advance(11 * MINUTE)
    refused(app.call("POST", ATTESTATION, {"request": "x", "model": "x", "code": "x"}), 401, "fresh_mfa_required")


# --- reading


def test_shows_me(app: NativeApp, org: Organisation) -> None:
    me = app.get("/beta/me").json()
    assert me["@odata.context"] == f"{ORIGIN}/beta/$metadata#users/$entity"
    assert (me["id"], me["userPrincipalName"]) == (org.person().id, "ada@contoso.example")


def test_lists_every_method_and_no_secret(app: NativeApp) -> None:
    listed = app.get("/v1.0/me/authentication/methods").json()["value"]
    assert [one["@odata.type"].rpartition(".")[2] for one in listed] == [
        "passwordAuthenticationMethod",
        "softwareOathAuthenticationMethod",
    ]
    assert listed[0]["id"] == "28c10230-6103-485e-b985-444c60001490"
    for one in listed:
        shown = app.get(f"/v1.0/me/authentication/methods/{one['id']}").json()
        assert shown.pop("@odata.context")
        assert shown == one
    assert [one["id"] for one in app.get("/v1.0/me/authentication/passwordMethods").json()["value"]] == [
        listed[0]["id"]
    ]


def test_refuses_a_password_there_is_not(org: Organisation, app: NativeApp) -> None:
    org.administer(methods.delete_method, org.method("password").id)
    refused(app.get("/v1.0/me/authentication/methods/28c10230-6103-485e-b985-444c60001490"), 404, "method_unknown")
