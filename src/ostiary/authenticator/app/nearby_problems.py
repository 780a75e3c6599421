"""What can go wrong between the code of another computer and its answer, in words for the person, with what helps."""

from typing import Final

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.hybrid.answering import NotHeard
from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.radio import RadioError, RadioReason
from ostiary.hybrid.tunnel.client import TunnelError, TunnelReason


def app_error(error: AppError | HybridError | TunnelError | RadioError | NotHeard) -> AppError:
    match error:
        case AppError():
            return error
        case NotHeard():
            return AppError(AppReason.NOBODY_NEAR)
        case RadioError():
            return AppError(_RADIO[error.reason])
        case TunnelError():
            return AppError(_TUNNEL[error.reason])
        case _:
            return AppError(_HYBRID.get(error.reason, AppReason.TUNNEL_CLOSED))


_HYBRID: Final = {
    HybridReason.QR_NOT_FIDO: AppReason.QR_NOT_FIDO,
    HybridReason.QR_DAMAGED: AppReason.QR_DAMAGED,
    HybridReason.QR_EXPIRED: AppReason.QR_EXPIRED,
    HybridReason.HANDSHAKE_FAILED: AppReason.HANDSHAKE_FAILED,
}
_TUNNEL: Final = {
    TunnelReason.UNREACHABLE: AppReason.TUNNEL_UNREACHABLE,
    TunnelReason.REFUSED: AppReason.TUNNEL_REFUSED,
    TunnelReason.LINK_GONE: AppReason.TUNNEL_REFUSED,
    TunnelReason.CLOSED: AppReason.TUNNEL_CLOSED,
}
_RADIO: Final = {
    RadioReason.NOT_INSTALLED: AppReason.BLUETOOTH_NOT_INSTALLED,
    RadioReason.NO_BLUETOOTH: AppReason.BLUETOOTH_MISSING,
    RadioReason.BLUETOOTH_OFF: AppReason.BLUETOOTH_OFF,
    RadioReason.NOT_PERMITTED: AppReason.BLUETOOTH_NOT_PERMITTED,
    RadioReason.CANNOT_ADVERTISE: AppReason.BLUETOOTH_CANNOT_ADVERTISE,
}
