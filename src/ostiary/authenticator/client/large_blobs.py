"""The `largeBlob` extension (WebAuthn L3 §10.1.5) on CTAP's large-blob array (CTAP 2.1 §6.10): a few hundred bytes
that a passkey's holder keeps for a relying party, sealed under a key of that passkey alone."""

import hashlib
import secrets
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.ctap import CtapError
from fido2.ctap2.pin import PinProtocol, PinProtocolV2

from ostiary.authenticator.client import base64url, fields
from ostiary.authenticator.client.ctap import CLIENT_PIN, LARGE_BLOBS, Authenticator
from ostiary.authenticator.client.errors import ClientError, ClientReason
from ostiary.authenticator.client.fields import JSON

_NONCE: Final = 12
_CHECKSUM: Final = 16
_LARGE_BLOB_WRITE: Final = 0x10
_GET_KEY_AGREEMENT: Final = 0x02
_GET_TOKEN_USING_UV: Final = 0x06
_SMALLEST_FRAGMENT: Final = 960  # CTAP 2.1 §6.10.2: maxMsgSize of 1024, less 64
_LARGEST_PLAIN: Final = 65_536
"""More than any authenticator keeps; a compressed entry does not get to fill the memory."""


def is_supported(authenticator: Authenticator) -> bool:
    return authenticator.options.get("largeBlobs") is True and "largeBlobKey" in authenticator.extensions


class LargeBlobRequest(NamedTuple):
    """Reads when `to_write` is None."""

    to_write: bytes | None

    def perform(self, authenticator: Authenticator, key: bytes | None) -> dict[str, Any]:
        """What the page gets. Whether a blob was read or written never decides whether somebody is signed in."""
        try:
            if self.to_write is not None:
                if key is None:
                    return {"written": False}
                _write(authenticator, key, self.to_write)
                return {"written": True}
            blob = _find(_entries(_read_array(authenticator)), key) if key is not None else None
        except CtapError:
            return {"written": False} if self.to_write is not None else {}
        return {} if blob is None else {"blob": base64url.encode(blob)}


def read_request(asked: JSON, allowed: tuple[bytes, ...] | None) -> LargeBlobRequest | None:
    """WebAuthn L3 §10.1.5, client extension processing (authentication)."""
    if not asked:
        return None
    if "support" in asked or ("write" in asked and fields.flag_at(asked, "read")):
        raise ClientError(
            "NotSupportedError", ClientReason.EXTENSION_INVALID, "largeBlob reads or writes, one of both."
        )
    if "write" in asked:
        if allowed is None or len(allowed) != 1:
            raise ClientError(
                "NotSupportedError",
                ClientReason.EXTENSION_INVALID,
                "largeBlob.write needs exactly one allowed credential.",
            )
        return LargeBlobRequest(fields.octets_at(asked, "write"))
    return LargeBlobRequest(None) if fields.flag_at(asked, "read") else None


def _fragment(authenticator: Authenticator) -> int:
    return max(int(authenticator.info.get(0x05, 0)) - 64, _SMALLEST_FRAGMENT)


def _read_array(authenticator: Authenticator) -> bytes:
    """The serialised array without its checksum; the empty one when the checksum is wrong (CTAP 2.1 §6.10.2)."""
    array, size = b"", _fragment(authenticator)
    while True:
        part = authenticator.send(LARGE_BLOBS, {1: size, 3: len(array)}).get(1, b"")
        array += part
        if len(part) < size:
            break
    content, checksum = array[:-_CHECKSUM], array[-_CHECKSUM:]
    return content if hashlib.sha256(content).digest()[:_CHECKSUM] == checksum else cbor.encode([])


def _entries(array: bytes) -> Sequence[Any]:
    try:
        entries = cbor.decode(array)
    except (ValueError, IndexError, KeyError):
        return []
    return entries if isinstance(entries, list) else []


def _find(entries: Sequence[Any], key: bytes) -> bytes | None:
    return next((plain for plain in (_open(entry, key) for entry in entries) if plain is not None), None)


def _associated(size: int) -> bytes:
    return b"blob" + size.to_bytes(8, "little")


def _open(entry: object, key: bytes) -> bytes | None:
    """None for another passkey's, or for what is no entry."""
    if not isinstance(entry, Mapping):
        return None
    sealed, nonce, size = entry.get(1), entry.get(2), entry.get(3)
    if not (isinstance(sealed, bytes) and isinstance(nonce, bytes) and isinstance(size, int)):
        return None
    if len(nonce) != _NONCE or not 0 <= size <= _LARGEST_PLAIN:
        return None
    try:
        compressed = AESGCM(key).decrypt(nonce, sealed, _associated(size))
        plain = zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(compressed, size + 1)
    except (InvalidTag, ValueError, zlib.error):
        return None
    return plain if len(plain) == size else None


def _seal(plain: bytes, key: bytes) -> dict[int, Any]:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    compressed = compressor.compress(plain) + compressor.flush()
    nonce = secrets.token_bytes(_NONCE)
    return {1: AESGCM(key).encrypt(nonce, compressed, _associated(len(plain))), 2: nonce, 3: len(plain)}


def _write(authenticator: Authenticator, key: bytes, plain: bytes) -> None:
    """Instead of what this passkey had. The person is asked once more: others' entries are in the same array."""
    others = [entry for entry in _entries(_read_array(authenticator)) if _open(entry, key) is None]
    content = cbor.encode([*others, _seal(plain, key)])
    array = content + hashlib.sha256(content).digest()[:_CHECKSUM]
    protocol: PinProtocol = PinProtocolV2()
    token = _token(authenticator, protocol)
    size = _fragment(authenticator)
    for offset in range(0, len(array), size):
        part = array[offset : offset + size]
        # CTAP 2.1 §6.10.2: 32 x 0xff, the command and its parameter, the offset, the part's hash
        signed = b"\xff" * 32 + b"\x0c\x00" + offset.to_bytes(4, "little") + hashlib.sha256(part).digest()
        whole = len(array) if offset == 0 else None
        proof = protocol.authenticate(token, signed)
        authenticator.send(LARGE_BLOBS, {2: part, 3: offset, 4: whole, 5: proof, 6: protocol.VERSION})


def _token(authenticator: Authenticator, protocol: PinProtocol) -> bytes:
    if protocol.VERSION not in authenticator.pin_protocols:
        raise CtapError(CtapError.ERR.PUAT_REQUIRED)
    answer = authenticator.send(CLIENT_PIN, {1: protocol.VERSION, 2: _GET_KEY_AGREEMENT})
    public_key, secret = protocol.encapsulate(CoseKey.parse(answer[1]))
    asked = {1: protocol.VERSION, 2: _GET_TOKEN_USING_UV, 3: dict(public_key), 9: _LARGE_BLOB_WRITE}
    return protocol.decrypt(secret, authenticator.send(CLIENT_PIN, asked)[2])
