"""One-time codes: RFC 6238's own vectors, what is taken and refused, and that they are sealed."""

import pytest
import segno

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.otp import OneTimeCode, parse_secret, parse_uri
from ostiary.authenticator.app.qr import MOST_PIXELS, read_qr
from ostiary.authenticator.app.service import AuthenticatorService

URI = "otpauth://totp/Contoso:ada%40contoso.example?secret=JBSWY3DPEHPK3PXP&issuer=Contoso"
SEED = b"1234567890"
# RFC 6238 appendix B
VECTORS = [
    ("SHA1", 20, 59, "94287082"),
    ("SHA256", 32, 59, "46119246"),
    ("SHA512", 64, 59, "90693936"),
    ("SHA1", 20, 1111111109, "07081804"),
    ("SHA256", 32, 1111111109, "68084774"),
    ("SHA512", 64, 1111111109, "25091201"),
    ("SHA1", 20, 1234567890, "89005924"),
    ("SHA256", 32, 2000000000, "90698825"),
    ("SHA512", 64, 20000000000, "47863826"),
]


@pytest.mark.parametrize(("algorithm", "size", "seconds", "expected"), VECTORS)
def test_computes_the_vectors_of_rfc_6238(algorithm: str, size: int, seconds: int, expected: str) -> None:
    secret = (SEED * 7)[:size]
    code = OneTimeCode(issuer="RFC", name="6238", secret=secret, digits=8, algorithm=algorithm)
    assert code.at(seconds * 1000) == expected


def test_counts_the_seconds_down() -> None:
    code = parse_uri(URI)
    assert [code.seconds_left(at) for at in (0, 29_999, 30_000)] == [30, 1, 30]


def test_reads_what_the_text_says() -> None:
    code = parse_uri("otpauth://totp/Ex:me?secret=jbsw%20y3dp&algorithm=SHA512&digits=8&period=60&image=x")
    assert (code.issuer, code.name, code.digits, code.period, code.algorithm) == ("Ex", "me", 8, 60, "SHA512")


def test_a_secret_is_taken_as_people_type_it() -> None:
    assert parse_secret("jbsw y3dp-EHPK 3pxp") == parse_secret("JBSWY3DPEHPK3PXP====")


def test_does_not_show_the_secret() -> None:
    assert "secret" not in repr(parse_uri(URI))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://contoso.example",
        "otpauth://totp/Ex:me",
        "otpauth://totp/Ex:me?secret=",
        "otpauth://totp/Ex:me?secret=A&secret=B",
        "otpauth://totp/?secret=JBSWY3DP",
        "otpauth://totp/Ex:me?secret=JBSWY3DP&issuer=Other",
        "otpauth://totp/Ex:me?secret=JBSWY3DP&digits=5",
        "otpauth://totp/Ex:me?secret=JBSWY3DP&digits=9",
        "otpauth://totp/Ex:me?secret=JBSWY3DP&digits=six",
        "otpauth://totp/Ex:me?secret=JBSWY3DP&period=0",
        "otpauth://totp/Ex:me?secret=JBSWY3DP&period=-30",
        "otpauth://totp/Ex:me?secret=JBSWY3DP&period=9999999",
        "otpauth://totp/Ex:me?secret=JBSWY3DP&algorithm=MD5",
        "otpauth://totp/Ex:%00?secret=JBSWY3DP",
        "otpauth://[totp/Ex:me?secret=JBSWY3DP",
        "otpauth://totp/" + "x" * 5000 + "?secret=JBSWY3DP",
    ],
)
def test_refuses_text_that_is_no_code(text: str) -> None:
    with pytest.raises(AppError) as refused:
        parse_uri(text)
    assert refused.value.reason in (AppReason.OTPAUTH_INVALID, AppReason.SECRET_INVALID)


def test_refuses_codes_that_count_plainly() -> None:
    with pytest.raises(AppError) as refused:
        parse_uri("otpauth://hotp/Ex:me?secret=JBSWY3DP&counter=1")
    assert refused.value.reason is AppReason.OTPAUTH_COUNTER


@pytest.mark.parametrize("secret", ["", "1", "AB!", "ÄÖ", "A"])
def test_refuses_a_secret_that_is_none(secret: str) -> None:
    with pytest.raises(AppError) as refused:
        OneTimeCode(issuer="Ex", name="", secret=parse_secret(secret))
    assert refused.value.reason is AppReason.SECRET_INVALID


# --- pictures


def picture(*texts: str, scale: int = 4, border: int = 4) -> tuple[bytes, int, int]:
    """QR codes beside each other, greyscale."""
    matrices = [list(segno.make_qr(text, version=10).matrix_iter(scale=scale, border=border)) for text in texts]
    rows = [
        b"".join(bytes(0 if one else 255 for one in matrix[line]) for matrix in matrices)
        for line in range(len(matrices[0]))
    ]
    return b"".join(rows), len(rows[0]), len(rows)


def test_reads_a_qr_code() -> None:
    assert read_qr(*picture(URI)) == URI


def test_refuses_a_picture_without_a_code() -> None:
    with pytest.raises(AppError) as refused:
        read_qr(b"\xff" * 10_000, 100, 100)
    assert refused.value.reason is AppReason.QR_NOT_FOUND


def test_refuses_a_picture_with_two_codes() -> None:
    with pytest.raises(AppError) as refused:
        read_qr(*picture(URI, "https://contoso.example"))
    assert refused.value.reason is AppReason.QR_SEVERAL


@pytest.mark.parametrize(("size", "width", "height"), [(10, 3, 3), (0, 0, 0), (4, -2, -2), (9, MOST_PIXELS, 2)])
def test_refuses_what_is_no_picture(size: int, width: int, height: int) -> None:
    with pytest.raises(AppError) as refused:
        read_qr(b"\0" * size, width, height)
    assert refused.value.reason is AppReason.IMAGE_INVALID


# --- kept


def test_keeps_shows_and_deletes(ready: AuthenticatorService) -> None:
    added = ready.add_code_from_uri(URI)
    by_hand = ready.add_code(issuer="Aa", name="me", secret="KRSXG5CT")
    assert [one.id for one in ready.codes()] == [by_hand.id, added.id]
    ready.delete_code(by_hand.id)
    assert [one.name for one in ready.codes()] == ["ada@contoso.example"]


def test_adds_from_a_picture(ready: AuthenticatorService) -> None:
    assert ready.add_code_from_image(*picture(URI)).issuer == "Contoso"


def test_refuses_the_same_code_twice(ready: AuthenticatorService) -> None:
    ready.add_code_from_uri(URI)
    with pytest.raises(AppError) as refused:
        ready.add_code_from_uri(URI)
    assert refused.value.reason is AppReason.CODE_DUPLICATE


def test_refuses_to_delete_what_is_not_there(ready: AuthenticatorService) -> None:
    with pytest.raises(AppError) as refused:
        ready.delete_code("other")
    assert refused.value.reason is AppReason.CODE_UNKNOWN


def test_shows_nothing_while_locked(ready: AuthenticatorService) -> None:
    ready.add_code_from_uri(URI)
    ready.lock()
    for question in (ready.codes, lambda: ready.add_code_from_uri(URI), lambda: ready.delete_code("x")):
        with pytest.raises(AppError) as refused:
            question()
        assert refused.value.reason is AppReason.LOCKED
