"""The protocol against known bytes: real browsers' codes and adverts, and handshakes with fixed keys."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.hybrid import advert, channel, derivation, domains, linking, noise, qr
from ostiary.hybrid.derivation import Purpose
from ostiary.hybrid.errors import HybridError, HybridReason

PSK = bytes(range(32))


def scalar(value: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(value, ec.SECP256R1())


@pytest.mark.parametrize(
    ("data", "digits"),
    [
        (bytes.fromhex("6162ff"), "16736865"),
        (b"hello world", "335311851610699281684828783"),
        *[(bytes(length), "0" * count) for length, count in enumerate((3, 5, 8, 10, 13, 15, 17, 20), start=1)],
    ],
)
def test_digits(data: bytes, digits: str) -> None:
    assert qr.encode_digits(data) == digits
    assert qr.decode_digits(digits) == data


CODES = {
    "Chrome 2022": (
        (
            "FIDO:/162870791865632382552704231438327900152302540348097243854039966655366469794954476199158014113179232779520163209"
            "900691930075274801398564434658077048963842109321447142660"
        ),
        "871bcec9c1227f91ccb86c9ffacd9eac",
        1666589051,
        True,
    ),
    "Safari": (
        (
            "FIDO:/089962132878132862898875319509818655951233947060166026934941652203853844930597225184066237811614893181300344014"
            "421205790072080843938838513707157859599106109321447142404"
        ),
        "f052eb83c3ff0421b46ae118fb4a928f",
        1670820400,
        False,
    ),
    "Chromium 156": (
        (
            "FIDO:/101660936597669503947285496741768671212113508076136275837465189504084643127518003627732227146713876706274746987"
            "538627470075142133818791051081113000084226109321447142404"
        ),
        "6b7e725bec88cb179c618678f0e969ab",
        1795193525,
        False,
    ),
}


@pytest.mark.parametrize("name", CODES)
def test_codes_of_real_browsers(name: str) -> None:
    text, secret, made_at, can_link = CODES[name]
    payload = qr.decode_qr(text)
    assert payload.secret.hex() == secret
    assert (payload.made_at, payload.can_link, payload.hint, payload.known_domains) == (made_at, can_link, "mc", 2)
    assert qr.encode_qr(payload) == text


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        (0, "cable.ua5v.com"),
        (1, "cable.auth.com"),
        (256, "cable.qz2ekwmnd332c.info"),
        (257, "cable.4a6bwmj6hiyyd.net"),
        (261, "cable.pyzci7hxyjsvc.org"),
        (266, "cable.wufkweyy3uaxb.com"),
        (0xF980, "cable.my4kstlhndi4c.net"),
    ],
)
def test_domains(identifier: int, name: str) -> None:
    assert domains.domain_of(identifier) == name
    assert domains.identifier_of(name.upper() + ".") == identifier


@pytest.mark.parametrize("identifier", [2, 255, 65_536, -1])
def test_refuses_domains_that_nobody_was_assigned(identifier: int) -> None:
    with pytest.raises(HybridError) as refused:
        domains.domain_of(identifier)
    assert refused.value.reason is HybridReason.DOMAIN_UNKNOWN


def test_knows_when_a_name_is_no_tunnel_domain() -> None:
    assert domains.identifier_of("tunnel.contoso.example") is None


def test_derivation() -> None:
    secret = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert derivation.derive(secret, Purpose.EID_KEY, length=64).hex() == (
        "efafab5b2c84a11c80e3ad0770353138b414a859ccd3afcc99e3d3250dba6508"
        "4ede8e38e75432617c0ccae1ffe5d8143df0db0cd6d296f489419cd6411ee505"
    )
    salted = derivation.derive(secret, Purpose.EID_KEY, salt=bytes.fromhex("ffeeddccbbaa998877665544332211"), length=64)
    assert salted.hex() == (
        "168cf3dd220a7907f8bac30f559be92a3b6d937fe5594beeaf1e50e35976b7d6"
        "54dd550e22ae4c801b9d1cdbf0d2b1472daa1328661eb889acae3023b7ffa509"
    )
    assert derivation.tunnel_id(bytes(16)).hex().upper() == "3EEF97097986413B059EAA2A30D653D4"
    assert (
        derivation.tunnel_id(bytes.fromhex("01fea6f7c4807493dc256f9eacf756c9")).hex().upper()
        == "367CBBF5F5085DF4098476AFE4B9B1D2"
    )
    captured = qr.decode_qr(CODES["Chromium 156"][0])
    assert derivation.tunnel_id(captured.secret).hex().upper() == "A1E48CCD747C91951DB13A6133A39328"


def test_the_advert_of_a_real_phone() -> None:
    key = derivation.eid_key(bytes.fromhex("01fea6f7c4807493dc256f9eacf756c9"))
    heard = advert.open_advert(bytes.fromhex("027d84ed6076b55e247c830f82955e4d126e7f43"), key)
    assert heard is not None
    assert (heard.nonce.hex(), heard.routing_id.hex(), heard.domain) == ("8bb5c5c9a44d913a5eb2", "026555", 0)


def test_seals_an_advert() -> None:
    eid = advert.Eid(nonce=bytes.fromhex("098b736b36a98cb9a42f"), routing_id=bytes.fromhex("090a0b"), domain=0xF980)
    sealed = advert.seal(eid, derivation.eid_key(bytes(16)))
    assert sealed.hex() == "bd2b1d032349a98c8e62797e00e3cd7a4a5c74ea"
    assert advert.open_advert(sealed, derivation.eid_key(bytes(16))) == eid


def test_the_advert_of_a_linked_call() -> None:
    secret, nonce = bytes(range(32)), bytes(range(16))
    key = derivation.eid_key(secret, nonce=nonce)
    assert (key.cipher + key.mac).hex() == (
        "0b1307c637dab74b7f8ead345a64fa2d643f9a1d4f4032136501d755c561f644"
        "18b15f3e77b4f861f5ea50a981b74df32c1afbc4c58555288a46f421f761e0b5"
    )
    plain = bytes(range(16))
    assert derivation.pre_shared_key(secret, eid=plain).hex() == (
        "8c78902fc955e8c413f2770b749eb640c4dbebd34e27138947df8ae515a9f638"
    )
    eid = advert.Eid(nonce=plain[1:11], routing_id=plain[11:14], domain=int.from_bytes(plain[14:], "little"))
    assert advert.seal(eid, key).hex() == "7d02948d6f1aa7fa26ff201e94dff9265e079425"


@pytest.mark.parametrize(
    ("suffix", "psm"),
    [
        ("a1011880", 128),
        ("a101191234", 0x1234),
        ("a1011a00010000", None),
        ("a1016161", None),
        ("", None),
        ("ff0013", None),
        ("05", None),
    ],
)
def test_suffixes(suffix: str, psm: int | None) -> None:
    assert advert.l2cap_psm(bytes(20) + bytes.fromhex(suffix)) == psm
    if psm is not None:
        assert advert.psm_suffix(psm).hex() == suffix


def test_padding() -> None:
    assert channel.unpad(bytes.fromhex("aabbccdd00000003")) == bytes.fromhex("aabbccdd")
    for wrong in ("05", "", "00", "0001", "00ff"):
        with pytest.raises(HybridError):
            channel.unpad(bytes.fromhex(wrong))


@pytest.mark.parametrize(
    "message",
    [
        (
            "a101585ca50182684649444f5f325f30684649444f5f325f3102826c6465766963655075624b657963707266035000000000000000000000"
            "00000000000004a262726bf5627576f50983656361626c656668796272696468696e7465726e616c"
        ),
        (
            "a101583aa40181684649444f5f325f300350f24a8e70d0d3f82c293732523cc4de5a04a262726bf5627576f5098268696e7465726e616c66"
            "687962726964"
        ),
    ],
)
def test_what_phones_say_after_the_handshake(message: str) -> None:
    told = channel.parse_post_handshake(bytes.fromhex(message))
    assert told.features == ("ctap",) and told.get_info[:1] in (b"\xa4", b"\xa5")


def test_the_handshake_by_a_code() -> None:
    initiator = noise.Initiator.by_qr(PSK, scalar(1), ephemeral=scalar(2))
    assert initiator.message == noise.point_of(scalar(2)) + bytes.fromhex("766c35c29074b23c037aab3915a3c5a8")
    reply, keys = noise.respond_by_qr(initiator.message, PSK, noise.point_of(scalar(1)), ephemeral=scalar(3))
    assert reply == noise.point_of(scalar(3)) + bytes.fromhex("80518b92d9e062112c7916686621d3c9")
    assert initiator.finish(reply) == keys
    assert [one.hex() for one in keys] == [
        "7878780228808aa475d37118226fc7d4c810bf3c24d307e0dd44ea94cdaf8e09",
        "e4499af5d5e0f6eb771f6f2152a629054da4ea1f1f692961ad840d066fec2bc7",
        "4b5321b815a60a9dbe3d998ad1f4ce8d802a3849abc16f9c33728f79838c8c2f",
    ]
    client = channel.Channel(sending=keys[0], receiving=keys[1])
    authenticator = channel.Channel(sending=keys[1], receiving=keys[0])
    sealed = client.seal(b"\x01\x04")
    assert sealed.hex() == (
        "95b658029b498f1e7342187ab4378d642261685680e6c7f87f0bc982226a68752010db6545fe4aacf9d5f8195039718d"
    )
    assert authenticator.open(sealed) == b"\x01\x04"
    sealed = authenticator.seal(b"\x01\x00")
    assert sealed.hex() == (
        "5d8103eceaa269d281f7276df690dad5086429f6ed48d2c5788ec9da8d5394a58d2584de96be9c928583de51714873d6"
    )
    assert client.open(sealed) == b"\x01\x00"


def test_the_handshake_by_a_link() -> None:
    initiator = noise.Initiator.by_link(PSK, noise.point_of(scalar(4)), ephemeral=scalar(2))
    assert initiator.message[65:].hex() == "64683ee11ef5fde30fb6db9d3d6269de"
    reply, keys = noise.respond_by_link(initiator.message, PSK, scalar(4), ephemeral=scalar(3))
    assert reply[65:].hex() == "e50144fba022327489976524163cd04f"
    assert initiator.finish(reply) == keys
    assert [one.hex() for one in keys] == [
        "9248dc7777ba3bf523df5a8299087ce85ccea167238ec60fec9db22489cf386a",
        "c4dd4d137ada2038cffd0a2ca56a8944c7b678cc26dcf88f78dc0dd1aab9fa0b",
        "f69ba9deda869949ca740ae28d2b08ae90c2e139977a3097f9f584feb686b1f8",
    ]


def test_the_signature_of_a_link() -> None:
    signature = linking.sign_link(scalar(5), noise.point_of(scalar(1)), bytes(range(32)))
    assert signature.hex() == "7347353ec80dacd0d3cd031d9aee783688d9f99ff9212fe8d178343e16baf562"
