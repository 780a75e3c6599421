"""Makes a passkey on your phone and signs in with it, from a terminal: `python examples/sign_in_with_phone.py`.

Shows a QR code; scan it with the phone's camera, near this computer and with Bluetooth on, on both. The passkey is for
`example.com` of this program alone, and you may delete it on the phone afterwards. The phone's maker runs the tunnel,
so both need the Internet. Needs: pip install 'ostiary[bluetooth]'.
"""

import sys

import segno
from fido2.client import ClientError, DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.server import Fido2Server
from fido2.webauthn import PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity, ResidentKeyRequirement

from ostiary.hybrid.calling import NobodyCame
from ostiary.hybrid.device import HybridDevice
from ostiary.hybrid.errors import HybridError
from ostiary.hybrid.progress import WHEN_STUCK, Step
from ostiary.hybrid.qr import GET_ASSERTION, MAKE_CREDENTIAL
from ostiary.hybrid.radio import RadioError
from ostiary.hybrid.tunnel.client import TunnelError

ORIGIN = "https://example.com"


def show(code: str) -> None:
    segno.make(code, error="l", micro=False).terminal(compact=True)


def tell(step: Step) -> None:
    print(f"  {step.replace('_', ' ')}. {WHEN_STUCK[step]}")


def client(device: HybridDevice) -> Fido2Client:
    return Fido2Client(device, DefaultClientDataCollector(ORIGIN), user_interaction=UserInteraction())


def main() -> int:
    server = Fido2Server(PublicKeyCredentialRpEntity(id="example.com", name="An example"))
    ada = PublicKeyCredentialUserEntity(id=b"ada", name="ada@example.com", display_name="Ada Lovelace")
    try:
        print("Scan this to make a passkey:")
        device = HybridDevice.by_qr(show, hint=MAKE_CREDENTIAL, can_link=True, progress=tell)
        options, state = server.register_begin(ada, resident_key_requirement=ResidentKeyRequirement.REQUIRED)
        made = server.register_complete(state, client(device).make_credential(options.public_key))
        link = device.link
        device.close()
        assert made.credential_data is not None
        request, state = server.authenticate_begin()
        if link is not None:
            print(f"{link.name} lets itself be remembered: calling it without a code.")
            device = HybridDevice.by_link(link, hint=GET_ASSERTION, progress=tell)
        else:
            print("Scan this to sign in:")
            device = HybridDevice.by_qr(show, hint=GET_ASSERTION, progress=tell)
        answer = client(device).get_assertion(request.public_key).get_response(0)
        server.authenticate_complete(state, [made.credential_data], answer)
        device.close()
    except RadioError as error:
        print(f"No Bluetooth: {error}", file=sys.stderr)
        return 1
    except NobodyCame as error:
        heard = "Other devices were heard, so Bluetooth works" if error.others else "Nothing at all was heard"
        print(f"No phone answered. {heard}: scan the code, near this computer, with Bluetooth on.", file=sys.stderr)
        return 1
    except (TunnelError, HybridError) as error:
        print(
            f"The phone could not be reached ({error.reason}). Check the Internet on both, and try again.",
            file=sys.stderr,
        )
        return 1
    except ClientError as error:
        print(f"The phone said no: {error}", file=sys.stderr)
        return 1
    print("Signed in.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
