"""Time-based one-time codes (RFC 6238 on RFC 4226), and the `otpauth://` text that carries their secrets."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import N_, phrase

ALGORITHMS: Final = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
DIGITS: Final = range(6, 9)
PERIODS: Final = range(10, 301)
MOST_SECRET_BYTES: Final = 256
LONGEST_LABEL: Final = 200
LONGEST_URI: Final = 4096

_TRUNCATED: Final = 0x7FFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeCode:
    """What a code is computed from. `__repr__` hides the secret."""

    issuer: str
    name: str
    secret: bytes
    digits: int = 6
    period: int = 30
    algorithm: str = "SHA1"

    def __post_init__(self) -> None:
        if not 0 < len(self.secret) <= MOST_SECRET_BYTES:
            raise AppError(AppReason.SECRET_INVALID)
        if self.digits not in DIGITS:
            raise _invalid(N_("A code has 6 to 8 digits. Copy it again."))
        if self.period not in PERIODS:
            raise _invalid(
                phrase(
                    N_("A code holds for %(least)d to %(most)d seconds. Copy it again."),
                    least=PERIODS[0],
                    most=PERIODS[-1],
                )
            )
        if self.algorithm not in ALGORITHMS:
            raise _invalid(N_("The algorithm is SHA1, SHA256 or SHA512. Copy it again."))
        if not self.name and not self.issuer:
            raise _invalid(N_("It needs the name of an account. Copy it again."))
        if max(len(self.name), len(self.issuer)) > LONGEST_LABEL:
            raise _invalid(N_("The name is too long. Copy it again."))
        if not (self.name + self.issuer).isprintable():
            raise _invalid(N_("The name holds signs that cannot be shown. Copy it again."))

    def __repr__(self) -> str:
        return f"OneTimeCode(issuer={self.issuer!r}, name={self.name!r})"

    def at(self, now: int) -> str:
        """The code at an instant in epoch milliseconds."""
        counter = now // 1000 // self.period
        digest = hmac.digest(self.secret, counter.to_bytes(8, "big"), ALGORITHMS[self.algorithm])
        offset = digest[-1] & 0xF  # RFC 4226 §5.3
        number = int.from_bytes(digest[offset : offset + 4], "big") & _TRUNCATED
        return str(number % 10**self.digits).zfill(self.digits)

    def seconds_left(self, now: int) -> int:
        return self.period - now // 1000 % self.period


def parse_secret(text: str) -> bytes:
    """Base32 as people type it: groups, small letters, without padding."""
    cleaned = "".join(text.split()).replace("-", "").rstrip("=").upper()
    try:
        return base64.b32decode(cleaned + "=" * (-len(cleaned) % 8))
    except (binascii.Error, ValueError) as error:
        raise AppError(AppReason.SECRET_INVALID) from error


def parse_uri(text: str) -> OneTimeCode:
    """`otpauth://totp/ISSUER:NAME?secret=...&issuer=...&algorithm=...&digits=...&period=...`. What it says twice (the
    issuer) must agree; what it leaves out has the usual value; anything else unknown is passed over."""
    text = text.strip()
    if len(text) > LONGEST_URI:
        raise _invalid(N_("It is too long. Copy it again."))
    try:
        parts = urlsplit(text)
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True, max_num_fields=20)
    except ValueError as error:
        raise AppError(AppReason.OTPAUTH_INVALID) from error
    if parts.scheme.lower() != "otpauth":
        raise AppError(AppReason.OTPAUTH_INVALID)
    if parts.netloc.lower() == "hotp":
        raise AppError(AppReason.OTPAUTH_COUNTER)
    if parts.netloc.lower() != "totp":
        raise AppError(AppReason.OTPAUTH_INVALID)
    if any(len(values) > 1 for values in query.values()):
        raise _invalid(N_("It says something twice. Copy it again."))
    given = {name: values[0] for name, values in query.items()}
    if "secret" not in given:
        raise _invalid(N_("It holds no secret. Copy it again."))
    label = unquote(parts.path.removeprefix("/"))
    prefix, separator, name = label.partition(":")
    issuer = given.get("issuer", "").strip()
    if not separator:
        prefix, name = "", label
    if issuer and prefix.strip() and issuer != prefix.strip():
        raise _invalid(N_("It names two issuers. Copy it again."))
    return OneTimeCode(
        issuer=issuer or prefix.strip(),
        name=name.strip(),
        secret=parse_secret(given["secret"]),
        digits=_number(given.get("digits", "6")),
        period=_number(given.get("period", "30")),
        algorithm=given.get("algorithm", "SHA1").upper().replace("-", ""),
    )


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise _invalid(N_("Its digits or period is not a number. Copy it again."))
    return int(text)


def _invalid(why_and_next: str) -> AppError:
    return AppError(AppReason.OTPAUTH_INVALID, next_step=why_and_next)
