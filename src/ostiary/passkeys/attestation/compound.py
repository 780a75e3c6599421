"""The ``compound`` attestation statement format: several statements about one credential (WebAuthn L3 §8.9)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ostiary.passkeys.attestation.statement import (
    Combined,
    StatementInput,
    VerificationProcedure,
    statement_invalid,
)

IDENTIFIER: Final = "compound"

MIN_STATEMENTS: Final = 2
MAX_STATEMENTS: Final = 8


def verify_with(procedure_of: Callable[[str], VerificationProcedure]) -> VerificationProcedure:
    """The verification procedure of WebAuthn L3 §8.9 over the formats ``procedure_of`` finds.

    The specification leaves to the relying party how many have to verify. Here all do: a statement that does not is a
    message that was tampered with, or one we cannot judge. It raises what the procedure of the failing one raises, and
    ``CeremonyError(attestation_invalid)`` when the statement is not an array of two to eight.
    """

    def verify(given: StatementInput) -> Combined:
        parts = given.statement
        if not isinstance(parts, list) or not MIN_STATEMENTS <= len(parts) <= MAX_STATEMENTS:
            raise statement_invalid("not an array of two to eight statements")
        findings = []
        for part in parts:
            if not isinstance(part, dict) or set(part) != {"fmt", "attStmt"}:
                raise statement_invalid("a statement with other members than fmt and attStmt")
            fmt = part["fmt"]
            if not isinstance(fmt, str) or fmt == IDENTIFIER:
                raise statement_invalid("a statement without a format, or compound itself")
            finding = procedure_of(fmt)(replace(given, statement=part["attStmt"]))
            if isinstance(finding, Combined):
                raise statement_invalid("compound itself")
            findings.append(finding)
        return Combined(tuple(findings))

    return verify
