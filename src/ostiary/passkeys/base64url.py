"""Base64url without padding (RFC 4648 §5), the one spelling WebAuthn's JSON uses for bytes.

Decoding is strict, so that every byte string has exactly one spelling: no padding, no white space, no characters of
the other alphabet, and no bits set beyond the last whole byte.
"""

import binascii

_FROM_STANDARD = bytes.maketrans(b"+/", b"-_")
# "+", "/" and "=" belong to other spellings: they become "!", which no alphabet has.
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING = (b"", b"===", b"==", b"=")
# The last characters of a group of two (four bits to spare) and of three (two bits) that leave the spare bits zero.
_LAST = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")


def encode(data: bytes) -> str:
    """The base64url spelling of ``data``, without padding."""
    return encode_to_bytes(data).decode("ascii")


def encode_to_bytes(data: bytes) -> bytes:
    """As ``encode``, in ASCII bytes: for comparing without a detour through text."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_FROM_STANDARD)


def decode(text: str) -> bytes:
    """The bytes that ``text`` spells. Raises ``ValueError`` on anything that ``encode`` would not have written."""
    spelling = text.encode("ascii").translate(_TO_STANDARD)
    rest = len(spelling) % 4
    data = binascii.a2b_base64(spelling + _PADDING[rest], strict_mode=True)
    # The standard decoder does not look at the bits beyond the last byte, which only an incomplete group has.
    if rest and spelling[-1] not in _LAST[rest]:
        raise ValueError("bits set beyond the last byte")
    return data
