"""What can be wrong with what the other side sent."""

from enum import StrEnum


class HybridReason(StrEnum):
    QR_NOT_FIDO = "qr_not_fido"
    QR_DAMAGED = "qr_damaged"
    QR_EXPIRED = "qr_expired"
    DOMAIN_UNKNOWN = "domain_unknown"
    HANDSHAKE_FAILED = "handshake_failed"
    MESSAGE_FORGED = "message_forged"
    MESSAGE_MALFORMED = "message_malformed"
    MESSAGE_UNEXPECTED = "message_unexpected"
    TOO_MANY_MESSAGES = "too_many_messages"
    CTAP_NOT_OFFERED = "ctap_not_offered"
    LINK_FORGED = "link_forged"


class HybridError(Exception):
    """The transaction is over, except for `LINK_FORGED`, which loses nothing but the link. `detail` is for the log and
    never holds a key."""

    def __init__(self, reason: HybridReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
