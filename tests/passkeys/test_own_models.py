"""What we say about the Ostiary Authenticator, in the schema of the FIDO Metadata Service."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fido2 import cbor

from ostiary.authenticator import AutomaticVerifier, Engine, models
from ostiary.authenticator.keys import memory_key_store
from ostiary.passkeys import Aaguid, ProviderKind, provider_of
from ostiary.passkeys.metadata import NO_METADATA, OWN_MODELS, Metadata, StatusKind, status_verdict, with_own_models
from ostiary.passkeys.providers import AUTHENTICATOR_SEALED_FILE, AUTHENTICATOR_TPM
from tests.passkeys.blobs import entry, payload
from tests.software_authenticator import AttestationAuthority


def test_both_sides_agree_on_the_aaguids() -> None:
    assert AUTHENTICATOR_SEALED_FILE.raw == models.SEALED_FILE
    assert AUTHENTICATOR_TPM.raw == models.TPM
    assert {AUTHENTICATOR_SEALED_FILE, AUTHENTICATOR_TPM} == OWN_MODELS


@pytest.mark.parametrize(
    ("aaguid", "name", "protection"),
    [
        (AUTHENTICATOR_SEALED_FILE, "Ostiary Authenticator", {"software"}),
        (AUTHENTICATOR_TPM, "Ostiary Authenticator (TPM)", {"hardware"}),
    ],
)
def test_a_statement_of_each(aaguid: Aaguid, name: str, protection: set[str]) -> None:
    root = AttestationAuthority().certificate
    stated = with_own_models(NO_METADATA, [root]).entry(aaguid)
    assert stated is not None
    assert (stated.description, set(stated.key_protection), stated.is_local) == (name, protection, True)
    assert stated.attestation_types == {"basic_full", "basic_surrogate"}
    assert stated.attestation_roots == (root,)
    assert stated.is_fido2
    assert stated.supports_discoverable_credentials
    assert stated.supports_user_verification
    assert stated.multi_device_credentials == "unsupported"
    assert status_verdict(stated, datetime(2026, 11, 20, tzinfo=UTC)).kind is StatusKind.PLAIN
    provider = provider_of(aaguid)
    assert provider is not None
    assert (provider.name, provider.kind) == (name, ProviderKind.AUTHENTICATOR)


def test_the_statement_says_what_the_authenticator_says() -> None:
    """authenticatorGetInfo (CTAP 2.1 §6.4)."""
    engine = Engine(keys=memory_key_store(pin="4711"), verifier=AutomaticVerifier())
    answer = engine.ctap2(b"\x04")
    info: Any = cbor.decode(answer[1:])
    stated = with_own_models(NO_METADATA, []).entry(Aaguid(info[3]))
    assert stated is not None
    assert (stated.versions, stated.extensions) == (frozenset(info[1]), frozenset(info[2]))
    assert stated.options <= {name for name, value in info[4].items() if value}
    assert stated.client_pin_option


def test_without_an_authority_nothing_vouches_for_them() -> None:
    for aaguid in OWN_MODELS:
        stated = with_own_models(NO_METADATA, []).entry(aaguid)
        assert stated is not None
        assert stated.attestation_roots == ()


def test_what_is_published_about_ours_wins() -> None:
    published = AttestationAuthority().certificate
    revoked = [{"status": "REVOKED", "effectiveDate": "2025-01-01"}]
    listed = entry(str(AUTHENTICATOR_SEALED_FILE), roots=[published], status=revoked)
    metadata = Metadata.from_payload(payload(listed, nextUpdate="2030-01-01"))
    both = with_own_models(metadata, [AttestationAuthority().certificate])
    stated = both.entry(AUTHENTICATOR_SEALED_FILE)
    assert stated is not None
    assert stated.attestation_roots == (published,)
    other = both.entry(AUTHENTICATOR_TPM)
    assert other is not None
    assert other.is_local
