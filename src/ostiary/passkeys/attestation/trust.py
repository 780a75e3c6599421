"""From an attestation certificate to an anchor we were given (RFC 5280 §6; WebAuthn L3 §7.1, steps 23 and 24).

A root that a statement brings along is never trusted: certificates in the statement can only be links. Revocation is
not known here; whoever keeps the anchors takes an authority or a model out of them.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from ostiary.passkeys import signatures
from ostiary.passkeys.attestation.certificates import (
    basic_constraints_of,
    extension_of,
    has_readable_extensions,
    is_current,
)
from ostiary.passkeys.reasons import CeremonyError

# RFC 5280 §6.1.4 (o): a critical extension nobody processed ends the path. Of these, basic constraints and key usage
# are processed below; the others restrict uses that attestation has not, or name the subject.
_PROCESSED: Final = frozenset(
    {
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.ExtendedKeyUsage.oid,
        x509.CertificatePolicies.oid,
        x509.SubjectAlternativeName.oid,
    }
)
_BROKEN_HASHES: Final = (hashes.MD5, hashes.SHA1)


def find_anchor(
    trust_path: Sequence[x509.Certificate],
    anchors: Collection[x509.Certificate],
    at: datetime,
    *,
    algorithms: Collection[int] = (),
) -> x509.Certificate | None:
    """The anchor that the first certificate of ``trust_path`` leads to at the given clock, or ``None``.

    The path is taken in the order it has in the statement, and may end with the anchor itself or just before it. An
    anchor that *is* the attestation certificate counts (WebAuthn L3 §7.1, step 24). A certificate signed by way of
    SHA-1 ends the path, unless the relying party names RS1 among its ``algorithms``.
    """
    issued = _issued_by_any_hash if signatures.RS1 in algorithms else _issued
    for depth, certificate in enumerate(trust_path):
        if not _is_acceptable(certificate, at):
            return None
        if depth and not _is_issuer(certificate, trust_path[:depth]):
            return None
        if certificate in anchors:
            return certificate
        below = trust_path[: depth + 1]
        # There may be hundreds of anchors: names first, they are cheap.
        for anchor in (anchor for anchor in anchors if anchor.subject == certificate.issuer):
            if _is_acceptable(anchor, at) and _may_anchor_issue(anchor, below) and issued(anchor, certificate):
                return anchor
        # The next certificate of the statement has to be this one's issuer, or the path ends here.
        if depth + 1 < len(trust_path) and not issued(trust_path[depth + 1], certificate):
            return None
    return None


def _is_acceptable(certificate: x509.Certificate, at: datetime) -> bool:
    if not has_readable_extensions(certificate):
        return False
    critical = {extension.oid for extension in certificate.extensions if extension.critical}
    return is_current(certificate, at) and critical <= _PROCESSED


def _is_issuer(certificate: x509.Certificate, below: Sequence[x509.Certificate]) -> bool:
    """RFC 5280 §6.1.4 (k)-(n): a CA that may sign certificates, with room for the ones below it."""
    constraints = basic_constraints_of(certificate)
    usage = _key_usage_of(certificate)
    if constraints is None or not constraints.ca or usage is None or not usage.key_cert_sign:
        return False
    return _has_room(constraints, below)


def _may_anchor_issue(anchor: x509.Certificate, below: Sequence[x509.Certificate]) -> bool:
    """RFC 5280 §6.1.1 (d): being an anchor is enough, also for an old root without extensions; what an anchor says
    against issuing is heard all the same."""
    constraints = basic_constraints_of(anchor)
    usage = _key_usage_of(anchor)
    if usage is not None and not usage.key_cert_sign:
        return False
    return constraints is None or (constraints.ca and _has_room(constraints, below))


def _has_room(constraints: x509.BasicConstraints, below: Sequence[x509.Certificate]) -> bool:
    # RFC 5280 §4.2.1.9: intermediates that are not self-issued count; the last certificate does not.
    intermediates = sum(certificate.subject != certificate.issuer for certificate in below[1:])
    return constraints.path_length is None or intermediates <= constraints.path_length


def _key_usage_of(certificate: x509.Certificate) -> x509.KeyUsage | None:
    extension = extension_of(certificate, x509.KeyUsage.oid)
    return extension.value if extension and isinstance(extension.value, x509.KeyUsage) else None


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether the names match and the signature verifies, by a hash that still means something."""
    try:
        if isinstance(certificate.signature_hash_algorithm, _BROKEN_HASHES):
            return False
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _issued_by_any_hash(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """As ``_issued``, and by RSA with SHA-1 too, which the library has to be asked for by name."""
    try:
        if not isinstance(certificate.signature_hash_algorithm, hashes.SHA1):
            return _issued(issuer, certificate)
        key = signatures.bind(issuer.public_key(), signatures.RS1)
    except (CeremonyError, ValueError, UnsupportedAlgorithm):
        return False
    return issuer.subject == certificate.issuer and key.is_valid(
        certificate.signature, certificate.tbs_certificate_bytes
    )
