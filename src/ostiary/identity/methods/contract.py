"""What every sign-in method answers to."""

from typing import NamedTuple, Protocol, TypeVar

from ostiary.identity.assurance import MethodKind, Proof
from ostiary.identity.caller import Caller
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person

Answer_contra = TypeVar("Answer_contra", contravariant=True)
Material = TypeVar("Material")
Verified = TypeVar("Verified")


class Subject(NamedTuple):
    """Who is being proven, as far as known: `username` as typed and parsed, `person` when there is such a person.

    `binding` is the hash of the cookie the sign-in (or session) is bound to.
    """

    caller: Caller
    binding: bytes
    now: int
    username: str | None = None
    person: Person | None = None


class Proven(NamedTuple):
    person: Person
    proof: Proof
    aaguid: str | None = None


class Method(Protocol[Answer_contra, Material, Verified]):
    kind: MethodKind

    def load(self, tx: Transaction, subject: Subject, answer: Answer_contra) -> Material:
        """What `verify` needs. Spends the challenge or counts the attempt; raises `Refusal`."""
        ...

    def verify(self, material: Material, answer: Answer_contra) -> Verified:
        """Judges; raises `Refusal`. Does the same work whether or not there is such a person."""
        ...

    def accept(self, tx: Transaction, subject: Subject, verified: Verified) -> Proven:
        """Keeps what the proof changed (a counter, a spent code, a better hash); raises `Refusal`."""
        ...
