"""Authenticator data (WebAuthn L3 §6.1). Backup eligibility and state are always 0: these keys go nowhere."""

import hashlib
from typing import Any, Final

from ostiary.authenticator.engine import cbor

USER_PRESENT: Final = 0x01
USER_VERIFIED: Final = 0x04
_ATTESTED: Final = 0x40
_EXTENSIONS: Final = 0x80


def build(
    rp_id: str,
    sign_count: int,
    extensions: dict[int | str, Any],
    *,
    is_present: bool,
    is_verified: bool,
    attested: bytes = b"",
) -> bytes:
    flags = (
        (USER_PRESENT if is_present else 0)
        | (USER_VERIFIED if is_verified else 0)
        | (_ATTESTED if attested else 0)
        | (_EXTENSIONS if extensions else 0)
    )
    start = hashlib.sha256(rp_id.encode()).digest() + bytes((flags,)) + sign_count.to_bytes(4, "big") + attested
    return start + cbor.encode(extensions) if extensions else start


def attested_credential_data(aaguid: bytes, credential_id: bytes, public_key: bytes) -> bytes:
    """§6.5.1. `public_key` is a COSE_Key already."""
    return aaguid + len(credential_id).to_bytes(2, "big") + credential_id + public_key
