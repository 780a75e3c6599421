"""The ``none`` attestation statement format (WebAuthn L3 §8.7)."""

from typing import Final

from ostiary.passkeys.attestation.statement import NoStatement, StatementInput

IDENTIFIER: Final = "none"


def verify(given: StatementInput) -> NoStatement:
    """An empty map claims nothing. Raises ``CeremonyError(attestation_invalid)`` for any other."""
    given.members(())
    return NoStatement()
