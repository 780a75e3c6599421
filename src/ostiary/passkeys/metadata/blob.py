"""The BLOB of the FIDO Metadata Service, verified (FIDO Metadata Service 3.1 §3.1.7, §3.2)."""

from datetime import datetime
from typing import Final

from cryptography import x509

from ostiary.passkeys import jws
from ostiary.passkeys.attestation.certificates import is_for_host
from ostiary.passkeys.attestation.trust import find_anchor
from ostiary.passkeys.metadata.errors import MetadataError, MetadataReason
from ostiary.passkeys.metadata.metadata import Metadata

HOST: Final = "mds.fidoalliance.org"
"""Whom the signing certificate is issued to."""

MAX_BLOB: Final = 64 * 1024 * 1024
"""Five times what it is in 2026."""


def verify_blob(blob: bytes, *, root: x509.Certificate, at: datetime, newer_than: int | None) -> Metadata:
    """Verify a BLOB step by step, as MDS 3.1 §3.2 has it, and read it.

    ``root`` is the service's root certificate, from the operator and never from the BLOB. ``at`` judges the dates of
    the certificates and must be aware. ``newer_than`` is the number of the BLOB in use: one that is not newer is
    refused, so that nobody can bring back a time before a revocation.

    Revocation of the signing certificates is not checked, against step 4 of that section: it would take fetching lists,
    and this package fetches nothing. What stands in for it is that the operator downloads the BLOB from the service by
    TLS, that the certificates are short-lived, and that the number rises. ``x5u`` is not followed, for the same reason.

    A BLOB past its ``nextUpdate`` is accepted; ``Metadata.is_overdue`` tells. Raises ``MetadataError``.
    """
    if at.tzinfo is None:
        raise TypeError("the clock must be aware")
    if len(blob) > MAX_BLOB:
        raise MetadataError(MetadataReason.MALFORMED_BLOB, f"{len(blob)} bytes")
    try:
        # What is downloaded may end with a line break.
        message = jws.parse_compact(blob.strip())
        _ = message.algorithm
        chain = message.certificates()
        is_signed = message.is_signed_by(chain[0])
    except jws.JwsAlgorithmError as error:
        raise MetadataError(MetadataReason.ALGORITHM_REFUSED, str(error)) from error
    except jws.JwsCertificateError as error:
        raise MetadataError(MetadataReason.CERTIFICATES_INVALID, str(error)) from error
    except jws.JwsError as error:
        raise MetadataError(MetadataReason.MALFORMED_BLOB, str(error)) from error
    # Step 5
    if find_anchor(chain, [root], at) is None:
        raise MetadataError(MetadataReason.SIGNER_UNTRUSTED, "the certificates do not lead to the root")
    if not is_for_host(chain[0], HOST):
        raise MetadataError(MetadataReason.SIGNER_MISMATCH, f"the signer is not {HOST}")
    # Step 6
    if not is_signed:
        raise MetadataError(MetadataReason.SIGNATURE_INVALID)
    try:
        metadata = Metadata.from_payload(jws.read_json(message.payload))
    except jws.JwsError as error:
        raise MetadataError(MetadataReason.MALFORMED_PAYLOAD, str(error)) from error
    if newer_than is not None and metadata.number <= newer_than:
        raise MetadataError(MetadataReason.NUMBER_NOT_RISING, f"{metadata.number} after {newer_than}")
    return metadata
