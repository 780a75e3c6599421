"""The ways to sign in. Each method is one module with the same three verbs; this registry is the only list of them.

`load` reads, in a committed transaction, what judging needs, and spends what may be used once (a challenge, an
attempt); `verify` judges without a database, so it may take its time; `accept` keeps what the proof changed. Between
them nothing is held. A new way to sign in is a new module here.
"""

from collections.abc import Mapping

from ostiary.identity.assurance import MethodKind
from ostiary.identity.methods.authenticator import Authenticators
from ostiary.identity.methods.code import Codes
from ostiary.identity.methods.contract import Method, Proven, Subject
from ostiary.identity.methods.passkey import Passkeys
from ostiary.identity.methods.password import Passwords
from ostiary.identity.methods.temporary_access_pass import TemporaryAccessPasses
from ostiary.identity.relying_party import RelyingParty
from ostiary.identity.sealing import Sealer

__all__ = [
    "Authenticators",
    "Codes",
    "Method",
    "Methods",
    "Passkeys",
    "Passwords",
    "Proven",
    "Subject",
    "TemporaryAccessPasses",
]


class Methods:
    """Every method, built once."""

    def __init__(self, *, relying_party: RelyingParty, sealer: Sealer) -> None:
        self.passkey = Passkeys(relying_party, decoy_key=sealer.key)
        self.password = Passwords()
        self.code = Codes(sealer)
        self.temporary_access_pass = TemporaryAccessPasses(sealer.key)
        self.authenticator = Authenticators(sealer.key, origin=relying_party.origins[0])
        self.by_kind: Mapping[MethodKind, object] = {
            method.kind: method
            for method in (self.passkey, self.password, self.code, self.authenticator, self.temporary_access_pass)
        }
