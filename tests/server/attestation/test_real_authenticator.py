"""The Authenticator itself, with its engine, its key store and its client, before the server: enrolled and not."""

from typing import Any

import httpx2 as httpx
import pytest

from ostiary.authenticator import AttestationIdentity, AutomaticVerifier, Engine
from ostiary.authenticator.app.certificate_request import certificate_request
from ostiary.authenticator.client import create
from ostiary.authenticator.keys import VaultKeyStore, memory_key_store
from ostiary.authenticator.models import SEALED_FILE
from ostiary.identity import attestation_authority
from tests.organisation import ORIGIN, Browser, Organisation
from tests.policies import allow, save, with_rules
from tests.server.attestation.conftest import Desk

MODEL = "36b6d75b-7c4f-4cb5-9c0d-a65f9d280624"


@pytest.fixture
def keys() -> VaultKeyStore:
    return memory_key_store(aaguid=SEALED_FILE)


@pytest.fixture(autouse=True)
def enforced(org: Organisation) -> None:
    save(org, with_rules(is_attestation_enforced=True, key_restrictions=allow(MODEL)))


def register(browser: Browser, keys: VaultKeyStore) -> httpx.Response:
    options: dict[str, Any] = browser.send("/security-info/passkeys/options", {}).json()
    engine = Engine(keys=keys, verifier=AutomaticVerifier())
    return browser.send("/security-info/passkeys", create(engine, options, origin=ORIGIN))


def enrol(desk: Desk, keys: VaultKeyStore) -> str:
    handle = "attestation"
    public_key = keys.generate_key(handle)
    request = certificate_request(public_key, lambda data: keys.sign_with(handle, data))
    enrolment = desk.enrol(request, desk.code())
    keys.enrol(AttestationIdentity(frozenset(enrolment.rp_ids), enrolment.certificates, handle.encode()))
    return enrolment.serial


def test_an_enrolled_authenticator_is_attested(
    org: Organisation, desk: Desk, ada: Browser, keys: VaultKeyStore
) -> None:
    enrol(desk, keys)
    registered = register(ada, keys)
    assert (registered.status_code, registered.json()["attestation"]) == (201, "attested")
    [credential] = org.credentials()
    assert (credential.aaguid, credential.backup_eligible) == (MODEL, False)


def test_refuses_an_authenticator_nobody_enrolled(
    org: Organisation, desk: Desk, ada: Browser, keys: VaultKeyStore
) -> None:
    refused = register(ada, keys)
    assert (refused.status_code, refused.json()["code"]) == (403, "attestation_required")


def test_refuses_an_authenticator_that_was_revoked(desk: Desk, ada: Browser, keys: VaultKeyStore) -> None:
    desk.revoke(enrol(desk, keys))
    refused = register(ada, keys)
    assert (refused.status_code, refused.json()["code"]) == (403, "authenticator_revoked")


def test_refuses_an_authenticator_of_an_authority_that_was_removed(
    org: Organisation, desk: Desk, ada: Browser, keys: VaultKeyStore
) -> None:
    enrol(desk, keys)
    [authority] = org.administer(attestation_authority.list_authorities)
    org.administer(attestation_authority.remove_authority, authority.id, actor=None, now=org.clock())
    refused = register(ada, keys)
    assert (refused.status_code, refused.json()["code"]) == (403, "attestation_required")
