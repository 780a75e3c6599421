"""The client's side: the computer that shows the QR code, or rings a phone it remembers. Sans-I/O.

offer = QrOffer.new(...)          offer.text is the code
eid = offer.hear(service_data)    each advert heard; the first that fits counts
session = offer.meet(eid)         session.path: where to connect at domain_of(eid.domain)
send(session.hello); session.receive(...) -> events
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fido2.utils import websafe_encode

from ostiary.hybrid import derivation
from ostiary.hybrid.advert import Eid, open_advert
from ostiary.hybrid.channel import Channel, MessageType, PostHandshake, parse_message, parse_post_handshake
from ostiary.hybrid.derivation import EidKey
from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.linking import CLIENT_NONCE_LENGTH, Link, encode_client_payload, parse_update
from ostiary.hybrid.noise import MESSAGE_LENGTH, Initiator, new_key
from ostiary.hybrid.qr import GET_ASSERTION, SECRET_LENGTH, WEBSOCKET, QrPayload, encode_qr

SUBPROTOCOL: Final = "fido.cable"
CLIENT_PAYLOAD_HEADER: Final = "X-caBLE-Client-Payload"


class Ready(NamedTuple):
    """The handshake is done, and the authenticator said what it is."""

    get_info: bytes


class Reply(NamedTuple):
    """The answer to the CTAP request sent last: its status and CBOR."""

    message: bytes


class Linked(NamedTuple):
    """The authenticator lets itself be remembered. The same `identity` as before: in place of that link."""

    link: Link


class LinkRefused(NamedTuple):
    """A link came whose signature is not right. It is dropped; the transaction goes on."""


class Closed(NamedTuple):
    """The authenticator ended it."""


Event = Ready | Reply | Linked | LinkRefused | Closed


@dataclass(frozen=True, slots=True, kw_only=True)
class QrOffer:
    """One QR code, for one transaction."""

    payload: QrPayload
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def new(
        cls,
        *,
        made_at: int,
        hint: str = GET_ASSERTION,
        can_link: bool = False,
        channels: tuple[int, ...] = (WEBSOCKET,),
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> "QrOffer":
        """`made_at`: Unix time in seconds."""
        key = new_key()
        payload = QrPayload(
            public_key=key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
            secret=randomness(SECRET_LENGTH),
            made_at=made_at,
            can_link=can_link,
            hint=hint,
            channels=channels,
        )
        return cls(payload=payload, _key=key)

    @property
    def text(self) -> str:
        return encode_qr(self.payload)

    def hear(self, service_data: bytes) -> Eid | None:
        return open_advert(service_data, derivation.eid_key(self.payload.secret))

    def meet(self, eid: Eid) -> "ClientSession":
        secret = self.payload.secret
        path = f"/cable/connect/{eid.routing_id.hex()}/{derivation.tunnel_id(secret).hex()}"
        psk = derivation.pre_shared_key(secret, eid=bytes(eid))
        return ClientSession(Initiator.by_qr(psk, self._key), path=path, domain=eid.domain, qr_key=self._key)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedCall:
    """One call to an authenticator that is remembered: connect at `path` with `headers`, and listen for its advert
    meanwhile."""

    link: Link
    hint: str
    nonce: bytes

    @classmethod
    def new(
        cls, link: Link, *, hint: str = GET_ASSERTION, randomness: Callable[[int], bytes] = secrets.token_bytes
    ) -> "LinkedCall":
        return cls(link=link, hint=hint, nonce=randomness(CLIENT_NONCE_LENGTH))

    @property
    def path(self) -> str:
        return f"/cable/contact/{websafe_encode(self.link.contact_id)}"

    @property
    def headers(self) -> dict[str, str]:
        return {CLIENT_PAYLOAD_HEADER: encode_client_payload(self.link.link_id, self.nonce, self.hint).hex()}

    @property
    def _eid_key(self) -> EidKey:
        return derivation.eid_key(self.link.secret, nonce=self.nonce)

    def hear(self, service_data: bytes) -> Eid | None:
        return open_advert(service_data, self._eid_key)

    def meet(self, eid: Eid) -> "ClientSession":
        psk = derivation.pre_shared_key(self.link.secret, eid=bytes(eid))
        return ClientSession(Initiator.by_link(psk, self.link.identity), path=self.path, domain=self.link.domain)


class _Stage(Enum):
    HANDSHAKE = auto()
    POST_HANDSHAKE = auto()
    READY = auto()
    CLOSED = auto()


class ClientSession:
    """From the handshake to the end, over any channel that keeps messages whole."""

    def __init__(
        self, initiator: Initiator, *, path: str, domain: int, qr_key: ec.EllipticCurvePrivateKey | None = None
    ) -> None:
        self.path = path
        self._initiator = initiator
        self._domain = domain
        self._qr_key = qr_key
        self._stage = _Stage.HANDSHAKE
        self._channel: Channel | None = None
        self._handshake_hash = b""
        self._is_waiting = False

    @property
    def hello(self) -> bytes:
        """The first message to send."""
        return self._initiator.message

    def is_whole(self, message: bytes) -> bool:
        """Whether this is the next message, all of it: asked where the channel does not tell."""
        if self._channel is None:
            return len(message) == MESSAGE_LENGTH
        return self._channel.would_open(message)

    def receive(self, message: bytes) -> list[Event]:
        """What one message means. Raises `HybridError`; the session is over then."""
        try:
            return self._receive(message)
        except HybridError as error:
            if error.reason is HybridReason.LINK_FORGED:
                return [LinkRefused()]
            self._stage = _Stage.CLOSED
            raise

    def request(self, message: bytes) -> bytes:
        """A CTAP request (command and CBOR), sealed. One at a time."""
        if self._stage is not _Stage.READY or self._is_waiting:
            raise HybridError(HybridReason.MESSAGE_UNEXPECTED, "a request now")
        self._is_waiting = True
        return self._seal(MessageType.CTAP, message)

    def shut_down(self) -> bytes:
        """No more requests; updates may still come. Also the way to cancel."""
        self._is_waiting = False
        return self._seal(MessageType.SHUTDOWN, b"")

    def _receive(self, message: bytes) -> list[Event]:
        if self._stage is _Stage.HANDSHAKE:
            keys = self._initiator.finish(message)
            self._handshake_hash = keys.handshake_hash
            self._channel = Channel(sending=keys.client_to_authenticator, receiving=keys.authenticator_to_client)
            self._stage = _Stage.POST_HANDSHAKE
            return []
        if self._channel is None or self._stage is _Stage.CLOSED:
            raise HybridError(HybridReason.MESSAGE_UNEXPECTED, "closed")
        plain = self._channel.open(message)
        if self._stage is _Stage.POST_HANDSHAKE:
            return [self._begin(parse_post_handshake(plain))]
        return self._take(plain)

    def _begin(self, told: PostHandshake) -> Event:
        self._stage = _Stage.READY
        return Ready(told.get_info)

    def _take(self, plain: bytes) -> list[Event]:
        kind, body = parse_message(plain)
        if kind is MessageType.CTAP:
            if not self._is_waiting or not body:
                raise HybridError(HybridReason.MESSAGE_UNEXPECTED, "an answer to nothing")
            self._is_waiting = False
            return [Reply(body)]
        if kind is MessageType.UPDATE:
            return self._update(body)
        if kind is MessageType.SHUTDOWN:  # not theirs to send, but there are phones that do
            self._stage = _Stage.CLOSED
            return [Closed()]
        raise HybridError(HybridReason.MESSAGE_UNEXPECTED, kind.name)

    def _update(self, body: bytes) -> list[Event]:
        if self._qr_key is None:  # a link on a link cannot be verified
            return []
        link = parse_update(body, client=self._qr_key, handshake_hash=self._handshake_hash, domain=self._domain)
        return [Linked(link)] if link is not None else []

    def _seal(self, kind: MessageType, body: bytes) -> bytes:
        if self._channel is None:
            raise HybridError(HybridReason.MESSAGE_UNEXPECTED, "before the handshake")
        return self._channel.seal(bytes([kind]) + body)
