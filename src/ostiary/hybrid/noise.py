"""The handshake: Noise KNpsk0 and NKpsk0 on P-256 with AES-GCM and SHA-256 (Noise §7.5, §9; CTAP 2.2 §11.5.1.4).

Plain Noise, with uncompressed points as public keys and the shared x coordinate as the result of Diffie-Hellman. The
client speaks first. Each message is a point and the tag of an empty payload.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary.hybrid.errors import HybridError, HybridReason

POINT_LENGTH: Final = 65
MESSAGE_LENGTH: Final = POINT_LENGTH + 16
_NONCE: Final = bytes(12)  # every payload of a handshake is sealed under a key of its own
_QR: Final = (b"Noise_KNpsk0_P256_AESGCM_SHA256", b"\x01")
_LINKED: Final = (b"Noise_NKpsk0_P256_AESGCM_SHA256", b"\x00")


class ChannelKeys(NamedTuple):
    """What both ends have afterwards. `handshake_hash` names this very channel."""

    client_to_authenticator: bytes
    authenticator_to_client: bytes
    handshake_hash: bytes


class _Symmetric:
    """Noise §5.2. Not sealed without a key, because no message here is."""

    def __init__(self, name_and_prologue: tuple[bytes, bytes]) -> None:
        name, prologue = name_and_prologue
        self._chaining_key = self.hash = name.ljust(32, b"\0")
        self._key = b""
        self.mix_hash(prologue)

    def mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key(self, material: bytes) -> None:
        self._chaining_key, self._key = self._expand(material, 2)

    def mix_key_and_hash(self, material: bytes) -> None:
        self._chaining_key, mixed, self._key = self._expand(material, 3)
        self.mix_hash(mixed)

    def mix_ephemeral(self, point: bytes) -> None:
        """Noise §9.2: with a pre-shared key, an ephemeral key is mixed in twice."""
        self.mix_hash(point)
        self.mix_key(point)

    def seal_nothing(self) -> bytes:
        tag = AESGCM(self._key).encrypt(_NONCE, b"", self.hash)
        self.mix_hash(tag)
        return tag

    def open_nothing(self, tag: bytes) -> None:
        try:
            AESGCM(self._key).decrypt(_NONCE, tag, self.hash)
        except InvalidTag as error:
            raise HybridError(HybridReason.HANDSHAKE_FAILED, "tag") from error
        self.mix_hash(tag)

    def split(self) -> ChannelKeys:
        first, second = self._expand(b"", 2)
        return ChannelKeys(first, second, self.hash)

    def _expand(self, material: bytes, count: int) -> list[bytes]:
        key = hmac.digest(self._chaining_key, material, "sha256")
        outputs: list[bytes] = [b""]
        for number in range(1, count + 1):
            outputs.append(hmac.digest(key, outputs[-1] + bytes([number]), "sha256"))
        return outputs[1:]


@dataclass(slots=True)
class Initiator:
    """The client's side, for one handshake."""

    _state: _Symmetric
    _ephemeral: ec.EllipticCurvePrivateKey
    _static: ec.EllipticCurvePrivateKey | None
    _first: bytes

    @classmethod
    def by_qr(
        cls,
        psk: bytes,
        static: ec.EllipticCurvePrivateKey,
        *,
        ephemeral: ec.EllipticCurvePrivateKey | None = None,
    ) -> "Initiator":
        """KNpsk0: `static` is the key whose public half the code showed."""
        state = _Symmetric(_QR)
        state.mix_hash(point_of(static))
        return cls._begin(state, psk, ephemeral, static=static)

    @classmethod
    def by_link(
        cls, psk: bytes, identity: bytes, *, ephemeral: ec.EllipticCurvePrivateKey | None = None
    ) -> "Initiator":
        """NKpsk0: `identity` is the authenticator's public key as it was linked."""
        state = _Symmetric(_LINKED)
        state.mix_hash(identity)
        return cls._begin(state, psk, ephemeral, peer=identity)

    @classmethod
    def _begin(
        cls,
        state: _Symmetric,
        psk: bytes,
        ephemeral: ec.EllipticCurvePrivateKey | None,
        *,
        static: ec.EllipticCurvePrivateKey | None = None,
        peer: bytes | None = None,
    ) -> "Initiator":
        ephemeral = ephemeral or new_key()
        state.mix_key_and_hash(psk)
        point = point_of(ephemeral)
        state.mix_ephemeral(point)
        if peer is not None:
            state.mix_key(agree(ephemeral, peer))  # es
        return cls(state, ephemeral, static, point + state.seal_nothing())

    @property
    def message(self) -> bytes:
        return self._first

    def finish(self, reply: bytes) -> ChannelKeys:
        """Raises `HybridError(HANDSHAKE_FAILED)`."""
        point, tag = _split_message(reply)
        self._state.mix_ephemeral(point)
        self._state.mix_key(agree(self._ephemeral, point))  # ee
        if self._static is not None:
            self._state.mix_key(agree(self._static, point))  # se
        self._state.open_nothing(tag)
        return self._state.split()


