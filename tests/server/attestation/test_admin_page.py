"""`/admin/trust`: the authority, whom it vouches for, and what is to be done."""

from cryptography.hazmat.primitives.hashes import SHA256

from ostiary.identity import attestation_authority
from tests.organisation import Organisation
from tests.policies import save, with_rules
from tests.server.attestation.conftest import Desk
from tests.server.reading import text_of


def test_says_how_to_begin(org: Organisation) -> None:
    page = text_of(org.signed_in("admin").get("/admin/trust"))
    assert "No attestation authority yet" in page
    assert "ostiary admin attestation init" in page


def test_shows_the_authority_and_how_to_enrol(org: Organisation, desk: Desk) -> None:
    [authority] = org.administer(attestation_authority.list_authorities)
    page = text_of(org.signed_in("admin").get("/admin/trust"))
    assert authority.certificate.fingerprint(SHA256()).hex(":").upper() in page
    assert "Our attestation authority" in page
    assert "None is enrolled yet" in page
    assert "ostiary admin attestation code --for USER" in page


def test_shows_the_enrolled_and_the_passkeys_of_the_revoked(org: Organisation, desk: Desk) -> None:
    save(org, with_rules(is_attestation_enforced=True))
    authenticator, enrolment = desk.enrolled()
    assert org.signed_in("ada").register(authenticator).status_code == 201
    administrator = org.signed_in("admin")
    page = text_of(administrator.get("/admin/trust"))
    assert enrolment.serial in page
    assert "Passkeys that nobody vouches for any more" not in page
    desk.revoke(enrolment.serial)
    page = text_of(administrator.get("/admin/trust"))
    assert "revoked" in page
    assert "Passkeys that nobody vouches for any more" in page
