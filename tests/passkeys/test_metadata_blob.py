"""The BLOB of a metadata service: which one is taken, and what makes one refused (FIDO Metadata Service 3.1 §3.2)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from ostiary.passkeys import Aaguid, base64url
from ostiary.passkeys.metadata import Metadata, MetadataError, MetadataReason, verify_blob
from tests.passkeys.blobs import Service, entry, payload
from tests.passkeys.ceremonies import NOW
from tests.passkeys.statements import host_certificate
from tests.software_authenticator import AttestationAuthority

DAY = timedelta(days=1)
SERVICE = Service()
KEY = "11111111-2222-3333-4444-555555555555"
CONTENT = payload(entry(KEY))


def verify(blob: bytes, service: Service = SERVICE, **arguments: Any) -> Metadata:
    return verify_blob(blob, **{"root": service.root, "at": NOW, "newer_than": None, **arguments})


@contextmanager
def refuses(reason: MetadataReason) -> Iterator[None]:
    with pytest.raises(MetadataError) as caught:
        yield
    assert caught.value.reason is reason, str(caught.value)


@pytest.mark.parametrize("arguments", [{}, {"rsa": True}, {"through_intermediate": True}])
def test_accepts_signed_blob(arguments: dict[str, Any]) -> None:
    service = Service(**arguments)
    metadata = verify(service.sign(CONTENT), service)
    assert (metadata.number, metadata.next_update, metadata.legal_header) == (7, date(2026, 7, 1), "Terms apply.")
    assert metadata.entry(Aaguid.parse(KEY)) is not None
    assert metadata.unreadable == ()


def test_accepts_blob_that_ends_with_a_line_break() -> None:
    assert verify(SERVICE.sign(CONTENT) + b"\n").number == 7


def test_refuses_another_root() -> None:
    with refuses(MetadataReason.SIGNER_UNTRUSTED):
        verify(SERVICE.sign(CONTENT), root=AttestationAuthority().certificate)


def test_a_root_inside_x5c_is_not_trusted() -> None:
    impostor = Service()
    impostor.x5c.append(impostor.root.public_bytes(Encoding.DER))
    assert impostor.root.subject == SERVICE.root.subject
    with refuses(MetadataReason.SIGNER_UNTRUSTED):
        verify(impostor.sign(CONTENT))


@pytest.mark.parametrize("dates", [(-9 * DAY, -DAY), (DAY, 9 * DAY)])
def test_refuses_chain_out_of_date(dates: tuple[timedelta, timedelta]) -> None:
    service = Service(not_before=NOW + dates[0], not_after=NOW + dates[1])
    with refuses(MetadataReason.SIGNER_UNTRUSTED):
        verify(service.sign(CONTENT), service)
    assert verify(service.sign(CONTENT), service, at=NOW + dates[0] + DAY).number == 7


def test_refuses_chain_without_its_intermediate() -> None:
    service = Service(through_intermediate=True)
    del service.x5c[1:]
    with refuses(MetadataReason.SIGNER_UNTRUSTED):
        verify(service.sign(CONTENT), service)


@pytest.mark.parametrize(
    "arguments",
    [
        {"host": "mds.example"},
        host_certificate("mds.fidoalliance.org", alternative="mds.example"),
        host_certificate("mds.fidoalliance.org", alternative="*.fidoalliance.org"),
        host_certificate("mds.fidoalliance.org.example", alternative=""),
    ],
)
def test_refuses_certificate_of_another_host(arguments: dict[str, Any]) -> None:
    service = Service(**arguments)
    with refuses(MetadataReason.SIGNER_MISMATCH):
        verify(service.sign(CONTENT), service)


def test_accepts_certificate_that_has_the_host_for_common_name() -> None:
    service = Service(**host_certificate("mds.fidoalliance.org", alternative=""))
    assert verify(service.sign(CONTENT), service).number == 7


def test_refuses_signature_of_another_key() -> None:
    service = Service()
    service.key = ec.generate_private_key(ec.SECP256R1())
    with refuses(MetadataReason.SIGNATURE_INVALID):
        verify(service.sign(CONTENT), service)


def test_refuses_tampered_payload() -> None:
    header, content, signature = SERVICE.sign(CONTENT).split(b".")
    changed = json.loads(base64url.decode(content.decode()))
    changed["no"] = 8
    other = base64url.encode_to_bytes(json.dumps(changed).encode())
    with refuses(MetadataReason.SIGNATURE_INVALID):
        verify(b".".join((header, other, signature)))


@pytest.mark.parametrize("edit", [lambda data: b"", lambda data: data[:-1], lambda data: data[::-1]])
def test_refuses_damaged_signature(edit: Any) -> None:
    with refuses(MetadataReason.SIGNATURE_INVALID):
        verify(SERVICE.sign(CONTENT, edit_signature=edit))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "PS256", "RS1", "ES256K", "", None, 7])
def test_refuses_algorithm(algorithm: Any) -> None:
    with refuses(MetadataReason.ALGORITHM_REFUSED):
        verify(SERVICE.sign(CONTENT, header={"alg": algorithm}))


def test_refuses_hmac_keyed_with_the_certificate() -> None:
    """The confusion itself: what everybody knows, used as a secret."""
    unsigned = SERVICE.sign(CONTENT, header={"alg": "HS256"}).rsplit(b".", 1)[0]
    signature = hmac.digest(SERVICE.x5c[0], unsigned, hashlib.sha256)
    with refuses(MetadataReason.ALGORITHM_REFUSED):
        verify(unsigned + b"." + base64url.encode_to_bytes(signature))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS256"},
        {"x5c": None},
        {"x5c": None, "x5u": "https://mds.fidoalliance.org/chain"},
        {"x5c": []},
        {"x5c": "text"},
        {"x5c": [7]},
        {"x5c": ["not base64"]},
        {"x5c": [base64.b64encode(b"not a certificate").decode()]},
    ],
)
def test_refuses_certificates(header: dict[str, Any]) -> None:
    with refuses(MetadataReason.CERTIFICATES_INVALID):
        verify(SERVICE.sign(CONTENT, header=header))


def test_refuses_header_that_asks_for_more() -> None:
    with refuses(MetadataReason.MALFORMED_BLOB):
        verify(SERVICE.sign(CONTENT, header={"crit": ["b64"], "b64": False}))


@pytest.mark.parametrize("newer_than", [7, 8, 10**9])
def test_refuses_number_that_does_not_rise(newer_than: int) -> None:
    with refuses(MetadataReason.NUMBER_NOT_RISING):
        verify(SERVICE.sign(CONTENT), newer_than=newer_than)
    assert verify(SERVICE.sign(CONTENT), newer_than=6).number == 7


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"no": 1, "no": 2, "nextUpdate": "2026-07-01", "entries": []}',
        b'{"no": NaN, "nextUpdate": "2026-07-01", "entries": []}',
        payload(no="7"),
        payload(no=True),
        payload(no=-1),
        payload(entries={}),
        payload(nextUpdate="soon"),
        payload(nextUpdate="20260701"),
        payload(nextUpdate="2026-02-30"),
        payload(nextUpdate=None),
    ],
)
def test_refuses_payload(content: object) -> None:
    with refuses(MetadataReason.MALFORMED_PAYLOAD):
        verify(SERVICE.sign(content))


def test_overdue_blob_is_read_and_says_so() -> None:
    metadata = verify(SERVICE.sign(CONTENT))
    assert not metadata.is_overdue(datetime(2026, 7, 1, 23, 59, tzinfo=UTC))
    assert metadata.is_overdue(datetime(2026, 7, 2, tzinfo=UTC))


def test_the_clock_must_be_aware() -> None:
    with pytest.raises(TypeError):
        verify(SERVICE.sign(CONTENT), at=datetime(2026, 6, 1))  # noqa: DTZ001


def test_refuses_blob_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.passkeys.metadata.blob.MAX_BLOB", 100)
    with refuses(MetadataReason.MALFORMED_BLOB):
        verify(SERVICE.sign(CONTENT))


GOOD = SERVICE.sign(CONTENT)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=10), values, max_size=3),
    max_leaves=10,
)
PARTS = JSON_VALUES.map(lambda value: base64url.encode_to_bytes(json.dumps(value).encode())) | st.binary(max_size=50)


@given(st.binary(max_size=300) | st.lists(PARTS, min_size=2, max_size=4).map(b".".join))
def test_garbage_is_refused_with_a_reason(blob: bytes) -> None:
    with pytest.raises(MetadataError):
        verify(blob)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_with_a_reason(place: int, change: int) -> None:
    changed = GOOD[:place] + bytes([GOOD[place] ^ change]) + GOOD[place + 1 :]
    if changed.strip() == GOOD:
        return
    with pytest.raises(MetadataError):
        verify(changed)


NAMES = st.sampled_from(
    [
        "aaguid",
        "attestationCertificateKeyIdentifiers",
        "metadataStatement",
        "statusReports",
        "attestationRootCertificates",
        "authenticatorGetInfo",
        "userVerificationDetails",
        "options",
    ]
)


@given(st.lists(st.dictionaries(NAMES, JSON_VALUES | st.dictionaries(NAMES, JSON_VALUES), max_size=4) | JSON_VALUES))
def test_odd_entries_are_passed_over_and_named(entries: list[Any]) -> None:
    metadata = Metadata.from_payload(payload(entry(KEY), *entries))
    known = metadata.entry(Aaguid.parse(KEY))
    assert known is not None and known.attestation_roots == ()


def test_a_payload_as_large_as_the_real_one_is_read_quickly() -> None:
    icon = "data:image/png;base64," + "A" * 25_000
    entries = [entry(f"{number:08x}-2222-3333-4444-555555555555", icon=icon) for number in range(350)]
    blob = SERVICE.sign(payload(*entries))
    assert len(blob) > 9_000_000
    started = time.process_time()
    assert len(list(verify(blob).entries)) == 350
    assert time.process_time() - started < 1.5