def respond_by_qr(
    message: bytes, psk: bytes, client: bytes, *, ephemeral: ec.EllipticCurvePrivateKey | None = None
) -> tuple[bytes, ChannelKeys]:
    """The authenticator's side of KNpsk0: `client` is the key the code showed, uncompressed. Answers the reply and the
    keys; raises `HybridError(HANDSHAKE_FAILED)`."""
    state = _Symmetric(_QR)
    state.mix_hash(client)
    return _respond(state, message, psk, ephemeral, client=client)


def respond_by_link(
    message: bytes,
    psk: bytes,
    identity: ec.EllipticCurvePrivateKey,
    *,
    ephemeral: ec.EllipticCurvePrivateKey | None = None,
) -> tuple[bytes, ChannelKeys]:
    """The authenticator's side of NKpsk0. Raises `HybridError(HANDSHAKE_FAILED)`."""
    state = _Symmetric(_LINKED)
    state.mix_hash(point_of(identity))
    return _respond(state, message, psk, ephemeral, identity=identity)


def _respond(
    state: _Symmetric,
    message: bytes,
    psk: bytes,
    ephemeral: ec.EllipticCurvePrivateKey | None,
    *,
    client: bytes | None = None,
    identity: ec.EllipticCurvePrivateKey | None = None,
) -> tuple[bytes, ChannelKeys]:
    theirs, tag = _split_message(message)
    state.mix_key_and_hash(psk)
    state.mix_ephemeral(theirs)
    if identity is not None:
        state.mix_key(agree(identity, theirs))  # es
    state.open_nothing(tag)
    ephemeral = ephemeral or new_key()
    point = point_of(ephemeral)
    state.mix_ephemeral(point)
    state.mix_key(agree(ephemeral, theirs))  # ee
    if client is not None:
        state.mix_key(agree(ephemeral, client))  # se
    return point + state.seal_nothing(), state.split()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def point_of(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> bytes:
    """Uncompressed, 65 bytes."""
    public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def parse_point(data: bytes) -> ec.EllipticCurvePublicKey:
    """Of either form. Raises `HybridError(HANDSHAKE_FAILED)` for what is not on the curve."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError as error:
        raise HybridError(HybridReason.HANDSHAKE_FAILED, "no point of the curve") from error


def agree(ours: ec.EllipticCurvePrivateKey, theirs: bytes) -> bytes:
    """The shared x coordinate."""
    return ours.exchange(ec.ECDH(), parse_point(theirs))


def _split_message(message: bytes) -> tuple[bytes, bytes]:
    if len(message) != MESSAGE_LENGTH:
        raise HybridError(HybridReason.HANDSHAKE_FAILED, f"{len(message)} bytes")
    parse_point(message[:POINT_LENGTH])
    return message[:POINT_LENGTH], message[POINT_LENGTH:]
