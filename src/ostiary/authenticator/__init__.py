"""The Authenticator: a passkey provider in a person's hands.

`Engine` is the CTAP 2.1 authenticator, `bytes` in and `bytes` out, over a key store (`ostiary.authenticator.keys`) and
a way to the person; the ports say what those have to do.
"""

from ostiary.authenticator.engine import AutomaticVerifier, Engine
from ostiary.authenticator.ports import (
    Account,
    AttestationIdentity,
    Clock,
    Configuration,
    Credential,
    Decision,
    Exchange,
    Full,
    KeyStore,
    Locked,
    NewCredential,
    Outcome,
    PinError,
    PinState,
    Prompt,
    Purpose,
    Randomness,
    UserVerifier,
)

__all__ = [
    "Account",
    "AttestationIdentity",
    "AutomaticVerifier",
    "Clock",
    "Configuration",
    "Credential",
    "Decision",
    "Engine",
    "Exchange",
    "Full",
    "KeyStore",
    "Locked",
    "NewCredential",
    "Outcome",
    "PinError",
    "PinState",
    "Prompt",
    "Purpose",
    "Randomness",
    "UserVerifier",
]
