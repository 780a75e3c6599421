"""What the engine needs of the world around it: where keys live, who is in front of it, how a request is followed.

Owned by the engine, implemented beside it (`keys/`, `app/prompts.py`) and in tests. Nothing here blocks but
`UserVerifier.ask`, which waits for a person.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final, NamedTuple, Protocol

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

MOST_PIN_RETRIES: Final = 8
"""CTAP 2.1 §6.5.2.2. Afterwards nothing but a reset helps."""


# --- the person


class Purpose(StrEnum):
    """What a person is asked to agree to."""

    REGISTER = "register"
    """A passkey is to be made."""
    ALREADY_REGISTERED = "already_registered"
    """A passkey was asked for that is here already; whoever asks learns it only when the person answers."""
    SIGN_IN = "sign_in"
    SELECT = "select"
    """Which of several authenticators is meant."""
    RESET = "reset"
    """Everything is to be deleted."""
    MANAGE = "manage"
    """A program wants to list or change the passkeys kept here (permission tokens with built-in verification)."""
    UNLOCK = "unlock"
    """The PIN, for nothing but what the key store needs to open."""


class Account(NamedTuple):
    """Whose passkey, as the relying party names them. Shown; never judged."""

    user_handle: bytes
    name: str
    display_name: str
    credential_id: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One question to the person. `accounts`: the one a passkey is for, or those to choose from. `source`: which way
    the request came, in words ("Chromium on this computer", "USB security key", "another computer nearby")."""

    purpose: Purpose
    rp_id: str = ""
    rp_name: str = ""
    accounts: tuple[Account, ...] = ()
    needs_verification: bool = False
    source: str = ""


class Outcome(Enum):
    APPROVED = "approved"
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    """The PIN was wrong too often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`is_verified` only when the right person proved to be there during this very question. `choice`: which of the
    accounts, when there were several."""

    outcome: Outcome
    is_verified: bool = False
    choice: int = 0


@dataclass(slots=True)
class Exchange:
    """One request under way: whoever sent it may cancel it, and is told that it goes on."""

    source: str = ""
    cancelled: threading.Event = field(default_factory=threading.Event)
    on_waiting: Callable[[], None] | None = None
    """Called when the person is being waited for (CTAPHID keep-alive UPNEEDED)."""


class UserVerifier(Protocol):
    """The only way to a person."""

    @property
    def can_verify(self) -> bool:
        """Whether it can tell who is there (PIN, fingerprint), not only that somebody is: CTAP option `uv`."""
        ...

    @property
    def can_choose(self) -> bool:
        """Whether it shows accounts and lets the person choose: CTAP 2.1 §6.2.2, an authenticator with a display."""
        ...

    def ask(self, prompt: Prompt, exchange: Exchange) -> Decision:
        """Waits for the person, a timeout, or `exchange.cancelled`."""
        ...


# --- the keys


class PinError(Exception):
    """A PIN that did not open the key store. `retries_left` 0: blocked, until a reset. `needs_restart`: three wrong
    ones in a row; CTAP 2.1 §6.5.2.2 wants a power cycle, which is a restart of the app."""

    def __init__(self, retries_left: int, *, needs_restart: bool = False) -> None:
        super().__init__(f"{retries_left} tries left")
        self.retries_left = retries_left
        self.needs_restart = needs_restart


class Locked(Exception):
    """The keys are sealed, and nobody has given the PIN since."""


class Full(Exception):
    """No room for another credential."""


class PinState(NamedTuple):
    is_set: bool
    retries_left: int
    minimum_length: int  # in code points
    must_change: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A discoverable credential: everything but its private key, which never leaves the key store in the clear."""

    id: bytes
    rp_id: str
    rp_name: str
    user_handle: bytes
    user_name: str
    user_display_name: str
    algorithm: int  # COSE
    public_key: bytes  # COSE_Key, canonical CBOR
    created_at: int  # epoch milliseconds
    last_used_at: int | None = None
    cred_protect: int = 1
    cred_blob: bytes | None = None
    large_blob_key: bytes | None = None
    is_discoverable: bool = True


class NewCredential(NamedTuple):
    rp_id: str
    rp_name: str
    user_handle: bytes
    user_name: str
    user_display_name: str
    algorithm: int
    created_at: int
    cred_protect: int = 1
    cred_blob: bytes | None = None
    has_large_blob_key: bool = False
    is_discoverable: bool = True


class Configuration(NamedTuple):
    """authenticatorConfig (CTAP 2.1 §6.11)."""

    always_uv: bool = False
    minimum_pin_length: int = 4
    minimum_pin_length_rp_ids: tuple[str, ...] = ()
    must_change_pin: bool = False


class AttestationIdentity(NamedTuple):
    """What vouches for this Authenticator towards one organisation. Used for that organisation's RP IDs alone: a
    certificate of one's own shown everywhere would be a name to follow a person by (WebAuthn L3 §14.4.1)."""

    rp_ids: frozenset[str]
    certificates: tuple[bytes, ...]  # DER, the attestation certificate first
    private_key_handle: bytes


