"""Why the app refuses something, and how it says so. The reason is stable; the words may change."""

from enum import StrEnum
from typing import Final, NamedTuple


class AppReason(StrEnum):
    # the PIN and the lock
    PIN_NOT_SET = "pin_not_set"
    PIN_ALREADY_SET = "pin_already_set"
    PIN_TOO_SHORT = "pin_too_short"
    PIN_TOO_LONG = "pin_too_long"
    PIN_UNCHANGED = "pin_unchanged"
    PIN_WRONG = "pin_wrong"
    PIN_BLOCKED = "pin_blocked"
    RESTART_NEEDED = "restart_needed"
    PIN_NEEDED = "pin_needed"
    LOCKED = "locked"
    FINGERPRINT_UNAVAILABLE = "fingerprint_unavailable"
    FINGERPRINT_NOT_RECOGNISED = "fingerprint_not_recognised"
    # what is asked of the person
    PROMPT_OVER = "prompt_over"
    CHOICE_UNKNOWN = "choice_unknown"
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    # what is kept here
    PASSKEY_UNKNOWN = "passkey_unknown"
    ACCOUNT_UNKNOWN = "account_unknown"
    CODE_UNKNOWN = "code_unknown"
    CODE_DUPLICATE = "code_duplicate"
    APPROVAL_OVER = "approval_over"
    SIGN_IN_UNKNOWN = "sign_in_unknown"
    STORE_FULL = "store_full"
    SETTING_INVALID = "setting_invalid"
    # one-time codes
    OTPAUTH_INVALID = "otpauth_invalid"
    OTPAUTH_COUNTER = "otpauth_counter"
    SECRET_INVALID = "secret_invalid"
    QR_NOT_FOUND = "qr_not_found"
    QR_SEVERAL = "qr_several"
    IMAGE_INVALID = "image_invalid"
    # the account's server
    SERVER_INVALID = "server_invalid"
    SERVER_UNREACHABLE = "server_unreachable"
    SERVER_UNTRUSTED = "server_untrusted"
    SERVER_ANSWER_INVALID = "server_answer_invalid"
    SERVER_REFUSED = "server_refused"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGN_IN_INVALID = "sign_in_invalid"
    SIGN_IN_TIMED_OUT = "sign_in_timed_out"
    SIGN_IN_NEEDED = "sign_in_needed"
    ALREADY_REGISTERED = "already_registered"
    LAST_STRONG_METHOD = "last_strong_method"
    FRESH_SIGN_IN_NEEDED = "fresh_sign_in_needed"
    NOT_ALLOWED = "not_allowed"
    NUMBER_WRONG = "number_wrong"
    NUMBER_INVALID = "number_invalid"
    NOT_CONNECTED = "not_connected"
    # another computer nearby
    QR_NOT_FIDO = "qr_not_fido"
    QR_DAMAGED = "qr_damaged"
    QR_EXPIRED = "qr_expired"
    TUNNEL_NONE = "tunnel_none"
    TUNNEL_UNREACHABLE = "tunnel_unreachable"
    TUNNEL_REFUSED = "tunnel_refused"
    TUNNEL_CLOSED = "tunnel_closed"
    BLUETOOTH_NOT_INSTALLED = "bluetooth_not_installed"
    BLUETOOTH_MISSING = "bluetooth_missing"
    BLUETOOTH_OFF = "bluetooth_off"
    BLUETOOTH_NOT_PERMITTED = "bluetooth_not_permitted"
    BLUETOOTH_CANNOT_ADVERTISE = "bluetooth_cannot_advertise"
    NOBODY_NEAR = "nobody_near"
    HANDSHAKE_FAILED = "handshake_failed"
    COMPUTER_UNKNOWN = "computer_unknown"
    COMPUTER_BUSY = "computer_busy"
    # the agent
    REQUEST_INVALID = "request_invalid"
    OPERATION_UNKNOWN = "operation_unknown"
    BUSY = "busy"
    NOT_RUNNING = "not_running"
    ALREADY_RUNNING = "already_running"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


class Words(NamedTuple):
    message: str
    next: str = ""


