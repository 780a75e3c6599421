"""The attestation statement formats we verify (WebAuthn L3 §8.1), listed here and nowhere else."""

from collections.abc import Iterable
from typing import Final

from ostiary.passkeys.attestation import (
    android_key,
    android_safetynet,
    apple,
    compound,
    fido_u2f,
    none,
    packed,
    tpm,
)
from ostiary.passkeys.attestation.statement import VerificationProcedure
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason


class FormatRegistry:
    """Verification procedures by format identifier. Fixed when made; two for one identifier are a mistake."""

    def __init__(self, entries: Iterable[tuple[str, VerificationProcedure]]) -> None:
        self._procedures: dict[str, VerificationProcedure] = {}
        for identifier, procedure in entries:
            if identifier in self._procedures:
                raise ValueError(f"two verification procedures for {identifier!r}")
            self._procedures[identifier] = procedure

    @property
    def identifiers(self) -> frozenset[str]:
        """The formats that can be verified."""
        return frozenset(self._procedures)

    def procedure_of(self, identifier: str) -> VerificationProcedure:
        """WebAuthn L3 §7.1, step 21: a case-sensitive match. Raises ``CeremonyError(attestation_format_unknown)``."""
        procedure = self._procedures.get(identifier)
        if procedure is None:
            raise CeremonyError(CeremonyReason.ATTESTATION_FORMAT_UNKNOWN, f"{identifier!a}")
        return procedure


_SIMPLE: Final = (
    (none.IDENTIFIER, none.verify),
    (packed.IDENTIFIER, packed.verify),
    (tpm.IDENTIFIER, tpm.verify),
    (android_key.IDENTIFIER, android_key.verify),
    (android_safetynet.IDENTIFIER, android_safetynet.verify),
    (fido_u2f.IDENTIFIER, fido_u2f.verify),
    (apple.IDENTIFIER, apple.verify),
)

FORMATS: Final = FormatRegistry(
    [*_SIMPLE, (compound.IDENTIFIER, compound.verify_with(FormatRegistry(_SIMPLE).procedure_of))]
)
