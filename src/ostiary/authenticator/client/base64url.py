"""Base64url without padding (RFC 4648 §5), as WebAuthn's JSON spells bytes. One spelling for each byte string."""

import base64
import binascii


def encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Raises `ValueError` on anything that `encode` would not have written."""
    try:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if encode(octets) != text:  # padding, the other alphabet, white space, bits beyond the last byte
        raise ValueError("not base64url as it is written without padding")
    return octets
