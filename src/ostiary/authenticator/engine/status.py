"""How a command ends when it does not succeed: CTAP 2.1 §8.2, in the field's own library's names."""

from typing import Final

from fido2.ctap import CtapError

Status = CtapError.ERR

Refused = CtapError
"""Raised by what reads and carries out a command; `Engine.ctap2` answers with its code."""

OK: Final = b"\x00"