WORDS: Final[dict[AppReason, Words]] = {
    AppReason.PIN_NOT_SET: Words("This Authenticator has no PIN yet.", "Choose a PIN first."),
    AppReason.PIN_ALREADY_SET: Words("This Authenticator has a PIN already.", "Change it under Settings."),
    AppReason.PIN_TOO_SHORT: Words("This PIN is too short.", "Choose a longer one."),
    AppReason.PIN_TOO_LONG: Words("This PIN is too long.", "Choose one of at most 63 bytes."),
    AppReason.PIN_UNCHANGED: Words("This is the PIN you have already.", "Choose another one."),
    AppReason.PIN_WRONG: Words("That is not the Authenticator's PIN.", "Try again."),
    AppReason.PIN_BLOCKED: Words(
        "The PIN was wrong too often. The passkeys kept here can no longer be used.",
        "Reset the Authenticator, then add your accounts again.",
    ),
    AppReason.RESTART_NEEDED: Words(
        "The PIN was wrong three times in a row.", "Stop the Authenticator and start it again, then take another try."
    ),
    AppReason.PIN_NEEDED: Words("This needs the Authenticator's PIN.", "Enter the PIN."),
    AppReason.LOCKED: Words("The Authenticator is locked.", "Unlock it with its PIN."),
    AppReason.FINGERPRINT_UNAVAILABLE: Words("The fingerprint cannot be used for this.", "Enter the PIN instead."),
    AppReason.FINGERPRINT_NOT_RECOGNISED: Words(
        "The fingerprint was not recognised.", "Try again, or enter the PIN instead."
    ),
    AppReason.PROMPT_OVER: Words("This question is over. Nothing was changed.", "Start again where you came from."),
    AppReason.CHOICE_UNKNOWN: Words("That account is not one of those asked about.", "Choose one of the accounts."),
    AppReason.DECLINED: Words("You declined. Nothing was changed.", "Start again if that was a mistake."),
    AppReason.TIMED_OUT: Words("Nobody answered in time. Nothing was changed.", "Try again."),
    AppReason.CANCELLED: Words("This was cancelled. Nothing was changed.", "Try again."),
    AppReason.PASSKEY_UNKNOWN: Words("This passkey is not here.", "Look at the list of passkeys."),
    AppReason.ACCOUNT_UNKNOWN: Words("This account is not here.", "Look at the list of accounts."),
    AppReason.CODE_UNKNOWN: Words("This one-time code is not here.", "Look at the list of codes."),
    AppReason.CODE_DUPLICATE: Words("This one-time code is here already.", "Delete the old one first."),
    AppReason.APPROVAL_OVER: Words(
        "This request is over.", "If you are still signing in, start again on the sign-in page."
    ),
    AppReason.SIGN_IN_UNKNOWN: Words("This sign-in is over.", "Add the account again."),
    AppReason.STORE_FULL: Words("There is no room for another passkey here.", "Delete one you no longer use."),
    AppReason.SETTING_INVALID: Words("This setting cannot have that value.", "Choose another value."),
    AppReason.OTPAUTH_INVALID: Words(
        "This is not the text of a one-time code.", "It begins with otpauth://totp/ and holds a secret. Copy it again."
    ),
    AppReason.OTPAUTH_COUNTER: Words(
        "This code counts presses instead of time (HOTP), which the Authenticator does not do.",
        "Ask for a time-based code (TOTP).",
    ),
    AppReason.SECRET_INVALID: Words(
        "This is not a secret key.", "It is made of the letters A to Z and the digits 2 to 7. Copy it again."
    ),
    AppReason.QR_NOT_FOUND: Words(
        "There is no QR code in this picture.", "Take one that shows the whole code, upright."
    ),
    AppReason.QR_SEVERAL: Words("There are several QR codes in this picture.", "Take one that shows only one of them."),
    AppReason.IMAGE_INVALID: Words(
        "This is not a picture that can be read.", "Take a smaller picture, as PNG or JPEG."
    ),
    AppReason.SERVER_INVALID: Words(
        "This is not the address of an organisation's sign-in.", "Enter one that begins with https://."
    ),
    AppReason.SERVER_UNREACHABLE: Words(
        "The server cannot be reached.", "Check the address and the network, then retry."
    ),
    AppReason.SERVER_UNTRUSTED: Words(
        "The connection to the server is not safe: its certificate is not trusted. Nothing was sent.",
        "Check the address, or ask your administrator.",
    ),
    AppReason.SERVER_ANSWER_INVALID: Words(
        "The server answered something the Authenticator does not understand.",
        "Check that the address is that of your organisation's sign-in.",
    ),
    AppReason.SERVER_REFUSED: Words("The server refused.", "Ask your administrator."),
    AppReason.SIGN_IN_REFUSED: Words("The sign-in did not finish. No account was added.", "Try again."),
    AppReason.SIGN_IN_INVALID: Words(
        "The answer to the sign-in does not prove where it came from. No account was added.", "Start again."
    ),
    AppReason.SIGN_IN_TIMED_OUT: Words("Nobody signed in within the time. No account was added.", "Start again."),
    AppReason.SIGN_IN_NEEDED: Words("The server wants to see that it is you.", "Sign in to this account again."),
    AppReason.ALREADY_REGISTERED: Words(
        "A passkey for your account is already registered in this Authenticator.",
        "Remove it here first: open the passkey, choose the trash icon, then Delete. Delete it in Security info too, "
        "then add it again.",
    ),
    AppReason.LAST_STRONG_METHOD: Words(
        "This is the last strong way to sign in to your account. Nothing was deleted.",
        "Add another one first, or confirm that you want to delete it all the same.",
    ),
    AppReason.FRESH_SIGN_IN_NEEDED: Words(
        "Your organisation wants to see that it is you. Nothing was deleted.",
        "Sign in to this account again, then delete the passkey.",
    ),
    AppReason.NOT_ALLOWED: Words("Your organisation does not allow this.", "Ask your administrator."),
    AppReason.NUMBER_WRONG: Words("That is not the number on the sign-in page.", "Start again on the sign-in page."),
    AppReason.NUMBER_INVALID: Words(
        "The number on the sign-in page has two digits.", "Enter both digits, as the sign-in page shows them."
    ),
    AppReason.NOT_CONNECTED: Words(
        "The Authenticator is not connected to this account's server right now.", "Wait a moment, then try again."
    ),
    AppReason.QR_NOT_FIDO: Words(
        "This is not the code of a sign-in on another computer.",
        "On the other computer, choose a phone or tablet for the passkey. Its code begins with FIDO:/.",
    ),
    AppReason.QR_DAMAGED: Words("Part of this code is missing or wrong.", "Scan the whole code again."),
    AppReason.QR_EXPIRED: Words(
        "This code is too old.",
        "Show a new one on the other computer, and check that the clocks of both computers are right.",
    ),
    AppReason.TUNNEL_NONE: Words(
        "Your organisation has no tunnel service, which carries the sign-in to the other computer.",
        "Add a work or school account whose organisation has one, or ask your administrator.",
    ),
    AppReason.TUNNEL_UNREACHABLE: Words(
        "Your organisation's tunnel service cannot be reached.", "Check the network, then scan a new code."
    ),
    AppReason.TUNNEL_REFUSED: Words(
        "Your organisation's tunnel service refused.", "Wait a minute, then scan a new code."
    ),
    AppReason.TUNNEL_CLOSED: Words(
        "The connection to the other computer ended.", "Show a new code there, and scan it."
    ),
    AppReason.BLUETOOTH_NOT_INSTALLED: Words(
        "Bluetooth is not installed here. It proves that the other computer is near.",
        "Install Ostiary with its Bluetooth part: pip install 'ostiary[bluetooth]'.",
    ),
    AppReason.BLUETOOTH_MISSING: Words(
        "This computer has no Bluetooth. It proves that the other computer is near.",
        "Plug in a Bluetooth adapter, then scan a new code.",
    ),
    AppReason.BLUETOOTH_OFF: Words("Bluetooth is off.", "Turn Bluetooth on here, then scan a new code."),
    AppReason.BLUETOOTH_NOT_PERMITTED: Words(
        "The Authenticator may not use Bluetooth.", "Allow it in the system's settings, then scan a new code."
    ),
    AppReason.BLUETOOTH_CANNOT_ADVERTISE: Words(
        "This Bluetooth adapter cannot be heard by other computers.", "Plug in another one, then scan a new code."
    ),
    AppReason.NOBODY_NEAR: Words(
        "No computer nearby heard this Authenticator.",
        "Turn Bluetooth on at the other computer, move closer, then scan a new code.",
    ),
    AppReason.HANDSHAKE_FAILED: Words(
        "The other computer could not prove that it showed this code, or that it is near. Nothing was signed in.",
        "Scan a new code, and only one that you see on a screen in front of you.",
    ),
    AppReason.COMPUTER_UNKNOWN: Words("This computer is not remembered here.", "Look at the list of computers."),
    AppReason.COMPUTER_BUSY: Words("Another computer is being answered already.", "Finish that first, or cancel it."),
    AppReason.REQUEST_INVALID: Words("This request is not well-formed.", "Correct it and send it again."),
    AppReason.OPERATION_UNKNOWN: Words("This Authenticator does not know that operation.", "Update the Authenticator."),
    AppReason.BUSY: Words("Too much is asked of the Authenticator at once.", "Answer what is open, then try again."),
    AppReason.NOT_RUNNING: Words("The Authenticator is not running.", "Start it with: ostiary authenticator"),
    AppReason.ALREADY_RUNNING: Words("The Authenticator is running already.", "Use the window that is open."),
    AppReason.UNAVAILABLE: Words("This part is not installed here.", "Install it, then try again."),
    AppReason.FAILED: Words("Something went wrong inside the Authenticator.", "Try again. Its log says what happened."),
}


class AppError(Exception):
    """A refusal. `message` and `next` are safe to show. `details` holds plain values, such as `retries_left`."""

    def __init__(
        self,
        reason: AppReason,
        message: str = "",
        next_step: str = "",
        *,
        server_reason: str = "",
        **details: int | str | bool,
    ) -> None:
        words = WORDS[reason]
        self.reason = reason
        self.message = message or words.message
        self.next = next_step or words.next
        self.server_reason = server_reason
        """The server's own stable reason, where it was the server that refused."""
        self.details = details
        super().__init__(f"{reason}: {self.message}")
