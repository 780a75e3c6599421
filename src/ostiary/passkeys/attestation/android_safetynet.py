"""The ``android-safetynet`` attestation statement format (WebAuthn L3 §8.5): deprecated there, and its service is
closed. Kept for messages that were recorded, and for those who judge them."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ostiary.passkeys import jws
from ostiary.passkeys.attestation.certificates import certificate_invalid, check_current, is_for_host
from ostiary.passkeys.attestation.statement import Certified, StatementInput, statement_invalid

IDENTIFIER: Final = "android-safetynet"

HOST: Final = "attest.android.com"

MAX_AGE: Final = timedelta(minutes=5)
"""As long as a challenge lives: an answer older than its question is somebody else's."""

MAX_AHEAD: Final = timedelta(minutes=1)
"""For clocks that do not agree."""

_MAX_TIMESTAMP: Final = 253_402_300_799_000
"""The last millisecond but 999 of the year 9999."""


def verify(given: StatementInput) -> Certified:
    """The verification procedure of WebAuthn L3 §8.5.

    Raises ``CeremonyError``: ``attestation_invalid`` when the statement is not of the format, does not verify or tells
    of a device that failed, ``attestation_certificate_invalid`` when it was not signed for the service's host.
    """
    members = given.members(("ver", "response"))
    version, response = members["ver"], members["response"]
    if not isinstance(version, str) or not version or not isinstance(response, bytes):
        raise statement_invalid("ver is not text or response is not a byte string")
    try:
        message = jws.parse_compact(response)
        chain = message.certificates()
        is_signed = message.is_signed_by(chain[0])
        claims = jws.read_json(message.payload)
    except jws.JwsCertificateError as error:
        raise certificate_invalid(str(error)) from error
    except jws.JwsError as error:
        raise statement_invalid(f"the response is no SafetyNet response: {error}") from error
    if not is_signed or not isinstance(claims, dict):
        raise statement_invalid("not signed by the certificate, or not an object")
    if not is_for_host(chain[0], HOST):
        raise certificate_invalid(f"not issued to {HOST}")
    check_current(chain[0], given.at)
    _check_claims(claims, given)
    return Certified(chain)


def _check_claims(claims: Mapping[str, Any], given: StatementInput) -> None:
    nonce = base64.b64encode(hashlib.sha256(given.signed).digest()).decode("ascii")
    if claims.get("nonce") != nonce:
        raise statement_invalid("the nonce is another")
    if claims.get("ctsProfileMatch") is not True:
        raise statement_invalid("the device failed the compatibility test")
    timestamp = claims.get("timestampMs")
    if type(timestamp) is not int or not 0 <= timestamp <= _MAX_TIMESTAMP:
        raise statement_invalid("no timestamp")
    made = datetime.fromtimestamp(timestamp / 1000, UTC)
    if not given.at - MAX_AGE <= made <= given.at + MAX_AHEAD:
        raise statement_invalid("made too long before, or after, the clock given")
