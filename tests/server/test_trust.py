"""What attestation is trusted by, over HTTP: an administrator's roots, FIDO's metadata, and neither."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ostiary.clock import DAY, as_datetime
from ostiary.identity import trust
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.trust import Trust
from ostiary.settings import Settings
from ostiary.web.metadata_refresh import MetadataKeeper, MetadataSource, source_of
from tests.organisation import Browser, Organisation
from tests.passkeys.blobs import Service, entry, payload
from tests.policies import allow, save, with_rules
from tests.server.reading import recorded_problem
from tests.software_authenticator import AttestationAuthority, SoftwareAuthenticator

T = TypeVar("T")
MODEL = "6f737469-6172-792d-736f-667477617265"
OTHER_MODEL = "fa2b99dc-9e39-4257-8f92-4a30d23c4118"
REVOKED = [{"status": "REVOKED", "effectiveDate": "2025-01-01"}]


@pytest.fixture
def key() -> SoftwareAuthenticator:
    """A security key whose maker certifies it."""
    return SoftwareAuthenticator(attestation="packed", authority=AttestationAuthority())


def add_root(org: Organisation, key: SoftwareAuthenticator, *aaguids: str, encoding: Encoding = Encoding.PEM) -> None:
    certificate = key.root.public_bytes(encoding)
    org.administer(
        trust.add_root, name="Example", certificate=certificate, aaguids=aaguids, actor=None, now=org.clock()
    )


def enforce(org: Organisation, **rules: Any) -> None:
    save(org, with_rules(is_attestation_enforced=True, **rules))


class Downloads:
    """The metadata service as an operator reaches it, or does not."""

    def __init__(self, answer: Callable[[], bytes]) -> None:
        self.answer = answer
        self.asked = 0

    def __call__(self, url: str) -> bytes:
        self.asked += 1
        return self.answer()


def in_loop(org: Organisation, work: Callable[[], Awaitable[T]]) -> T:
    """On the loop the server runs on: it does its housekeeping there, and a database belongs to one loop."""
    assert org.client.portal is not None
    return org.client.portal.call(work)


def keeper(org: Organisation, service: Service, downloads: Downloads, *, is_accepted: bool = True) -> MetadataKeeper:
    source = MetadataSource("https://metadata.example/", service.root, is_accepted)
    return MetadataKeeper(org.database, org.site.trust, source, org.clock, downloads)


def blob(service: Service, key: SoftwareAuthenticator, *, number: int = 7, status: Any = None) -> bytes:
    entries = [entry(MODEL, roots=[key.root], status=status)]
    return service.sign(payload(*entries, no=number, nextUpdate="2030-01-01"))


# --- roots


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_root_an_administrator_added_vouches_for_its_model(
    org: Organisation, ada: Browser, key: SoftwareAuthenticator, encoding: Encoding
) -> None:
    enforce(org, key_restrictions=allow(MODEL))
    recorded_problem(ada, ada.register(key), 403, "attestation_required")
    add_root(org, key, MODEL, encoding=encoding)
    registered = ada.register(key)
    assert (registered.status_code, registered.json()["attestation"]) == (201, "attested")


def test_refuses_a_model_another_root_speaks_for(org: Organisation, ada: Browser, key: SoftwareAuthenticator) -> None:
    enforce(org)
    add_root(org, key, OTHER_MODEL)
    recorded_problem(ada, ada.register(key), 403, "attestation_required")


def test_refuses_a_root_inside_x5c(org: Organisation, ada: Browser) -> None:
    enforce(org)
    authority = AttestationAuthority()
    impostor = SoftwareAuthenticator(attestation="packed", authority=authority, chain=[authority.certificate])
    recorded_problem(ada, ada.register(impostor), 403, "attestation_required")


def test_a_root_removed_vouches_for_nothing_new(org: Organisation, ada: Browser, key: SoftwareAuthenticator) -> None:
    enforce(org)
    add_root(org, key)
    [root] = org.administer(trust.list_roots)
    org.administer(trust.remove_root, root.id, actor=None, now=org.clock())
    recorded_problem(ada, ada.register(key), 403, "attestation_required")
    with pytest.raises(Refusal, match=Reason.ROOT_UNKNOWN):
        org.administer(trust.remove_root, root.id, actor=None, now=org.clock())


@pytest.mark.parametrize("certificate", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\n", bytes(20_000)])
def test_refuses_what_is_no_certificate(org: Organisation, certificate: bytes) -> None:
    with pytest.raises(Refusal, match=Reason.CERTIFICATE_INVALID):
        org.administer(trust.add_root, name="x", certificate=certificate, aaguids=(), actor=None, now=org.clock())


def test_refuses_a_certificate_that_is_no_authority(org: Organisation, key: SoftwareAuthenticator) -> None:
    leaf = key.attestation_chain[0].public_bytes(Encoding.PEM)
    with pytest.raises(Refusal, match=Reason.CERTIFICATE_INVALID):
        org.administer(trust.add_root, name="x", certificate=leaf, aaguids=(), actor=None, now=org.clock())


def test_refuses_a_root_twice_and_an_aaguid_that_is_none(org: Organisation, key: SoftwareAuthenticator) -> None:
    add_root(org, key)
    with pytest.raises(Refusal, match=Reason.ROOT_EXISTS):
        add_root(org, key)
    with pytest.raises(Refusal, match=Reason.AAGUID_INVALID):
        add_root(org, SoftwareAuthenticator(attestation="packed"), "not-an-aaguid")


# --- metadata


def test_metadata_vouches_for_a_model(org: Organisation, ada: Browser, key: SoftwareAuthenticator) -> None:
    service = Service()
    enforce(org)
    downloads = Downloads(lambda: blob(service, key))
    assert in_loop(org, keeper(org, service, downloads).refresh)
    assert ada.register(key).json()["attestation"] == "attested"
    state = org.administer(trust.metadata_state, org.clock())
    assert state is not None
    assert (state.number, state.next_update, state.is_overdue) == (7, "2030-01-01", False)


def test_metadata_server_down(org: Organisation, ada: Browser, key: SoftwareAuthenticator) -> None:
    """Nothing waits for it: people sign in, and only what it would have to vouch for is refused."""

    def unreachable() -> bytes:
        raise OSError("no route to host")

    downloads = Downloads(unreachable)
    assert not in_loop(org, keeper(org, Service(), downloads).refresh)
    assert downloads.asked == 1
    laptop = SoftwareAuthenticator()
    assert ada.register(laptop).status_code == 201
    assert org.browser().sign_in_with(laptop).status_code == 200
    enforce(org)
    recorded_problem(ada, ada.register(key), 403, "attestation_required")


def test_what_was_verified_before_is_used_at_the_next_start(org: Organisation, key: SoftwareAuthenticator) -> None:
    service = Service()
    in_loop(org, keeper(org, service, Downloads(lambda: blob(service, key))).refresh)
    restarted = replace(org.site, trust=Trust())
    silent = Downloads(lambda: b"")
    in_loop(org, keeper(replace(org, site=restarted), service, silent).load)
    assert silent.asked == 0
    assert restarted.trust.metadata.number == 7


def test_refuses_a_blob_of_another_root(org: Organisation, key: SoftwareAuthenticator) -> None:
    assert not in_loop(org, keeper(org, Service(), Downloads(lambda: blob(Service(), key))).refresh)
    assert org.administer(trust.metadata_state, org.clock()) is None


def test_a_stored_blob_is_verified_again(org: Organisation, key: SoftwareAuthenticator) -> None:
    """Whoever writes into the database does not thereby say whom to trust."""
    service, stranger = Service(), Service()
    metadata = trust.load_metadata(blob(stranger, key), root=stranger.root, now=org.clock())
    org.administer(trust.keep_metadata, metadata, blob(stranger, key), now=org.clock())
    in_loop(org, keeper(org, service, Downloads(lambda: b"")).load)
    assert org.site.trust.metadata.number == 0


def test_nothing_is_downloaded_before_the_terms_are_accepted(org: Organisation, key: SoftwareAuthenticator) -> None:
    service = Service()
    downloads = Downloads(lambda: blob(service, key))
    assert not in_loop(org, keeper(org, service, downloads, is_accepted=False).refresh)
    assert downloads.asked == 0


def test_metadata_is_downloaded_again_when_it_is_due_and_only_forward(
    org: Organisation, key: SoftwareAuthenticator
) -> None:
    service = Service()
    due = as_datetime(org.clock() + DAY).date()
    numbers = iter([7, 6, 8])

    def next_blob() -> bytes:
        later: date = due if (number := next(numbers)) == 7 else due.replace(year=due.year + 1)
        return service.sign(payload(entry(MODEL, roots=[key.root]), no=number, nextUpdate=later.isoformat()))

    downloads = Downloads(next_blob)
    kept = keeper(org, service, downloads)
    assert in_loop(org, kept.refresh)
    assert not in_loop(org, kept.refresh)  # not due yet
    assert downloads.asked == 1
    org.clock.advance(3 * DAY)
    assert not in_loop(org, kept.refresh)  # an older one is not taken
    assert org.site.trust.metadata.number == 7
    assert in_loop(org, kept.refresh)
    assert org.site.trust.metadata.number == 8


def test_refuses_a_revoked_model_and_reports_those_in_use(
    org: Organisation, ada: Browser, key: SoftwareAuthenticator
) -> None:
    enforce(org)
    add_root(org, key, MODEL)
    assert ada.register(key).status_code == 201
    service = Service()
    in_loop(org, keeper(org, service, Downloads(lambda: blob(service, key, status=REVOKED))).refresh)
    another = SoftwareAuthenticator(attestation="packed", authority=key.authority)
    grace = org.signed_in("grace")
    recorded_problem(grace, grace.register(another), 403, "authenticator_compromised")
    at = as_datetime(org.clock())
    [reported] = org.administer(org.site.trust.compromised_passkeys, at)
    assert (reported.username, reported.aaguid) == ("ada@contoso.example", MODEL)
    assert org.browser().sign_in_with(key).status_code == 200  # reported, not locked out


def test_the_root_that_comes_with_us_is_the_one_fido_uses(tmp_path: Path) -> None:
    source = source_of(Settings(data=tmp_path))
    assert "GlobalSign Root CA - R3" in source.root.subject.rfc4514_string()
    assert source.is_accepted is False
