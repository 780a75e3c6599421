"""How a computer is remembered, so that it needs no QR code next time (CTAP 2.2 §11.5.1.6).

The authenticator gives the client a secret and a way to be rung; the client checks that the identity it is given is of
whoever it has just spoken to.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.hybrid.channel import UPDATE_LENGTH
from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.noise import POINT_LENGTH, agree
from ostiary.hybrid.wire import decode_map, encode_map

LINK_ID_LENGTH: Final = 8
LINK_SECRET_LENGTH: Final = 32
CLIENT_NONCE_LENGTH: Final = 16
_LONGEST_CONTACT: Final = 1_024
_LONGEST_NAME: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a client keeps of an authenticator. Two links of one `identity` are of one device."""

    contact_id: bytes
    link_id: bytes
    secret: bytes = field(repr=False)
    identity: bytes
    name: str
    domain: int


def sign_link(identity: ec.EllipticCurvePrivateKey, client: bytes, handshake_hash: bytes) -> bytes:
    """`client` is the key of the QR code."""
    return hmac.digest(agree(identity, client), handshake_hash, "sha256")


def encode_update(link: Link | None, signature: bytes = b"") -> bytes:
    """The body of an update message, of one length whether or not there is a link in it."""
    values: dict[int, object] = {}
    if link is not None:
        values[1] = {
            1: link.contact_id,
            2: link.link_id,
            3: link.secret,
            4: link.identity,
            5: link.name,
            6: signature,
        }
    bare = len(encode_map({0: b"", **values}))
    zeros = max(UPDATE_LENGTH - 1 - bare, 0)
    for length in range(zeros, max(zeros - 4, -1), -1):  # the length of the length counts too
        body = encode_map({0: bytes(length), **values})
        if len(body) < UPDATE_LENGTH:
            return body
    return encode_map(values)


def parse_update(body: bytes, *, client: ec.EllipticCurvePrivateKey, handshake_hash: bytes, domain: int) -> Link | None:
    """The link an update holds, verified; None when it holds none. Raises `HybridError`: `LINK_FORGED` costs the link
    and nothing else."""
    values = decode_map(body, HybridReason.MESSAGE_MALFORMED).get(1)
    if values is None:
        return None
    if not isinstance(values, Mapping):
        raise _forged("no map")
    link = Link(
        contact_id=_take(values, 1, range(1, _LONGEST_CONTACT + 1)),
        link_id=_take(values, 2, range(LINK_ID_LENGTH, LINK_ID_LENGTH + 1)),
        secret=_take(values, 3, range(LINK_SECRET_LENGTH, LINK_SECRET_LENGTH + 1)),
        identity=_take(values, 4, range(POINT_LENGTH, POINT_LENGTH + 1)),
        name=_name(values.get(5)),
        domain=domain,
    )
    signature = _take(values, 6, range(32, 33))
    try:
        shared = agree(client, link.identity)
    except HybridError as error:
        raise _forged("identity") from error
    if not hmac.compare_digest(hmac.digest(shared, handshake_hash, "sha256"), signature):
        raise _forged("signature")
    return link


def encode_client_payload(link_id: bytes, nonce: bytes, hint: str) -> bytes:
    """What rings the authenticator: told to it by the tunnel service (header `X-caBLE-Client-Payload`, in hex)."""
    return encode_map({1: link_id, 2: nonce, 3: hint})


def parse_client_payload(data: bytes) -> tuple[bytes, bytes, str]:
    """Link, nonce and hint. Raises `HybridError`."""
    values = decode_map(data, HybridReason.MESSAGE_MALFORMED)
    link_id, nonce, hint = values.get(1), values.get(2), values.get(3)
    if not isinstance(link_id, bytes) or len(link_id) != LINK_ID_LENGTH:
        raise HybridError(HybridReason.MESSAGE_MALFORMED, "link")
    if not isinstance(nonce, bytes) or len(nonce) != CLIENT_NONCE_LENGTH:
        raise HybridError(HybridReason.MESSAGE_MALFORMED, "nonce")
    return link_id, nonce, hint if isinstance(hint, str) else "ga"


def _take(values: Mapping[object, object], key: int, lengths: range) -> bytes:
    value = values.get(key)
    if not isinstance(value, bytes) or len(value) not in lengths:
        raise _forged(f"member {key}")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise _forged("name")
    return "".join(character for character in value if character.isprintable())[:_LONGEST_NAME]


def _forged(detail: str) -> HybridError:
    return HybridError(HybridReason.LINK_FORGED, detail)
