"""The authenticator's side: the phone that scans a QR code, or is rung by a computer that remembers it. Bytes in, bytes
and events out.

    scan = Scan.of(decode_qr(text))    scan.path: where to open a tunnel
    session = scan.advertise(routing_id, domain)    session.advert goes on the air; one for each transaction
    session.receive(...) -> events; session.outgoing() -> messages to send
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.hybrid import derivation
from ostiary.hybrid.advert import new_eid, psm_suffix, seal
from ostiary.hybrid.channel import Channel, MessageType, encode_post_handshake, parse_message
from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.linking import Link, encode_update, sign_link
from ostiary.hybrid.noise import MESSAGE_LENGTH, ChannelKeys, parse_point, point_of, respond_by_link, respond_by_qr
from ostiary.hybrid.qr import QrPayload


class Met(NamedTuple):
    """The client heard the advert, so it is near: the advert can end."""


class Request(NamedTuple):
    """A CTAP request: command and CBOR. `AuthenticatorSession.answer` answers it."""

    message: bytes


class ShutDown(NamedTuple):
    """The client wants nothing more."""


Event = Met | Request | ShutDown


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the authenticator offers to be remembered by: its key, and the link made for this client."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    contact_id: bytes
    link_id: bytes
    secret: bytes = field(repr=False)
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A QR code that somebody scanned."""

    payload: QrPayload

    @property
    def tunnel_id(self) -> bytes:
        return derivation.tunnel_id(self.payload.secret)

    @property
    def path(self) -> str:
        return f"/cable/new/{self.tunnel_id.hex()}"

    def advertise(
        self,
        *,
        routing_id: bytes,
        domain: int,
        get_info: bytes,
        identity: Identity | None = None,
        psm: int | None = None,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> "AuthenticatorSession":
        """`identity` is given only to a client that can link. `psm`: of a Bluetooth channel that is open, for a client
        that offered it."""
        secret = self.payload.secret
        eid = new_eid(routing_id=routing_id, domain=domain, randomness=randomness)
        client = point_of(parse_point(self.payload.public_key))
        psk = derivation.pre_shared_key(secret, eid=bytes(eid))
        advert = seal(eid, derivation.eid_key(secret)) + (psm_suffix(psm) if psm is not None else b"")

        def respond(message: bytes) -> tuple[bytes, ChannelKeys]:
            return respond_by_qr(message, psk, client)

        offered = identity if self.payload.can_link else None
        return AuthenticatorSession(respond, advert, get_info, client=client, identity=offered, domain=domain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A linked client calls: `secret` is of the link it named, `nonce` its own."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    secret: bytes = field(repr=False)
    nonce: bytes

    def advertise(
        self,
        *,
        routing_id: bytes,
        domain: int,
        get_info: bytes,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> "AuthenticatorSession":
        eid = new_eid(routing_id=routing_id, domain=domain, randomness=randomness)
        psk = derivation.pre_shared_key(self.secret, eid=bytes(eid))
        advert = seal(eid, derivation.eid_key(self.secret, nonce=self.nonce))

        def respond(message: bytes) -> tuple[bytes, ChannelKeys]:
            return respond_by_link(message, psk, self.key)

        return AuthenticatorSession(respond, advert, get_info)


class _Stage(Enum):
    HANDSHAKE = auto()
    READY = auto()
    SHUT_DOWN = auto()
    CLOSED = auto()


class AuthenticatorSession:
    """From the advert to the end. Nothing is asked of the person, nor told to the client, before the handshake has
    shown that the client is near."""

    def __init__(
        self,
        respond: Callable[[bytes], tuple[bytes, ChannelKeys]],
        advert: bytes,
        get_info: bytes,
        *,
        client: bytes = b"",
        identity: Identity | None = None,
        domain: int = 0,
    ) -> None:
        self.advert = advert
        self._respond = respond
        self._get_info = get_info
        self._client = client
        self._identity = identity
        self._domain = domain
        self._stage = _Stage.HANDSHAKE
        self._channel: Channel | None = None
        self._outgoing: list[bytes] = []
        self._is_asked = False

    def outgoing(self) -> list[bytes]:
        """Messages to send, in order, each told once."""
        messages, self._outgoing = self._outgoing, []
        return messages

    def is_whole(self, message: bytes) -> bool:
        """Whether this is the next message, all of it: asked where the channel does not tell."""
        if self._channel is None:
            return len(message) == MESSAGE_LENGTH
        return self._channel.would_open(message)

    def receive(self, message: bytes) -> list[Event]:
        """What one message means. Raises `HybridError`; the session is over then."""
        try:
            return self._shake_hands(message) if self._stage is _Stage.HANDSHAKE else self._take(message)
        except HybridError:
            self._stage = _Stage.CLOSED
            raise

    def answer(self, message: bytes) -> None:
        """The answer to the request under way: status and CBOR."""
        if self._stage is _Stage.SHUT_DOWN:  # nobody waits for it any more
            return
        if not self._is_asked:
            raise HybridError(HybridReason.MESSAGE_UNEXPECTED, "an answer to nothing")
        self._is_asked = False
        self._seal(bytes([MessageType.CTAP]) + message)

    def _shake_hands(self, message: bytes) -> list[Event]:
        reply, keys = self._respond(message)
        self._channel = Channel(sending=keys.authenticator_to_client, receiving=keys.client_to_authenticator)
        self._stage = _Stage.READY
        self._outgoing.append(reply)
        self._seal(encode_post_handshake(self._get_info))
        self._seal(bytes([MessageType.UPDATE]) + self._update(keys.handshake_hash))
        return [Met()]

    def _update(self, handshake_hash: bytes) -> bytes:
        """Always sent and always as long, so that nobody sees who links."""
        identity = self._identity
        if identity is None:
            return encode_update(None)
        link = Link(
            contact_id=identity.contact_id,
            link_id=identity.link_id,
            secret=identity.secret,
            identity=point_of(identity.key),
            name=identity.name,
            domain=self._domain,
        )
        return encode_update(link, sign_link(identity.key, self._client, handshake_hash))

    def _take(self, message: bytes) -> list[Event]:
        if self._channel is None or self._stage is not _Stage.READY:
            raise HybridError(HybridReason.MESSAGE_UNEXPECTED, "closed")
        kind, body = parse_message(self._channel.open(message))
        if kind is MessageType.SHUTDOWN:
            self._stage = _Stage.SHUT_DOWN
            return [ShutDown()]
        if kind is MessageType.UPDATE:  # none is defined in this direction
            return []
        if kind is not MessageType.CTAP or not body or self._is_asked:
            raise HybridError(HybridReason.MESSAGE_UNEXPECTED, kind.name)
        self._is_asked = True
        return [Request(body)]

    def _seal(self, plain: bytes) -> None:
        assert self._channel is not None
        self._outgoing.append(self._channel.seal(plain))
