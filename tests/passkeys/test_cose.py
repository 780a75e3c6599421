"""Public keys: every way in which one can be wrong (WebAuthn L3 §5.8.5, §6.5.1; RFC 9053 §7)."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ostiary.passkeys import CeremonyReason, cbor, cose, signatures
from ostiary.passkeys.edwards import is_sound_ed448_key, is_sound_ed25519_key
from tests.passkeys.ceremonies import refuses
from tests.software_authenticator import cose_key, cose_parameters, generate_key, sign

ALGORITHMS = (-7, -8, -19, -35, -36, -48, -49, -50, -53, -257)
P25519 = 2**255 - 19
P448 = 2**448 - 2**224 - 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_loads_and_verifies(algorithm: int) -> None:
    private_key = generate_key(algorithm)
    public_key = cose.load_public_key(cose_key(private_key, algorithm))
    signature = sign(private_key, algorithm, b"data")
    assert public_key.algorithm == algorithm
    assert public_key.is_valid(signature, b"data")
    assert not public_key.is_valid(signature, b"other data")
    assert not public_key.is_valid(signature[:-1], b"data")
    assert not public_key.is_valid(b"", b"data")


def test_offers_only_what_it_verifies() -> None:
    assert set(signatures.DEFAULT_ALGORITHMS) <= set(ALGORITHMS)
    assert signatures.DEFAULT_ALGORITHMS[0] == -7


def test_a_key_is_loaded_once() -> None:
    encoded = cose_key(generate_key(-7), -7)
    assert cose.load_public_key(encoded) is cose.load_public_key(bytes(bytearray(encoded)))


def parameters(algorithm: int, **change: Any) -> dict[int, Any]:
    """Parameters of an honest key; ``m1`` is label -1, ``p5`` is label 5, and ``None`` drops one."""
    honest: dict[int, Any] = {**cose_parameters(generate_key(algorithm), algorithm)}
    for label, value in change.items():
        honest[int(label[1:]) * (-1 if label[0] == "m" else 1)] = value
    return {label: value for label, value in honest.items() if value is not None}


P256_POINT = cose_parameters(generate_key(-7), -7)

WRONG: dict[str, dict[int, Any]] = {
    "no_alg": parameters(-7, p3=None),
    "no_kty": parameters(-7, p1=None),
    "text_alg": parameters(-7, p3="ES256"),
    "boolean_kty": parameters(-8, p1=True),
    "unknown_kty": parameters(-7, p1=4),
    "unknown_alg": parameters(-7, p3=-65535),
    "alg_of_another_kty": parameters(-7, p3=-8),
    "es256_on_p384": parameters(-35, p3=-7),
    "es384_on_p256": parameters(-7, p3=-35),
    "wrong_crv": parameters(-7, m1=2),
    "boolean_crv": parameters(-7, m1=True),
    "secp256k1": parameters(-7, m1=8),
    "no_y": parameters(-7, m3=None),
    "compressed_y": parameters(-7, m3=True),
    "short_x": parameters(-7, m2=bytes(31)),
    "long_x": parameters(-7, m2=b"\x00" + bytes(P256_POINT[-2] if isinstance(P256_POINT[-2], bytes) else b"")),
    "off_the_curve": parameters(-7, m3=bytes(31) + b"\x01"),
    "x_beyond_the_field": parameters(-7, m2=b"\xff" * 32),
    "point_at_infinity": parameters(-7, m2=bytes(32), m3=bytes(32)),
    "private_part_ec": parameters(-7, m4=bytes(32)),
    "private_part_okp": parameters(-8, m4=bytes(32)),
    "private_part_rsa": parameters(-257, m3=bytes(256)),
    "key_id": parameters(-7, p2=b"id"),
    "key_ops": parameters(-7, p4=[2]),
    "base_iv": parameters(-7, p5=b""),
    "ed25519_text": parameters(-8, m2="x"),
    "ed25519_short": parameters(-8, m2=bytes(31)),
    "ed25519_as_x25519": parameters(-8, m1=4),
    "ed448_named_eddsa": parameters(-53, p3=-8),
    "ed25519_named_ed448": parameters(-8, p3=-53),
    "ed25519_identity": parameters(-8, m2=b"\x01" + bytes(31)),
    "ed25519_order_4": parameters(-8, m2=bytes(32)),
    "ed25519_not_canonical": parameters(-8, m2=(P25519 + 3).to_bytes(32, "little")),
    "ed25519_off_the_curve": parameters(-8, m2=(2).to_bytes(32, "little")),
    "ed448_identity": parameters(-53, m2=b"\x01" + bytes(56)),
    "ed448_short": parameters(-53, m2=bytes(56)),
    "rsa_short_modulus": parameters(-257, m1=b"\xff" * 128),
    "rsa_long_modulus": parameters(-257, m1=b"\xff" * 1025),
    "rsa_even_modulus": parameters(-257, m1=b"\xff" * 255 + b"\xfe"),
    "rsa_leading_zero": parameters(-257, m1=b"\x00" + b"\xff" * 256),
    "rsa_empty_modulus": parameters(-257, m1=b""),
    "rsa_exponent_1": parameters(-257, m2=b"\x01"),
    "rsa_exponent_even": parameters(-257, m2=b"\x01\x00\x00"),
    "rsa_exponent_huge": parameters(-257, m2=b"\x01\x00\x00\x00\x01"),
    "rsa_exponent_leading_zero": parameters(-257, m2=b"\x00\x01\x00\x01"),
    "rsa_exponent_integer": parameters(-257, m2=65537),
    "rsa_as_pss": parameters(-257, p3=-37),
    "rs1_short_modulus": parameters(-257, p3=-65535, m1=b"\x00" + b"\xff" * 128),
    "rs1_two_leading_zeros": parameters(-257, p3=-65535, m1=b"\x00\x00" + b"\xff" * 256),
    "rs1_zero_that_is_no_sign": parameters(-257, p3=-65535, m1=b"\x00" + b"\x7f" + b"\xff" * 255),
    "ml_dsa_short": parameters(-48, m1=bytes(1311)),
    "ml_dsa_of_another_size": parameters(-49, p3=-48),
    "ml_dsa_text": parameters(-48, m1="x"),
    "ml_dsa_seed": parameters(-48, m2=bytes(32)),
}


@pytest.mark.parametrize("move", [1, -1])
def test_refuses_coordinates_that_only_together_are_long_enough(move: int) -> None:
    honest = parameters(-7)
    point = honest[-2] + honest[-3]
    with refuses(CeremonyReason.PUBLIC_KEY_INVALID):
        cose.load_public_key(cbor.encode({**honest, -2: point[: 32 + move], -3: point[32 + move :]}))


@pytest.mark.parametrize(
    ("is_sound", "p", "size"), [(is_sound_ed25519_key, P25519, 32), (is_sound_ed448_key, P448, 57)]
)
def test_refuses_edwards_point_spelled_in_another_way(is_sound: Any, p: int, size: int) -> None:
    spare = [y for y in range(2, 19) if is_sound(y.to_bytes(size, "little"))]
    assert spare
    assert not any(is_sound((p + y).to_bytes(size, "little")) for y in spare)


@pytest.mark.parametrize("wrong", WRONG)
def test_refuses_public_key(wrong: str) -> None:
    with refuses(CeremonyReason.PUBLIC_KEY_INVALID):
        cose.load_public_key(cbor.encode(WRONG[wrong]))


def test_refuses_public_key_in_another_order() -> None:
    honest = cose_key(generate_key(-7), -7)
    assert honest[:5] == b"\xa5\x01\x02\x03\x26"
    with refuses(CeremonyReason.PUBLIC_KEY_INVALID):
        cose.load_public_key(honest[:1] + honest[3:5] + honest[1:3] + honest[5:])


def test_refuses_public_key_that_is_no_map() -> None:
    for encoded in (b"\x80", b"\x00"):
        with refuses(CeremonyReason.PUBLIC_KEY_INVALID):
            cose.load_public_key(encoded)
        with refuses(CeremonyReason.PUBLIC_KEY_INVALID):
            cose.read_algorithm(encoded)


@pytest.mark.parametrize(
    "encoded", [b"", b"\xa5", cose_key(generate_key(-7), -7) + b"\x00"], ids=["nothing", "cut off", "more behind"]
)
def test_refuses_public_key_that_is_no_cbor(encoded: bytes) -> None:
    with refuses(CeremonyReason.MALFORMED_CBOR):
        cose.load_public_key(encoded)


def test_binds_certificate_keys_by_the_same_rules() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    for key, algorithm in ((weak, -257), (generate_key(-7).public_key(), -35), (object(), -7), (weak, 0)):
        with refuses(CeremonyReason.PUBLIC_KEY_INVALID):
            signatures.bind(key, algorithm)


def test_every_small_order_point_is_known() -> None:
    """A point of small order is recognised by doubling it three times, with no list to compare with."""
    p, d = P25519, -121665 * pow(121666, -1, P25519) % P25519
    order_8 = [y for y in (_y_of_order_8(p, d, sign) for sign in (1, -1)) if y is not None]
    assert len(order_8) == 1
    for y in (0, 1, p - 1, order_8[0], p - order_8[0]):
        for high_bit in (0, 1 << 255):
            assert not is_sound_ed25519_key((y | high_bit).to_bytes(32, "little"))
    for y in (0, 1, P448 - 1):
        for high_bit in (0, 1 << 455):
            assert not is_sound_ed448_key((y | high_bit).to_bytes(57, "little"))


def _y_of_order_8(p: int, d: int, sign: int) -> int | None:
    """y with d*y^4 + 2*y^2 - 1 = 0: doubling such a point gives one with y = 0, which has order 4."""
    root = _square_root((1 + d) % p, p)
    assert root is not None
    return _square_root((-1 + sign * root) * pow(d, -1, p) % p, p)


def _square_root(value: int, p: int) -> int | None:
    root: int = pow(value, (p + 3) // 8, p)
    if root * root % p != value:
        root = root * pow(2, (p - 1) // 4, p) % p
    return root if root * root % p == value else None


def test_loads_rs1_key_with_and_without_the_sign_of_its_modulus() -> None:
    modulus = b"\xff" * 256
    plain = cose.load_public_key(cbor.encode(parameters(-257, p3=-65535, m1=modulus)))
    signed = cose.load_public_key(cbor.encode(parameters(-257, p3=-65535, m1=b"\x00" + modulus)))
    assert (plain.algorithm, plain.key) == (-65535, signed.key)


def test_rs1_is_not_offered_of_our_own_accord() -> None:
    assert signatures.RS1 not in signatures.DEFAULT_ALGORITHMS
