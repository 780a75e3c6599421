"""Why metadata was refused.

MetadataError       the one exception of this package; carries a MetadataReason
"""

from enum import StrEnum


class MetadataReason(StrEnum):
    """Machine-readable cause of a refusal: stored and shown to administrators."""

    # The BLOB as a message
    MALFORMED_BLOB = "malformed_blob"
    ALGORITHM_REFUSED = "algorithm_refused"
    CERTIFICATES_INVALID = "certificates_invalid"
    SIGNER_UNTRUSTED = "signer_untrusted"
    SIGNER_MISMATCH = "signer_mismatch"
    SIGNATURE_INVALID = "signature_invalid"

    # What it says
    MALFORMED_PAYLOAD = "malformed_payload"
    NUMBER_NOT_RISING = "number_not_rising"

    # A local statement
    MALFORMED_STATEMENT = "malformed_statement"
    ALREADY_PRESENT = "already_present"


class MetadataError(Exception):
    """Metadata was refused. ``reason`` is for programs; ``detail`` is for logs."""

    def __init__(self, reason: MetadataReason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
