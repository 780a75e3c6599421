"""What the QR code holds (CTAP 2.2 §11.5.1): `FIDO:/` and decimal digits, which a QR code packs most densely."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.wire import decode_map, encode_map

PREFIX: Final = "FIDO:/"
SECRET_LENGTH: Final = 16
POINT_LENGTH: Final = 33
ASSIGNED_DOMAINS: Final = 2

_CHUNK: Final = 7
_DIGITS: Final = {1: 3, 2: 5, 3: 8, 4: 10, 5: 13, 6: 15, 7: 17}
_BYTES: Final = {digits: length for length, digits in _DIGITS.items()}
_LONGEST: Final = 4_000

WEBSOCKET, BLUETOOTH = 0, 1
"""Data channels (CTAP 2.3)."""

GET_ASSERTION, MAKE_CREDENTIAL = "ga", "mc"


@dataclass(frozen=True, slots=True, kw_only=True)
class QrPayload:
    """`public_key`: the client's, compressed, made for this code alone. `hint`: what is to be asked for; never more
    than a hint. `made_at`: Unix time in seconds. `channels`: empty stands for the tunnel alone."""

    public_key: bytes
    secret: bytes
    known_domains: int = ASSIGNED_DOMAINS
    made_at: int | None = None
    can_link: bool = False
    hint: str = GET_ASSERTION
    channels: Sequence[int] = ()


def encode_qr(payload: QrPayload) -> str:
    """The text of the code. The data channels are left out where there is but one: older phones refuse the key."""
    values: dict[int, object] = {0: payload.public_key, 1: payload.secret, 2: payload.known_domains}
    if payload.made_at is not None:
        values[3] = payload.made_at
    values[4] = payload.can_link
    values[5] = payload.hint
    if BLUETOOTH in payload.channels:
        values[6] = list(payload.channels)
    return PREFIX + encode_digits(encode_map(values))


def decode_qr(text: str) -> QrPayload:
    """Raises `HybridError`: `QR_NOT_FIDO` for another kind of code, `QR_DAMAGED` for one that means nothing."""
    text = text.strip(" \t\r\n")
    if text[: len(PREFIX)].upper() != PREFIX:
        raise HybridError(HybridReason.QR_NOT_FIDO)
    values = decode_map(decode_digits(text[len(PREFIX) :]), HybridReason.QR_DAMAGED)
    public_key, secret = values.get(0), values.get(1)
    if not isinstance(public_key, bytes) or not isinstance(secret, bytes) or len(secret) != SECRET_LENGTH:
        raise _damaged("no key or no secret")
    _check_point(public_key)
    made_at = values.get(3)
    if made_at is not None and not _is_count(made_at):
        raise _damaged("time")
    known = values.get(2, ASSIGNED_DOMAINS)
    if not _is_count(known):
        raise _damaged("domains")
    hint = values.get(5)
    channels = values.get(6)  # a boolean in a draft of old, of another meaning
    return QrPayload(
        public_key=public_key,
        secret=secret,
        known_domains=known,  # type: ignore[arg-type]
        made_at=made_at,  # type: ignore[arg-type]
        can_link=values.get(4) is True,
        hint=hint if hint in (GET_ASSERTION, MAKE_CREDENTIAL) else GET_ASSERTION,
        channels=tuple(one for one in channels if _is_count(one)) if isinstance(channels, list | tuple) else (),
    )


def require_fresh(payload: QrPayload, *, now: int, within: int = 300, ahead: int = 300) -> None:
    """A code that was shown long ago is one that was passed on. Seconds; raises `HybridError(QR_EXPIRED)`."""
    if payload.made_at is not None and not -ahead <= now - payload.made_at <= within:
        raise HybridError(HybridReason.QR_EXPIRED)


def encode_digits(data: bytes) -> str:
    """Seven bytes at a time as a little-endian number of seventeen digits; shorter at the end."""
    chunks = (data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK))
    return "".join(str(int.from_bytes(chunk, "little")).zfill(_DIGITS[len(chunk)]) for chunk in chunks)


def decode_digits(digits: str) -> bytes:
    """Raises `HybridError(QR_DAMAGED)`. ASCII digits alone: `int` would take those of other scripts, and signs."""
    if not digits or len(digits) > _LONGEST or not digits.isascii() or not digits.isdecimal():
        raise _damaged("not digits")
    width = _DIGITS[_CHUNK]
    data = bytearray()
    for at in range(0, len(digits), width):
        group = digits[at : at + width]
        length = _BYTES.get(len(group))
        if length is None:
            raise _damaged("length")
        try:
            data += int(group).to_bytes(length, "little")
        except OverflowError as error:
            raise _damaged("a number is too large") from error
    return bytes(data)


def _check_point(public_key: bytes) -> None:
    if len(public_key) != POINT_LENGTH:
        raise _damaged("length of the key")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    except ValueError as error:
        raise _damaged("no point of the curve") from error


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _damaged(detail: str) -> HybridError:
    return HybridError(HybridReason.QR_DAMAGED, detail)
