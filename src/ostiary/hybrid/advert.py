"""The Bluetooth advert by which an authenticator proves to be near (CTAP 2.2 §11.5.1.3).

Twenty bytes of service data: one AES block and four bytes of HMAC. Whoever hears it and knows the QR code's secret
learns the nonce, without which the handshake fails; that is what keeps a code from working at a distance.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ostiary.hybrid.derivation import EidKey
from ostiary.hybrid.domains import is_known
from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.wire import decode_map, encode_map

SERVICE: Final = 0xFFF9
ALSO_HEARD: Final = 0xFDE2
"""Under which older phones advertise."""

LENGTH: Final = 20
NONCE_LENGTH: Final = 10
ROUTING_ID_LENGTH: Final = 3
_BLOCK: Final = 16
_BLUETOOTH: Final = 1
_LARGEST_PSM: Final = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Eid:
    """The plaintext. `domain`: the number of the tunnel service."""

    nonce: bytes
    routing_id: bytes
    domain: int

    def __bytes__(self) -> bytes:
        assert len(self.nonce) == NONCE_LENGTH and len(self.routing_id) == ROUTING_ID_LENGTH
        return b"\0" + self.nonce + self.routing_id + self.domain.to_bytes(2, "little")


def new_eid(*, routing_id: bytes, domain: int, randomness: Callable[[int], bytes] = secrets.token_bytes) -> Eid:
    """With a nonce nobody could guess: from the operating system, all ten bytes of it."""
    return Eid(nonce=randomness(NONCE_LENGTH), routing_id=routing_id, domain=domain)


def seal(eid: Eid, key: EidKey) -> bytes:
    sealed = _cipher(key).encryptor().update(bytes(eid))
    return sealed + _tag(key, sealed)


def open_advert(data: bytes, key: EidKey) -> Eid | None:
    """None: somebody else's, which is most of what is heard. What follows the first twenty bytes is not authenticated
    and not looked at; see `l2cap_psm`."""
    if len(data) < LENGTH:
        return None
    sealed, tag = data[:_BLOCK], data[_BLOCK:LENGTH]
    if not hmac.compare_digest(tag, _tag(key, sealed)):
        return None
    plain = _cipher(key).decryptor().update(sealed)
    domain = int.from_bytes(plain[14:16], "little")
    if plain[0] != 0 or not is_known(domain):
        return None
    return Eid(nonce=plain[1:11], routing_id=plain[11:14], domain=domain)


def psm_suffix(psm: int) -> bytes:
    """For clients that offered the Bluetooth data channel (CTAP 2.3); others would not hear the advert at all."""
    return encode_map({_BLUETOOTH: psm})


def l2cap_psm(data: bytes) -> int | None:
    """The channel a suffix names, unauthenticated as it is: the handshake fails if it was made up."""
    if len(data) <= LENGTH:
        return None
    try:
        psm = decode_map(data[LENGTH:], HybridReason.MESSAGE_MALFORMED).get(_BLUETOOTH)
    except HybridError:
        return None
    return psm if isinstance(psm, int) and not isinstance(psm, bool) and 0 < psm <= _LARGEST_PSM else None


def _cipher(key: EidKey) -> Cipher[modes.ECB]:
    return Cipher(algorithms.AES(key.cipher), modes.ECB())  # noqa: S305 - one block, as the protocol has it


def _tag(key: EidKey, sealed: bytes) -> bytes:
    return hmac.digest(key.mac, sealed, "sha256")[: LENGTH - _BLOCK]
