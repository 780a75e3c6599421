"""AAGUID: which model an authenticator says it is (WebAuthn L3 §6.5.1). A claim, unless attestation was verified."""

import re
from dataclasses import dataclass
from typing import Final, Self

_SPELLING: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Aaguid:
    """128 bits; written as a UUID in lower case. Zero when an authenticator would rather not say."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != 16:
            raise ValueError(f"an AAGUID has 16 bytes, not {len(self.raw)}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``08987058-cadc-4b81-b6e1-30de50dcbe96``, in either case. Raises ``ValueError`` for anything else."""
        if _SPELLING.fullmatch(text) is None:
            raise ValueError(f"not an AAGUID: {text!a}")
        return cls(bytes.fromhex(text.replace("-", "")))

    @property
    def is_zero(self) -> bool:
        """Whether the authenticator left its model out."""
        return not any(self.raw)

    def __str__(self) -> str:
        digits = self.raw.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
