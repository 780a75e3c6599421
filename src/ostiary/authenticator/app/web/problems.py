"""What the service refuses, in the reader's language: what happened, and what to do."""

from collections.abc import Mapping

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.web.rendering import Problem
from ostiary.authenticator.app.web.translations import N_, Language, catalogue, translate

Fields = Mapping[AppReason, str]
"""Under which field of a form a refusal stands."""

PIN_FIELDS: Fields = {
    AppReason.PIN_WRONG: "pin",
    AppReason.PIN_NEEDED: "pin",
    AppReason.PIN_TOO_SHORT: "pin",
    AppReason.PIN_TOO_LONG: "pin",
    AppReason.PIN_UNCHANGED: "pin",
}
PINS_DIFFER = (N_("The two PINs are not the same."), N_("Type the same PIN twice."))

_STATUS: Mapping[AppReason, int] = {
    AppReason.PASSKEY_UNKNOWN: 404,
    AppReason.ACCOUNT_UNKNOWN: 404,
    AppReason.CODE_UNKNOWN: 404,
    AppReason.SIGN_IN_UNKNOWN: 404,
    AppReason.COMPUTER_UNKNOWN: 404,
    AppReason.PROMPT_OVER: 410,
    AppReason.APPROVAL_OVER: 410,
    AppReason.ALREADY_REGISTERED: 409,
    AppReason.CODE_DUPLICATE: 409,
    AppReason.BUSY: 409,
    AppReason.COMPUTER_BUSY: 409,
    AppReason.SERVER_UNREACHABLE: 502,
    AppReason.SERVER_UNTRUSTED: 502,
    AppReason.SERVER_ANSWER_INVALID: 502,
    AppReason.NOT_CONNECTED: 503,
    AppReason.UNAVAILABLE: 503,
    AppReason.FAILED: 500,
}


def status_of(reason: AppReason) -> int:
    return _STATUS.get(reason, 422)


def problem_of(error: AppError, language: Language, fields: Fields) -> Problem:
    return Problem(translate(language, error.message), _next_step(error, language), fields.get(error.reason))


def _next_step(error: AppError, language: Language) -> str:
    minimum = error.details.get("minimum_length")
    if error.reason is AppReason.PIN_TOO_SHORT and isinstance(minimum, int):
        ngettext = catalogue(language.tag).ngettext
        words = ngettext(
            "Choose a PIN of at least %(num)d character.", "Choose a PIN of at least %(num)d characters.", minimum
        )
        return words % {"num": minimum}
    if error.reason is AppReason.PIN_WRONG:
        return translate(language, N_("Try again."))  # the page says beside it how many tries are left
    return translate(language, error.next)
