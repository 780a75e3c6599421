"""Whether an Edwards key is a point one can rely on (RFC 8032 §5.1.3, §5.2.3).

The library underneath keeps the bytes of an Ed25519 or Ed448 key as they are and looks at them only when a signature
is verified. A relying party stores the key first, and should not store one that is no point of the curve, that is not
in its one canonical spelling, or that is of small order (everybody can sign for those).
"""

from typing import Final

_P25519: Final = 2**255 - 19
_D25519: Final = -121665 * pow(121666, -1, _P25519) % _P25519
_P448: Final = 2**448 - 2**224 - 1
_D448: Final = -39081

# The y coordinates of the points whose order divides the cofactor. Two of Ed25519's order-8 points share one with
# their negatives; those follow from doubling: y^2 = (-1 ± sqrt(1 + d)) / d.
_Y_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_25519: Final = frozenset({0, 1, _P25519 - 1, _Y_ORDER_8, _P25519 - _Y_ORDER_8})
_SMALL_ORDER_448: Final = frozenset({0, 1, _P448 - 1})


def is_sound_ed25519_key(raw: bytes) -> bool:
    """Whether ``raw`` is the canonical spelling of a point on edwards25519 that is not of small order."""
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if len(raw) != 32 or y >= _P25519 or y in _SMALL_ORDER_25519:
        return False
    # -x^2 + y^2 = 1 + d x^2 y^2, so x^2 = (y^2 - 1) / (d y^2 + 1)
    return _is_quotient_square(y * y - 1, _D25519 * y * y + 1, _P25519)


def is_sound_ed448_key(raw: bytes) -> bool:
    """Whether ``raw`` is the canonical spelling of a point on edwards448 that is not of small order."""
    y = int.from_bytes(raw, "little") & (2**455 - 1)
    if len(raw) != 57 or y >= _P448 or y in _SMALL_ORDER_448:
        return False
    # x^2 + y^2 = 1 + d x^2 y^2, so x^2 = (y^2 - 1) / (d y^2 - 1)
    return _is_quotient_square(y * y - 1, _D448 * y * y - 1, _P448)


def _is_quotient_square(numerator: int, denominator: int, p: int) -> bool:
    # a / b is a square exactly when a * b is (Euler's criterion); x = 0 belongs to points of small order only.
    return pow(numerator * denominator % p, (p - 1) // 2, p) == 1
