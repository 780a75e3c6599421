"""Passkeys in Authenticators the organisation enrolled, and in those it did not."""

import httpx2 as httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text

from ostiary.identity import attestation_authority, attestation_vouchers, trust
from ostiary.passkeys import Aaguid
from ostiary.passkeys.providers import AUTHENTICATOR_SEALED_FILE, AUTHENTICATOR_TPM
from tests.organisation import Browser, Organisation
from tests.policies import allow, save, with_rules
from tests.server.attestation.conftest import Authenticator, Desk
from tests.software_authenticator import DEFAULT_AAGUID, AttestationAuthority, SoftwareAuthenticator


def enforce(org: Organisation, *models: Aaguid) -> None:
    restrictions = {"key_restrictions": allow(*map(str, models))} if models else {}
    save(org, with_rules(is_attestation_enforced=True, **restrictions))


def refused(browser: Browser, response: httpx.Response, status: int, code: str) -> None:
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert browser.get(f"/help/{problem['reference']}").status_code == 200


def test_an_enrolled_authenticator_is_attested(org: Organisation, desk: Desk, ada: Browser) -> None:
    enforce(org, AUTHENTICATOR_SEALED_FILE)
    authenticator, _ = desk.enrolled()
    registered = ada.register(authenticator)
    assert (registered.status_code, registered.json()["attestation"]) == (201, "attested")
    assert registered.json()["name"].startswith("Ostiary Authenticator")
    assert org.browser().sign_in_with(authenticator).status_code == 200


def test_refuses_an_authenticator_nobody_enrolled(org: Organisation, desk: Desk, ada: Browser) -> None:
    """It attests with its credential's own key, which proves nothing about it."""
    enforce(org)
    refused(ada, ada.register(Authenticator()), 403, "attestation_required")


def test_self_attestation_is_never_attested(org: Organisation, desk: Desk, ada: Browser) -> None:
    save(org, with_rules(key_restrictions=allow(str(AUTHENTICATOR_SEALED_FILE))))
    registered = ada.register(Authenticator())
    assert registered.status_code == 201
    [credential] = org.credentials()
    assert credential.attestation_kind in ("self", "none")


def test_an_allow_list_with_enforcement_does_not_match_a_self_attested_model(
    org: Organisation, desk: Desk, ada: Browser
) -> None:
    enforce(org, AUTHENTICATOR_SEALED_FILE)
    refused(ada, ada.register(Authenticator()), 403, "attestation_required")


def test_refuses_a_certificate_of_another_model(org: Organisation, desk: Desk, ada: Browser) -> None:
    """A software store that claims to be a TPM with the certificate it was given."""
    enforce(org)
    authenticator, _ = desk.enrolled()
    authenticator.aaguid = AUTHENTICATOR_TPM.raw
    refused(ada, ada.register(authenticator), 400, "attestation_certificate_invalid")


def test_our_authority_vouches_for_no_other_model(org: Organisation, desk: Desk) -> None:
    [authority] = org.administer(attestation_authority.list_authorities)
    store = org.administer(org.site.trust.store)
    for aaguid in (Aaguid(DEFAULT_AAGUID), Aaguid.parse("fa2b99dc-9e39-4257-8f92-4a30d23c4118"), Aaguid(bytes(16))):
        assert store.anchors_for(aaguid, "packed") == ()
    for aaguid in (AUTHENTICATOR_SEALED_FILE, AUTHENTICATOR_TPM):
        assert store.anchors_for(aaguid, "packed") == (authority.certificate,)


@pytest.mark.parametrize("has_authority", [True, False])
def test_refuses_another_authority_for_our_models(org: Organisation, ada: Browser, has_authority: bool) -> None:
    """Not even a root an administrator added for models nobody else speaks for."""
    if has_authority:
        Desk(org).create()
    enforce(org)
    impostor = SoftwareAuthenticator(
        aaguid=AUTHENTICATOR_SEALED_FILE.raw, attestation="packed", authority=AttestationAuthority()
    )
    root = impostor.root.public_bytes(Encoding.DER)
    org.administer(trust.add_root, name="Any", certificate=root, aaguids=(), actor=None, now=org.clock())
    refused(ada, ada.register(impostor), 403, "attestation_required")


def test_refuses_a_revoked_certificate(org: Organisation, desk: Desk, ada: Browser) -> None:
    enforce(org)
    authenticator, enrolment = desk.enrolled()
    desk.revoke(enrolment.serial)
    refused(ada, ada.register(authenticator), 403, "authenticator_revoked")
    assert org.credentials() == []


def test_refuses_a_revoked_certificate_also_after_its_authority_was_removed(
    org: Organisation, desk: Desk, ada: Browser
) -> None:
    authenticator, enrolment = desk.enrolled()
    desk.revoke(enrolment.serial)
    [authority] = org.administer(attestation_authority.list_authorities)
    org.administer(attestation_authority.remove_authority, authority.id, actor=None, now=org.clock())
    enforce(org)
    refused(ada, ada.register(authenticator), 403, "authenticator_revoked")


def test_refuses_a_certificate_of_ours_that_is_not_recorded(org: Organisation, desk: Desk, ada: Browser) -> None:
    """As after an older backup came back: a revocation may be among what is missing."""
    enforce(org)
    authenticator, _ = desk.enrolled()
    with org.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM enrolled_authenticators"))
    refused(ada, ada.register(authenticator), 403, "authenticator_revoked")


def test_passkeys_of_a_revoked_certificate_are_listed(org: Organisation, desk: Desk, ada: Browser) -> None:
    enforce(org)
    authenticator, enrolment = desk.enrolled()
    assert ada.register(authenticator).status_code == 201
    assert org.administer(attestation_vouchers.passkeys_of_revoked) == []
    desk.revoke(enrolment.serial)
    [passkey] = org.administer(attestation_vouchers.passkeys_of_revoked)
    assert (passkey.username, passkey.aaguid) == ("ada@contoso.example", str(AUTHENTICATOR_SEALED_FILE))
    # it signs in until somebody removes it: attestation is judged at registration
    assert org.browser().sign_in_with(authenticator).status_code == 200


def test_what_a_replaced_authority_issued_stays_good_until_it_is_removed(
    org: Organisation, desk: Desk, ada: Browser
) -> None:
    enforce(org)
    older, _ = desk.enrolled("ada")
    [first] = org.administer(attestation_authority.list_authorities)
    org.clock.advance(1000)
    desk.create(is_replacing=True)
    newer, _ = desk.enrolled("grace")
    assert ada.register(older).status_code == 201
    assert org.signed_in("grace").register(newer).status_code == 201
    org.administer(attestation_authority.remove_authority, first.id, actor=None, now=org.clock())
    older.credentials.clear()
    ada.confirm()
    for passkey in [one for one in org.methods() if one.kind == "passkey"]:
        assert ada.request("DELETE", f"/security-info/methods/{passkey.id}").status_code == 204
    refused(ada, ada.register(older), 403, "attestation_required")