class KeyStore(Protocol):
    """Keeps credentials, the PIN and the counter, and signs. Every write is durable before it returns, and is there
    whole or not at all (but for when a credential was last used: see `update`). Safe to use from several threads.

    What is listed without the PIN: credentials without their keys. What needs it (raises `Locked`): `add`, `sign`,
    `hmac_secret`. A store made for tests may be born unlocked, without a PIN.
    """

    @property
    def aaguid(self) -> bytes: ...

    @property
    def algorithms(self) -> Sequence[int]:
        """COSE algorithms it can sign by, the preferred one first."""
        ...

    # the PIN; `pin_hash` is LEFT(SHA-256(PIN), 16), as CTAP clients send it (CTAP 2.1 §6.5.5)

    @property
    def pin(self) -> PinState: ...

    @property
    def is_unlocked(self) -> bool: ...

    def set_pin(self, pin_hash: bytes, *, length: int) -> None:
        """The first PIN, or, unlocked, another one. `length` in code points. Leaves it unlocked. Raises `Locked`, or
        `ValueError` for a PIN shorter than the configuration allows."""
        ...

    def check_pin(self, pin_hash: bytes) -> None:
        """Counts the try before it judges, so that pulling the plug wins nothing; unlocks. Raises `PinError`."""
        ...

    def lock(self) -> None: ...

    # credentials

    def credentials(self, rp_id: str | None = None) -> Sequence[Credential]:
        """Those of one relying party, or all; the newest first."""
        ...

    def find(self, credential_id: bytes) -> Credential | None: ...

    def add(self, new: NewCredential) -> Credential:
        """Makes a key. A discoverable credential replaces the one of the same RP ID and user handle (CTAP 2.1 §6.1.2).
        Raises `Locked` or `Full`."""
        ...

    def update(self, credential: Credential) -> None:
        """Keeps what may change of it: names, blobs, when it was used. When nothing else changed, that is written with
        the next write, after a minute, or at the latest when it locks or closes: a sign-in waits for no disk."""
        ...

    def delete(self, credential_id: bytes) -> None: ...

    @property
    def remaining(self) -> int:
        """How many more credentials there is room for, at least."""
        ...

    # what keys do

    def sign(self, credential_id: bytes, message: bytes) -> bytes:
        """Raises `Locked`."""
        ...

    def next_sign_count(self) -> int:
        """Larger than any before, also after a crash."""
        ...

    def hmac_secret(self, credential_id: bytes, *, is_verified: bool) -> bytes:
        """CredRandom (CTAP 2.1 §12.5), 32 bytes; another one with user verification than without. Raises `Locked`."""
        ...

    # attestation

    def attestation_for(self, rp_id: str) -> AttestationIdentity | None: ...

    def sign_attestation(self, identity: AttestationIdentity, message: bytes) -> bytes:
        """ES256. Raises `Locked`."""
        ...

    def enrol(self, identity: AttestationIdentity) -> None:
        """Takes the place of every identity for any of the same RP IDs. The handle of the private key is the name, in
        UTF-8, of one of `SecretBox.generate_key`; `KeyError` when there is none."""
        ...

    def forget_attestation(self, rp_id: str) -> None:
        """The identity for this RP ID and its private key, if there is one."""
        ...

    # the rest of what an authenticator remembers

    @property
    def configuration(self) -> Configuration: ...

    def configure(self, configuration: Configuration) -> None: ...

    @property
    def large_blobs(self) -> bytes: ...

    def keep_large_blobs(self, array: bytes) -> None: ...

    def wipe(self) -> None:
        """authenticatorReset: nothing of before remains, PIN and enrolment included."""
        ...


class SecretBox(Protocol):
    """What the app keeps beside the credentials, in the same store and with the same promises; a reset deletes it, too.
    Names are the app's own."""

    def put_secret(self, name: str, value: bytes) -> None:
        """Readable while unlocked alone: seeds of one-time codes, refresh tokens. Raises `Locked`."""
        ...

    def secret(self, name: str) -> bytes | None:
        """Raises `Locked`."""
        ...

    def delete_secret(self, name: str) -> None: ...

    @property
    def secret_names(self) -> Sequence[str]: ...

    def put_note(self, name: str, value: bytes) -> None:
        """Readable while locked: the accounts' names, settings."""
        ...

    def note(self, name: str) -> bytes | None: ...

    def delete_note(self, name: str) -> None: ...

    def generate_key(self, name: str) -> EllipticCurvePublicKey:
        """A P-256 key for ES256, made where credentials' keys are; one of the same name is gone. Raises `Locked`."""
        ...

    def public_key(self, name: str) -> EllipticCurvePublicKey | None: ...

    def sign_with(self, name: str, message: bytes) -> bytes:
        """ES256, in DER as X.509 and CTAP have it (JOSE's form: `decode_dss_signature`). Raises `Locked`; `KeyError`
        when there is no such key."""
        ...

    def delete_key(self, name: str) -> None: ...


class Clock(Protocol):
    def __call__(self) -> int:
        """Epoch milliseconds."""
        ...


class Randomness(Protocol):
    def __call__(self, length: int, /) -> bytes: ...


Extensions = Mapping[str, object]
