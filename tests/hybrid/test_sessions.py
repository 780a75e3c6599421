"""Both state machines against each other, and against whoever tampers with what they send."""

import contextlib
import secrets
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.hybrid import authenticator, client, linking, noise, qr
from ostiary.hybrid.advert import Eid, new_eid, open_advert, seal
from ostiary.hybrid.authenticator import AuthenticatorSession, Identity, Ring, Scan
from ostiary.hybrid.channel import Channel, pad, unpad
from ostiary.hybrid.client import ClientSession, LinkedCall, QrOffer
from ostiary.hybrid.derivation import eid_key
from ostiary.hybrid.errors import HybridError, HybridReason

GET_INFO = cbor.encode({1: ["FIDO_2_0"], 3: bytes(16), 4: {"rk": True, "uv": True}})
NOW = 1_795_193_525
ROUTING = b"\x01\x02\x03"
DOMAIN = 266


def identity(key: ec.EllipticCurvePrivateKey | None = None) -> Identity:
    return Identity(
        key=key or noise.new_key(),
        contact_id=b"contact",
        link_id=secrets.token_bytes(8),
        secret=secrets.token_bytes(32),
        name="Ada's Authenticator",
    )


def scanned(
    *, can_link: bool = False, offered: Identity | None = None, hint: str = "ga"
) -> tuple[ClientSession, AuthenticatorSession, QrOffer]:
    """A code that was shown, scanned, and answered by an advert that was heard."""
    offer = QrOffer.new(made_at=NOW, can_link=can_link, hint=hint)
    scan = Scan(payload=qr.decode_qr(offer.text))
    theirs = scan.advertise(routing_id=ROUTING, domain=DOMAIN, get_info=GET_INFO, identity=offered)
    eid = offer.hear(theirs.advert)
    assert eid is not None and (eid.routing_id, eid.domain) == (ROUTING, DOMAIN)
    ours = offer.meet(eid)
    assert ours.path == f"/cable/connect/010203/{scan.tunnel_id.hex()}"
    assert scan.path == f"/cable/new/{scan.tunnel_id.hex()}"
    return ours, theirs, offer


def met(ours: ClientSession, theirs: AuthenticatorSession) -> list[client.Event]:
    """After the handshake: what the client has learnt."""
    assert theirs.receive(ours.hello) == [authenticator.Met()]
    return [event for message in theirs.outgoing() for event in ours.receive(message)]


def test_a_request_goes_there_and_an_answer_back() -> None:
    ours, theirs, _ = scanned()
    assert met(ours, theirs) == [client.Ready(GET_INFO)]
    for number in range(3):
        request = b"\x02" + bytes(number * 700)
        assert theirs.receive(ours.request(request)) == [authenticator.Request(request)]
        theirs.answer(b"\0" + request)
        (answer,) = theirs.outgoing()
        assert ours.receive(answer) == [client.Reply(b"\0" + request)]
    assert theirs.receive(ours.shut_down()) == [authenticator.ShutDown()]
    theirs.answer(b"\0late")
    assert theirs.outgoing() == []


def test_a_computer_is_remembered_and_needs_no_code_next_time() -> None:
    offered = identity()
    ours, theirs, _ = scanned(can_link=True, offered=offered)
    _ready, linked = met(ours, theirs)
    assert isinstance(linked, client.Linked)
    link = linked.link
    assert (link.name, link.contact_id, link.domain) == ("Ada's Authenticator", b"contact", DOMAIN)
    call = LinkedCall.new(link)
    assert call.path == "/cable/contact/Y29udGFjdA"
    payload = bytes.fromhex(call.headers["X-caBLE-Client-Payload"])
    link_id, nonce, hint = linking.parse_client_payload(payload)
    assert (link_id, hint) == (offered.link_id, "ga")
    again = Ring(key=offered.key, secret=offered.secret, nonce=nonce).advertise(
        routing_id=ROUTING, domain=DOMAIN, get_info=GET_INFO
    )
    eid = call.hear(again.advert)
    assert eid is not None
    ours = call.meet(eid)
    assert met(ours, again) == [client.Ready(GET_INFO)]
    assert again.receive(ours.request(b"\x04")) == [authenticator.Request(b"\x04")]


def test_an_observer_cannot_tell_who_links() -> None:
    lengths = []
    for offered in (None, identity()):
        ours, theirs, _ = scanned(can_link=True, offered=offered)
        theirs.receive(ours.hello)
        lengths.append([len(message) for message in theirs.outgoing()])
    assert lengths[0] == lengths[1]


