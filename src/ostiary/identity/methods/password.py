"""Passwords: Argon2id, rehashed when our parameters change."""

import secrets
import unicodedata
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ostiary.identifiers import new_id
from ostiary.identity import limits
from ostiary.identity.assurance import MethodKind, Proof
from ostiary.identity.methods.contract import Proven, Subject
from ostiary.identity.policy import enforcing
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage import methods, sessions
from ostiary.storage.database import Transaction
from ostiary.storage.methods import PasswordVerifier, SignInMethod
from ostiary.storage.people import Person

MINIMUM_LENGTH = 12
_MAXIMUM_LENGTH = 256
_TELLING = 3  # a shorter name stands in many a good password by chance

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's choice for Argon2id
_DUMMY_HASH = _hasher.hash(secrets.token_urlsafe(16))


class Material(NamedTuple):
    """`hash` is always there, so that an unknown person costs the same work."""

    hash: str
    verifier: PasswordVerifier | None
    is_usable: bool


class Verified(NamedTuple):
    verifier: PasswordVerifier
    better_hash: str | None


class Passwords:
    kind = MethodKind.PASSWORD

    def load(self, tx: Transaction, subject: Subject, answer: str) -> Material:
        limits.charge(tx, limits.FAILURES_PER_ADDRESS, limits.network(subject.caller), now=subject.now)
        limits.charge(tx, limits.PASSWORDS_PER_ACCOUNT, counted_as(tx, subject), now=subject.now)
        person = subject.person
        verifier = methods.password_of(tx, person.id) if person else None
        return Material(
            hash=verifier.hash if verifier else _DUMMY_HASH,
            verifier=verifier,
            is_usable=verifier is not None and person is not None and person.is_enabled,
        )

    def verify(self, material: Material, answer: str) -> Verified:
        """An unknown person, a wrong password and a disabled account are one refusal and one amount of work."""
        is_right = matches(material.hash, answer)
        if not is_right or not material.is_usable or material.verifier is None:
            person_id = material.verifier.person_id if material.verifier else None
            raise Refusal(Reason.CREDENTIALS_WRONG, field="password", person_id=person_id)
        better_hash = hash_password(answer) if _hasher.check_needs_rehash(material.hash) else None
        return Verified(material.verifier, better_hash)

    def accept(self, tx: Transaction, subject: Subject, verified: Verified) -> Proven:
        assert subject.person is not None  # `verify` refused otherwise
        method_id = verified.verifier.method_id
        now = methods.password_of(tx, subject.person.id)
        if now is None or now.hash != verified.verifier.hash:  # replaced while it was judged
            raise Refusal(Reason.CREDENTIALS_WRONG, field="password", person_id=subject.person.id)
        # told to nobody but whoever knows the password
        enforcing.require_method(tx, subject.person.id, MethodKind.PASSWORD, method_id=method_id)
        limits.forgive(tx, limits.FAILURES_PER_ADDRESS, limits.network(subject.caller))
        limits.clear(tx, limits.PASSWORDS_PER_ACCOUNT, counted_as(tx, subject))
        if verified.better_hash is not None:
            methods.set_password(tx, method_id, hash=verified.better_hash, changed_at=verified.verifier.changed_at)
        methods.set_used(tx, method_id, at=subject.now, client=subject.caller.client)
        return Proven(subject.person, Proof(MethodKind.PASSWORD, subject.now, method_id))


def counted_as(tx: Transaction, subject: Subject) -> str:
    """Whose counter an attempt goes to: the account's as strangers see it, or that of one browser it knows."""
    browser, person = subject.caller.browser, subject.person
    if browser and person and sessions.is_browser_known(tx, token_hash=browser, person_id=person.id):
        return f"{subject.username}\n{browser.hex()}"
    return f"{subject.username}\nstranger"


def matches(hash: str, password: str) -> bool:
    try:
        return _hasher.verify(hash, _normalize(password))
    except (VerificationError, InvalidHashError):
        return False


def hash_password(password: str) -> str:
    return _hasher.hash(_normalize(password))


def check_new_password(password: str, *, username: str, field: str = "new") -> None:
    """NIST SP 800-63B §3.1.1: length, and nothing that is trivially the account. Raises `Refusal`."""
    plain = _normalize(password)
    if len(plain) < MINIMUM_LENGTH:
        raise Refusal(Reason.PASSWORD_TOO_SHORT, field=field)
    if len(plain) > _MAXIMUM_LENGTH:
        raise Refusal(Reason.PASSWORD_TOO_LONG, field=field)
    folded = plain.casefold()
    local = username.partition("@")[0]
    names_itself = len(local) >= _TELLING and local in folded
    if len(set(folded)) < 5 or names_itself or folded in _EASY:
        raise Refusal(Reason.PASSWORD_TOO_EASY, field=field)


def set_password(tx: Transaction, person: Person, hash: str, *, now: int) -> str:
    """Gives the person this password, the first or another; answers the method's id."""
    verifier = methods.password_of(tx, person.id)
    if verifier is not None:
        methods.set_password(tx, verifier.method_id, hash=hash, changed_at=now)
        return verifier.method_id
    method_id = new_id()
    methods.insert_method(tx, SignInMethod(method_id, person.id, MethodKind.PASSWORD, None, None, now, None, None))
    methods.insert_password(tx, PasswordVerifier(method_id, person.id, hash, now))
    return method_id


def _normalize(password: str) -> str:
    return unicodedata.normalize("NFKC", password)[: 4 * _MAXIMUM_LENGTH]


_EASY = {
    "password1234", "passwordpassword", "password12345", "123456789012", "qwertyuiop12", "qwertyuiopas",
    "iloveyou1234", "letmein12345", "welcome12345", "administrator", "changeme1234", "correcthorsebatterystaple",
}  # fmt: skip
