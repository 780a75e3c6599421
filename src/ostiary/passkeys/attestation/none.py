"""The ``none`` attestation statement format (WebAuthn L3 §8.7)."""

from typing import Final

from ostiary.passkeys.attestation.statement import NoStatement, StatementInput
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason

IDENTIFIER: Final = "none"


def verify(given: StatementInput) -> NoStatement:
    """An empty map claims nothing. Raises ``CeremonyError(attestation_invalid)`` for any other."""
    if given.statement:
        raise CeremonyError(CeremonyReason.ATTESTATION_INVALID, "a none statement that is not empty")
    return NoStatement()
