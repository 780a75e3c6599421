"""From an attestation certificate to an anchor, and what breaks the way (RFC 5280 §6)."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding

from ostiary.passkeys.attestation.trust import find_anchor
from ostiary.passkeys.signatures import RS1
from tests.passkeys.ceremonies import NOW
from tests.software_authenticator import AttestationAuthority, SoftwareAuthenticator, name

DAY = timedelta(days=1)


def leaf_of(authority: AttestationAuthority, **faults: Any) -> x509.Certificate:
    return SoftwareAuthenticator(attestation="packed", authority=authority).issue_attestation_certificate(**faults)


def leads_to(path: list[x509.Certificate], *anchors: x509.Certificate) -> x509.Certificate | None:
    return find_anchor(path, anchors, NOW)


def test_directly_issued() -> None:
    root = AttestationAuthority()
    assert leads_to([leaf_of(root)], AttestationAuthority().certificate, root.certificate) == root.certificate


def test_root_in_the_statement_is_no_anchor_by_itself() -> None:
    root = AttestationAuthority()
    path = [leaf_of(root), root.certificate]
    assert leads_to(path) is None
    assert leads_to(path, AttestationAuthority().certificate) is None
    assert leads_to(path, root.certificate) == root.certificate


def test_anchor_that_is_the_attestation_certificate() -> None:
    leaf = leaf_of(AttestationAuthority())
    assert leads_to([leaf], leaf) == leaf
    assert leads_to([leaf_of(AttestationAuthority())], leaf) is None


def test_through_an_intermediate() -> None:
    root = AttestationAuthority()
    middle = root.intermediate()
    path = [leaf_of(middle), middle.certificate]
    assert leads_to(path, root.certificate) == root.certificate
    assert leads_to([*path, root.certificate], root.certificate) == root.certificate
    assert leads_to(path, middle.certificate) == middle.certificate


def test_intermediate_missing_or_out_of_order() -> None:
    root = AttestationAuthority()
    middle = root.intermediate()
    lower = middle.intermediate(common_name="Example Lower")
    leaf = leaf_of(lower)
    assert leads_to([leaf, lower.certificate, middle.certificate], root.certificate) == root.certificate
    assert leads_to([leaf], root.certificate) is None
    assert leads_to([leaf, middle.certificate, lower.certificate], root.certificate) is None


@pytest.mark.parametrize(
    "faults",
    [
        {"ca": False},
        {"ca": None},
        {"key_cert_sign": False},
        {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY},
        {"not_before": NOW + DAY, "not_after": NOW + 9 * DAY},
        {"extensions": [(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]},
    ],
)
def test_intermediate_that_may_not_issue(faults: dict[str, Any]) -> None:
    root = AttestationAuthority()
    middle = root.intermediate(**faults)
    assert leads_to([leaf_of(middle), middle.certificate], root.certificate) is None


def test_attestation_certificate_does_not_issue() -> None:
    root = AttestationAuthority()
    holder = AttestationAuthority()
    # The holder of an attestation key tries to be an authority.
    holder.certificate = root.issue(subject=name(common_name="Example"), key=holder.key.public_key())
    assert leads_to([holder.certificate], root.certificate) == root.certificate
    assert leads_to([leaf_of(holder), holder.certificate], root.certificate) is None


def test_same_name_another_key() -> None:
    root, impostor = AttestationAuthority(), AttestationAuthority()
    assert root.certificate.subject == impostor.certificate.subject
    assert leads_to([leaf_of(impostor)], root.certificate) is None
    assert leads_to([leaf_of(impostor), impostor.certificate], root.certificate) is None
    assert leads_to([leaf_of(impostor), root.certificate], root.certificate) is None


@pytest.mark.parametrize(("room", "found"), [(0, False), (1, True), (None, True)])
def test_path_length(room: int | None, found: bool) -> None:
    root = AttestationAuthority()
    middle = root.intermediate(path_length=room)
    lower = middle.intermediate(common_name="Example Lower")
    path = [leaf_of(lower), lower.certificate, middle.certificate]
    assert (leads_to(path, root.certificate) is not None) is found
    assert (leads_to(path[:2], middle.certificate) is not None) is found


def test_expired_anchor() -> None:
    root = AttestationAuthority(not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    leaf = leaf_of(root, not_after=NOW + 9 * DAY)
    assert leads_to([leaf], root.certificate) is None
    assert find_anchor([leaf], [root.certificate], NOW - 2 * DAY) == root.certificate


def test_anchor_that_says_it_is_no_authority() -> None:
    root = AttestationAuthority()
    for ca, key_cert_sign in ((False, True), (True, False)):
        anchor = root.issue(
            subject=root.certificate.subject, key=root.key.public_key(), ca=ca, key_cert_sign=key_cert_sign
        )
        assert leads_to([leaf_of(root)], anchor) is None


def test_anchor_without_extensions() -> None:
    root = AttestationAuthority()
    anchor = root.issue(subject=root.certificate.subject, key=root.key.public_key(), ca=None)
    assert leads_to([leaf_of(root)], anchor) == anchor


SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d010105")


def test_broken_hash() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    root, subject = AttestationAuthority(), name(common_name="RSA Root", unit="")
    anchor = root.issue(subject=subject, key=key.public_key(), ca=True, issuer=subject)
    leaf = x509.CertificateBuilder(
        issuer_name=subject,
        subject_name=name(common_name="Example"),
        public_key=root.key.public_key(),
        serial_number=1,
        not_valid_before=NOW - DAY,
        not_valid_after=NOW + DAY,
    ).sign(key, hashes.SHA256())
    assert leads_to([leaf], anchor) == anchor
    # The same certificate, really signed by way of SHA-1.
    body = leaf.tbs_certificate_bytes.replace(SHA256_WITH_RSA, SHA1_WITH_RSA)
    encoded = leaf.public_bytes(Encoding.DER).replace(SHA256_WITH_RSA, SHA1_WITH_RSA)
    encoded = encoded.replace(leaf.signature, key.sign(body, PKCS1v15(), hashes.SHA1()))
    broken = x509.load_der_x509_certificate(encoded)
    assert isinstance(broken.signature_hash_algorithm, hashes.SHA1)
    assert leads_to([broken], anchor) is None
    # Unless the relying party names RSA with SHA-1 among its algorithms.
    assert find_anchor([broken], [anchor], NOW, algorithms=[RS1]) == anchor
    assert find_anchor([leaf], [anchor], NOW, algorithms=[RS1]) == anchor
    damaged = x509.load_der_x509_certificate(encoded[:-1] + bytes([encoded[-1] ^ 1]))
    assert find_anchor([damaged], [anchor], NOW, algorithms=[RS1]) is None
    assert find_anchor([broken], [root.certificate], NOW, algorithms=[RS1]) is None