def test_links_only_to_a_client_that_can_keep_it() -> None:
    ours, theirs, _ = scanned(can_link=False, offered=identity())
    assert met(ours, theirs) == [client.Ready(GET_INFO)]


# --- attacks


def test_a_relayed_code_is_of_no_use_without_the_advert() -> None:
    """The attacker knows the whole code and the tunnel, and was not near."""
    offer = QrOffer.new(made_at=NOW)
    theirs = Scan(payload=qr.decode_qr(offer.text)).advertise(routing_id=ROUTING, domain=DOMAIN, get_info=GET_INFO)
    guessed = Eid(nonce=secrets.token_bytes(10), routing_id=ROUTING, domain=DOMAIN)
    with pytest.raises(HybridError) as refused:
        theirs.receive(offer.meet(guessed).hello)
    assert refused.value.reason is HybridReason.HANDSHAKE_FAILED
    assert theirs.outgoing() == []  # and learns nothing, not even what device it is


def test_the_nonce_is_ten_bytes_of_the_operating_system() -> None:
    assert new_eid.__kwdefaults__ == {"randomness": secrets.token_bytes}
    for advertise in (Scan.advertise, Ring.advertise):
        assert advertise.__kwdefaults__ is not None
        assert advertise.__kwdefaults__["randomness"] is secrets.token_bytes
    asked: list[int] = []

    def randomness(length: int) -> bytes:
        asked.append(length)
        return secrets.token_bytes(length)

    assert len(new_eid(routing_id=ROUTING, domain=DOMAIN, randomness=randomness).nonce) == 10
    assert asked == [10]
    nonces = {new_eid(routing_id=ROUTING, domain=DOMAIN).nonce for _ in range(200)}
    assert len(nonces) == 200
    assert not any(len({nonce[at] for nonce in nonces}) < 50 for at in range(10))


@pytest.mark.parametrize("at", range(20))
def test_an_advert_with_a_wrong_tag_is_not_for_us(at: int) -> None:
    _, theirs, offer = scanned()
    tampered = bytearray(theirs.advert)
    tampered[at] ^= 1
    assert offer.hear(bytes(tampered)) is None


def test_an_advert_that_is_reserved_or_of_no_domain_is_not_for_us() -> None:
    key = eid_key(bytes(16))
    good = Eid(nonce=bytes(10), routing_id=ROUTING, domain=DOMAIN)
    assert open_advert(seal(good, key), key) == good
    assert open_advert(seal(Eid(nonce=bytes(10), routing_id=ROUTING, domain=2), key), key) is None
    assert open_advert(seal(good, key)[:19], key) is None
    assert QrOffer.new(made_at=NOW).hear(seal(good, key)) is None


