"""One-time codes from an authenticator app: TOTP, RFC 6238, each code once."""

import secrets
from base64 import b32encode
from typing import NamedTuple

import pyotp

from ostiary.identifiers import new_id
from ostiary.identity import limits
from ostiary.identity.assurance import MethodKind, Proof
from ostiary.identity.methods.contract import Proven, Subject
from ostiary.identity.methods.password import counted_as
from ostiary.identity.names import name_key
from ostiary.identity.policy import enforcing
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sealing import Sealer
from ostiary.storage import methods
from ostiary.storage.database import Transaction
from ostiary.storage.methods import CodeGenerator, SignInMethod
from ostiary.storage.people import Person

PERIOD = 30  # seconds
MOST_GENERATORS = 5
_DRIFT = 1  # time steps either way that a clock may be off: RFC 6238 §5.2


class Material(NamedTuple):
    person: Person
    generators: tuple[tuple[CodeGenerator, str], ...]  # with the secret in base 32
    now: int


class Verified(NamedTuple):
    generator: CodeGenerator
    step: int


class Codes:
    kind = MethodKind.CODE

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def load(self, tx: Transaction, subject: Subject, answer: str) -> Material:
        if subject.person is None:
            raise Refusal(Reason.METHOD_NOT_OFFERED)
        limits.charge(tx, limits.FAILURES_PER_ADDRESS, limits.network(subject.caller), now=subject.now)
        limits.charge(tx, limits.CODES_PER_ACCOUNT, counted_as(tx, subject), now=subject.now)
        generators = methods.code_generators_of(tx, subject.person.id)
        return Material(subject.person, tuple((one, self._secret(one)) for one in generators), subject.now)

    def verify(self, material: Material, answer: str) -> Verified:
        code = parse_code(answer)
        for generator, secret in material.generators:
            step = matching_step(secret, code, now=material.now)
            if step is not None and step > generator.last_step:
                return Verified(generator, step)
            if step is not None:
                raise Refusal(
                    Reason.CODE_USED, field="code", person_id=material.person.id, method_id=generator.method_id
                )
        raise Refusal(Reason.CODE_WRONG, field="code", person_id=material.person.id)

    def accept(self, tx: Transaction, subject: Subject, verified: Verified) -> Proven:
        assert subject.person is not None
        method_id = verified.generator.method_id
        enforcing.require_method(tx, subject.person.id, MethodKind.CODE, method_id=method_id)
        if not methods.take_step(tx, method_id, verified.step):  # somebody was faster with the same code
            raise Refusal(Reason.CODE_USED, field="code", person_id=subject.person.id, method_id=method_id)
        limits.forgive(tx, limits.FAILURES_PER_ADDRESS, limits.network(subject.caller))
        limits.clear(tx, limits.CODES_PER_ACCOUNT, counted_as(tx, subject))
        methods.set_used(tx, method_id, at=subject.now, client=subject.caller.client)
        return Proven(subject.person, Proof(MethodKind.CODE, subject.now, method_id))

    def add(self, tx: Transaction, person: Person, *, secret: str, name: str, step: int, now: int) -> str:
        """Keeps a generator whose first code (of time step `step`) was right; answers the method's id."""
        method_id = new_id()
        methods.insert_method(
            tx, SignInMethod(method_id, person.id, MethodKind.CODE, name, name_key(name), now, None, None)
        )
        sealed = self._sealer.seal(secret.encode(), purpose=_purpose(method_id))
        methods.insert_code_generator(tx, CodeGenerator(method_id, person.id, sealed, step))
        return method_id

    def _secret(self, generator: CodeGenerator) -> str:
        return self._sealer.open(generator.sealed_secret, purpose=_purpose(generator.method_id)).decode()


def new_secret() -> str:
    """160 bits, as RFC 4226 §4 recommends, in base 32."""
    return b32encode(secrets.token_bytes(20)).decode()


def provisioning_uri(secret: str, *, username: str, issuer: str) -> str:
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def matching_step(secret: str, code: str, *, now: int) -> int | None:
    """The time step whose code this is, within the drift allowed."""
    totp = pyotp.TOTP(secret)
    current = now // 1000 // PERIOD
    found = None
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        if secrets.compare_digest(totp.generate_otp(step), code):
            found = step
    return found


def parse_code(text: str) -> str:
    """Six digits, however they were grouped or in whichever script's numerals. Raises `Refusal(CODE_WRONG)`."""
    digits = "".join(text.split())
    if len(digits) != 6 or not digits.isdecimal():
        raise Refusal(Reason.CODE_WRONG, field="code")
    return "".join(str(int(digit)) for digit in digits)


def _purpose(method_id: str) -> str:
    return f"code generator {method_id}"
