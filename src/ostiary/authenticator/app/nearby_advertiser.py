"""By which Bluetooth this Authenticator shows that it is near."""

from ostiary.hybrid.bluez_advertiser import BluezAdvertiser
from ostiary.hybrid.radio import Advertiser, RadioError, RadioReason


def advertiser_of(controller: str) -> Advertiser:
    """The system's Bluetooth; or a controller of our own where one is named, as where there is no BlueZ. Raises
    `RadioError`."""
    if not controller:
        return BluezAdvertiser()
    try:
        from ostiary.hybrid.bumble_radio import ControllerAdvertiser
    except ImportError as error:
        raise RadioError(RadioReason.NOT_INSTALLED) from error
    return ControllerAdvertiser(controller)
