"""The text of a QR code in a picture."""

from typing import Final

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import N_

MOST_PIXELS: Final = 25_000_000


def read_qr(pixels: bytes, width: int, height: int) -> str:
    """`pixels`: greyscale, one byte each, row by row. Raises `AppError` for no code, several, or no picture."""
    found = read_texts(pixels, width, height)
    if not found:
        raise AppError(AppReason.QR_NOT_FOUND)
    if len(found) > 1:
        raise AppError(AppReason.QR_SEVERAL)
    return found.pop()


def read_texts(pixels: bytes, width: int, height: int) -> set[str]:
    """Of every QR code there is. Raises `AppError` for no picture."""
    if width < 1 or height < 1 or width * height > MOST_PIXELS or len(pixels) != width * height:
        raise AppError(AppReason.IMAGE_INVALID)
    try:
        import zxingcpp
    except ImportError as error:
        raise AppError(
            AppReason.UNAVAILABLE,
            N_("Pictures of QR codes cannot be read here."),
            N_("Enter the code's text instead."),
        ) from error
    image = memoryview(pixels).cast("B", (height, width))
    return {
        str(one.text)
        for one in zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
        if one.valid
    }