@given(st.integers(0, noise.MESSAGE_LENGTH * 8 - 1))
@settings(max_examples=60, deadline=None)
def test_a_tampered_handshake_fails_at_either_end(bit: int) -> None:
    ours, theirs, _ = scanned()
    hello = bytearray(ours.hello)
    hello[bit // 8] ^= 1 << bit % 8
    with pytest.raises(HybridError) as refused:
        theirs.receive(bytes(hello))
    assert refused.value.reason is HybridReason.HANDSHAKE_FAILED
    with pytest.raises(HybridError):  # and does not begin again
        theirs.receive(ours.hello)
    ours, theirs, _ = scanned()
    theirs.receive(ours.hello)
    reply = bytearray(theirs.outgoing()[0])
    reply[bit // 8] ^= 1 << bit % 8
    with pytest.raises(HybridError) as refused:
        ours.receive(bytes(reply))
    assert refused.value.reason is HybridReason.HANDSHAKE_FAILED


@pytest.mark.parametrize("length", [0, 80, 82, 65, 1000])
def test_a_handshake_of_another_length_is_refused(length: int) -> None:
    ours, theirs, _ = scanned()
    with pytest.raises(HybridError):
        theirs.receive(ours.hello[:65].ljust(length, b"\0")[:length])
    with pytest.raises(HybridError):
        ours.receive(bytes(length))


def test_a_point_off_the_curve_is_refused() -> None:
    ours, theirs, _ = scanned()
    with pytest.raises(HybridError, match="curve"):
        theirs.receive(b"\x04" + b"\x01" * 64 + ours.hello[65:])


def test_a_replayed_message_is_refused() -> None:
    ours, theirs, _ = scanned()
    met(ours, theirs)
    request = ours.request(b"\x04")
    theirs.receive(request)
    with pytest.raises(HybridError) as refused:
        theirs.receive(request)
    assert refused.value.reason is HybridReason.MESSAGE_FORGED


def test_a_message_out_of_order_or_reflected_is_refused() -> None:
    ours, theirs, _ = scanned()
    theirs.receive(ours.hello)
    reply, first, second = theirs.outgoing()
    ours.receive(reply)
    with pytest.raises(HybridError):
        ours.receive(second)
    with pytest.raises(HybridError):  # the session is over
        ours.receive(first)
    ours, theirs, _ = scanned()
    met(ours, theirs)
    with pytest.raises(HybridError):
        ours.receive(ours.request(b"\x04"))


def test_a_link_whose_signature_is_wrong_is_dropped_and_nothing_else() -> None:
    offered = identity()
    ours, theirs, _offer = scanned(can_link=True, offered=offered)
    theirs._client = noise.point_of(noise.new_key())  # signs for another client
    ready, refused = met(ours, theirs)
    assert (ready, refused) == (client.Ready(GET_INFO), client.LinkRefused())
    assert theirs.receive(ours.request(b"\x04")) == [authenticator.Request(b"\x04")]


def test_a_link_in_a_linked_transaction_is_not_taken() -> None:
    offered = identity()
    link = linking.Link(
        contact_id=b"c",
        link_id=bytes(8),
        secret=offered.secret,
        identity=noise.point_of(offered.key),
        name="n",
        domain=266,
    )
    call = LinkedCall.new(link)
    theirs = Ring(key=offered.key, secret=offered.secret, nonce=call.nonce).advertise(
        routing_id=ROUTING, domain=DOMAIN, get_info=GET_INFO
    )
    eid = call.hear(theirs.advert)
    assert eid is not None
    ours = call.meet(eid)
    theirs._identity, theirs._client = identity(), noise.point_of(noise.new_key())
    assert met(ours, theirs) == [client.Ready(GET_INFO)]


def test_a_shutdown_in_place_of_an_answer_ends_the_session() -> None:
    ours, theirs, _ = scanned()
    met(ours, theirs)
    ours.request(b"\x04")
    assert theirs._channel is not None
    assert ours.receive(theirs._channel.seal(b"\0")) == [client.Closed()]
    with pytest.raises(HybridError):
        ours.request(b"\x04")


def test_an_answer_to_nothing_is_refused() -> None:
    ours, theirs, _ = scanned()
    met(ours, theirs)
    with pytest.raises(HybridError):
        theirs.answer(b"\0")
    assert theirs._channel is not None
    with pytest.raises(HybridError) as refused:
        ours.receive(theirs._channel.seal(b"\x01\0"))
    assert refused.value.reason is HybridReason.MESSAGE_UNEXPECTED


@pytest.mark.parametrize("plain", [b"\x04", b"\xff123", b"\x03{}", b"\x01"])
def test_a_message_of_no_known_type_is_refused(plain: bytes) -> None:
    for is_client in (True, False):
        ours, theirs, _ = scanned()
        met(ours, theirs)
        assert theirs._channel is not None and ours._channel is not None
        with pytest.raises(HybridError) as refused:
            if is_client:
                ours.receive(theirs._channel.seal(plain))
            else:
                theirs.receive(ours._channel.seal(plain))
        assert refused.value.reason is HybridReason.MESSAGE_UNEXPECTED


def test_a_phone_that_offers_no_ctap_is_told_apart() -> None:
    ours, theirs, _ = scanned()
    theirs.receive(ours.hello)
    ours.receive(theirs.outgoing()[0])
    keys = Channel(sending=bytes(32), receiving=bytes(32))
    assert keys.seal(b"x") != b"x"
    ours, theirs, _ = scanned()
    theirs._seal = lambda plain: theirs._outgoing.append(  # type: ignore[method-assign]
        theirs._channel.seal(cbor.encode({3: ["dc"]}))  # type: ignore[union-attr]
    )
    with pytest.raises(HybridError) as refused:
        met(ours, theirs)
    assert refused.value.reason is HybridReason.CTAP_NOT_OFFERED


# --- codes


def test_a_code_shown_long_ago_is_refused() -> None:
    payload = qr.decode_qr(QrOffer.new(made_at=NOW).text)
    qr.require_fresh(payload, now=NOW + 299)
    qr.require_fresh(payload, now=NOW - 200)
    for now in (NOW + 301, NOW - 301):
        with pytest.raises(HybridError) as refused:
            qr.require_fresh(payload, now=now)
        assert refused.value.reason is HybridReason.QR_EXPIRED


@pytest.mark.parametrize("text", ["", "FIDO", "https://contoso.example/", "otpauth://totp/x", "FIDO://", "fido:123"])
def test_another_kind_of_code_is_told_apart(text: str) -> None:
    with pytest.raises(HybridError) as refused:
        qr.decode_qr(text)
    assert refused.value.reason in (HybridReason.QR_NOT_FIDO, HybridReason.QR_DAMAGED)


@pytest.mark.parametrize(
    "digits",
    ["", "0", "999", "000", "1" * 18, "99999999999999999", "１２３", "12_", "1 2", "+12", "-12", "١٢٣"],
)
def test_a_damaged_code_is_refused(digits: str) -> None:
    with pytest.raises(HybridError) as refused:
        qr.decode_qr(f"FIDO:/{digits}")
    assert refused.value.reason is HybridReason.QR_DAMAGED


@pytest.mark.parametrize(
    "change",
    [
        {0: None},
        {0: bytes(33)},
        {0: b"\x05" + bytes(32)},
        {0: b"\x02" + b"\xff" * 32},
        {1: bytes(15)},
        {1: "text"},
        {2: -1},
        {2: "two"},
        {3: -5},
        {3: True},
    ],
)
def test_a_code_with_wrong_members_is_refused(change: dict[int, object]) -> None:
    key = qr.decode_qr(QrOffer.new(made_at=NOW).text).public_key
    values = {0: key, 1: bytes(16), 2: 2, 3: NOW, 4: False, 5: "ga"} | change
    data = cbor.encode({name: value for name, value in values.items() if value is not None})
    with pytest.raises(HybridError):
        qr.decode_qr("FIDO:/" + qr.encode_digits(data))


def test_members_nobody_knows_are_passed_over() -> None:
    key = qr.decode_qr(QrOffer.new(made_at=NOW).text).public_key
    values = {0: key, 1: bytes(16), 5: "dci", 6: True, 65535: {"x": [1]}}
    payload = qr.decode_qr("fido:/" + qr.encode_digits(cbor.encode(values)))
    assert (payload.hint, payload.channels, payload.can_link, payload.made_at) == ("ga", (), False, None)


def test_the_bluetooth_channel_is_named_only_where_it_is_offered() -> None:
    assert qr.decode_qr(QrOffer.new(made_at=NOW, channels=(0, 1)).text).channels == (0, 1)
    assert qr.decode_qr(QrOffer.new(made_at=NOW).text).channels == ()


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_code_or_refused(text: str) -> None:
    for code in (text, "FIDO:/" + text):
        with contextlib.suppress(HybridError):
            qr.decode_qr(code)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_digits_and_back(data: bytes) -> None:
    if data:
        assert qr.decode_digits(qr.encode_digits(data)) == data
        with contextlib.suppress(HybridError):
            qr.decode_qr("FIDO:/" + qr.encode_digits(data))
        open_advert(data, eid_key(bytes(16)))


@given(st.binary(min_size=1, max_size=300))
def test_padding_comes_off(plain: bytes) -> None:
    assert unpad(pad(plain)) == plain and len(pad(plain)) % 32 == 0


@given(st.lists(st.binary(max_size=200), max_size=6))
@settings(max_examples=80, deadline=None)
def test_either_end_survives_any_messages(messages: list[bytes]) -> None:
    for is_begun in (False, True):
        ours, theirs, _ = scanned()
        if is_begun:
            met(ours, theirs)
        for message in messages:
            for end in (ours, theirs):
                with pytest.raises(HybridError):
                    end.receive(message)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_update_is_a_link_or_refused(body: bytes) -> None:
    try:
        link = linking.parse_update(body, client=noise.new_key(), handshake_hash=bytes(32), domain=DOMAIN)
    except HybridError:
        return
    assert link is None


def test_a_handshake_is_quick() -> None:
    begun = time.process_time()
    for _ in range(20):
        ours, theirs, _ = scanned()
        met(ours, theirs)
    assert (time.process_time() - begun) / 20 < 0.05
