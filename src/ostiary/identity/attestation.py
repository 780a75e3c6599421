"""Authenticators the organisation vouches for: who gets an attestation certificate, and what one is worth later.

An Authenticator makes an attestation key and asks for a certificate of it, with a one-time code from an administrator,
or an administrator issues one for a request brought to them. The model is the administrator's word: a request does not
show where its key lives.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
)

from ostiary.clock import DAY, MINUTE
from ostiary.identity import audit, limits
from ostiary.identity.attestation_authority import certify
from ostiary.identity.caller import COMMAND_LINE, Caller
from ostiary.identity.methods.temporary_access_pass import new_code
from ostiary.identity.permissions import Permission, require_permission
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.relying_party import RelyingParty
from ostiary.identity.sealing import Sealer
from ostiary.passkeys import Aaguid
from ostiary.passkeys.attestation.issuing import RequestInvalidError, key_hash_of, read_request, serial_of
from ostiary.passkeys.metadata import OWN_MODELS
from ostiary.passkeys.providers import AUTHENTICATOR_SEALED_FILE, AUTHENTICATOR_TPM
from ostiary.storage import attestation as rows
from ostiary.storage import organizations
from ostiary.storage.attestation import CodeRow, EnrolledRow
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person

MODELS: Final[Mapping[str, Aaguid]] = {"sealed-file": AUTHENTICATOR_SEALED_FILE, "tpm": AUTHENTICATOR_TPM}
"""The models by the names commands call them."""

CODE_MINUTES: Final = 60
LONGEST_CODE_MINUTES: Final = 7 * DAY // MINUTE
CODE_LENGTH: Final = 12
"""Of 31 letters and digits: 59 bits, that nobody guesses in ten attempts."""

_ATTEMPTS: Final = limits.Limit("enrolment code", 10, 15 * MINUTE)
_EVERYTHING: Final = (1 << 62, "")
_COMMAND_LINE: Final = "command line"


class Enrolled(NamedTuple):
    """An Authenticator with an attestation certificate of ours. `username` is whom it was for, if anybody."""

    serial: str
    authority_id: str
    model: Aaguid
    username: str | None
    enrolled_at: int
    expires_at: int
    actor: str
    revoked_at: int | None
    revoked_by: str | None


class EnrolmentCode(NamedTuple):
    """`code` is shown once, and known to nobody afterwards."""

    code: str
    model: Aaguid
    expires_at: int


class Attempt(NamedTuple):
    """That somebody tries a code has been counted."""

    person: Person


class Enrolment(NamedTuple):
    """What the Authenticator is given: its certificate (the whole of `x5c`, for the root is not sent), and the relying
    parties it may show it to. Anywhere else one certificate to a person would be a name tag."""

    serial: str
    certificates: tuple[bytes, ...]
    rp_ids: tuple[str, ...]


def parse_model(text: str) -> Aaguid:
    """A model by its AAGUID or by what commands call it. Raises `Refusal(AUTHENTICATOR_MODEL_UNKNOWN)`."""
    try:
        model = MODELS.get(text) or Aaguid.parse(text)
    except ValueError as error:
        raise Refusal(Reason.AUTHENTICATOR_MODEL_UNKNOWN, field="model") from error
    if model not in OWN_MODELS:
        raise Refusal(Reason.AUTHENTICATOR_MODEL_UNKNOWN, field="model")
    return model


# --- enrolment


def is_offered(tx: Transaction) -> bool:
    """Whether an Authenticator can be enrolled here."""
    return rows.issuing_authority(tx) is not None


def issue_code(
    tx: Transaction,
    sealer: Sealer,
    *,
    model: str,
    person: Person | None,
    minutes: int = CODE_MINUTES,
    actor: Person | None,
    caller: Caller = COMMAND_LINE,
    now: int,
) -> EnrolmentCode:
    """A code by which this person, or with None anybody who is signed in, enrols one Authenticator of this model."""
    require_permission(tx, actor, Permission.TRUST_WRITE)
    aaguid = parse_model(model)
    if not 1 <= minutes <= LONGEST_CODE_MINUTES:
        raise Refusal(Reason.ATTESTATION_CODE_LIFETIME_INVALID, field="minutes", detail=f"{minutes} minutes")
    if not is_offered(tx):
        raise Refusal(Reason.ATTESTATION_AUTHORITY_MISSING)
    code = new_code(CODE_LENGTH)
    expires_at = now + minutes * MINUTE
    rows.insert_code(
        tx,
        CodeRow(
            code_hash=_hash(sealer, code),
            person_id=person.id if person else None,
            model=str(aaguid),
            created_at=now,
            expires_at=expires_at,
            actor=_name(actor),
            used_at=None,
            serial=None,
        ),
    )
    audit.record(
        tx,
        audit.Event.ATTESTATION_CODE_ISSUE,
        caller=caller,
        now=now,
        actor=actor,
        target=person,
        aaguid=str(aaguid),
        detail=f"{minutes} minutes",
    )
    grouped = "-".join(code[start : start + 4] for start in range(0, CODE_LENGTH, 4))
    return EnrolmentCode(grouped, aaguid, expires_at)


def count_attempt(tx: Transaction, person: Person, *, caller: Caller, now: int) -> Attempt:
    """To be committed before `enrol_authenticator`, whose refusal would forgive the attempt."""
    limits.charge(tx, limits.FAILURES_PER_ADDRESS, limits.network(caller), now=now)
    limits.charge(tx, _ATTEMPTS, person.id, now=now)
    return Attempt(person)


def enrol_authenticator(
    tx: Transaction,
    sealer: Sealer,
    relying_party: RelyingParty,
    attempt: Attempt,
    *,
    request_pem: str,
    model: str,
    code: str,
    caller: Caller,
    now: int,
) -> Enrolment:
    """Certifies the key of this request, for the person who attempts it. Raises `Refusal`.

    A code is told to be of another model, over or used only to whom it was for. Whoever did not get the answer may ask
    again with the same request, and the same code or another, and gets the same certificate.
    """
    person = attempt.person
    aaguid = parse_model(model)
    key = _read_request(request_pem)
    code_hash = _hash(sealer, code)
    held = rows.code_of(tx, code_hash)
    if held is None or held.person_id not in (None, person.id):
        raise Refusal(Reason.ATTESTATION_CODE_WRONG, field="code", person_id=person.id)
    if held.used_at is not None:
        known = rows.enrolled_by_serial(tx, held.serial or "")
        is_same = known is not None and known.key_hash == key_hash_of(key) and known.person_id == person.id
        if known is None or not is_same or known.revoked_at is not None:
            raise Refusal(Reason.ATTESTATION_CODE_USED, field="code", person_id=person.id)
        return _enrolment(known, relying_party)
    if held.expires_at <= now:
        raise Refusal(Reason.ATTESTATION_CODE_EXPIRED, field="code", person_id=person.id)
    if held.model != str(aaguid):
        raise Refusal(Reason.ATTESTATION_MODEL_DIFFERS, field="model", person_id=person.id, aaguid=str(aaguid))
    enrolled = _held_by(tx, person, aaguid, key) or _issue(tx, sealer, key, aaguid, person, actor=held.actor, now=now)
    if not rows.use_code(tx, code_hash, at=now, serial=enrolled.serial):  # somebody was faster
        raise Refusal(Reason.ATTESTATION_CODE_USED, field="code", person_id=person.id)
    limits.forgive(tx, limits.FAILURES_PER_ADDRESS, limits.network(caller))
    limits.clear(tx, _ATTEMPTS, person.id)
    _record(tx, enrolled, actor=person, target=person, caller=caller, now=now)
    return _enrolment(enrolled, relying_party)


def enrol_by_hand(
    tx: Transaction,
    sealer: Sealer,
    relying_party: RelyingParty,
    *,
    request_pem: str,
    model: str,
    person: Person | None,
    actor: Person | None,
    caller: Caller = COMMAND_LINE,
    now: int,
) -> Enrolment:
    """As `enrol_authenticator`, by an administrator who has the request before them. Raises `Refusal`."""
    require_permission(tx, actor, Permission.TRUST_WRITE)
    aaguid = parse_model(model)
    enrolled = _issue(tx, sealer, _read_request(request_pem), aaguid, person, actor=_name(actor), now=now)
    _record(tx, enrolled, actor=actor, target=person, caller=caller, now=now)
    return _enrolment(enrolled, relying_party)


def list_enrolled(tx: Transaction, *, after: Enrolled | None = None, limit: int = 100) -> list[Enrolled]:
    """A page of them, the newest first, behind the last one of the page before."""
    before = _EVERYTHING if after is None else (after.enrolled_at, after.serial)
    return [_enrolled(row) for row in rows.page_of_enrolled(tx, before=before, limit=limit)]


def revoke(tx: Transaction, serial: str, *, actor: Person | None, caller: Caller = COMMAND_LINE, now: int) -> Enrolled:
    """Registrations with this certificate are refused from now on. Passkeys it vouched for stay and are listed
    (`passkeys_of_revoked`). Revoking again changes nothing. Raises `Refusal`: there is no such certificate."""
    require_permission(tx, actor, Permission.TRUST_WRITE)
    # as other programs print a serial number, too
    wanted = serial.replace(":", "").lower().lstrip("0")
    if rows.revoke(tx, wanted, at=now, by=_name(actor)):
        audit.record(tx, audit.Event.ATTESTATION_REVOKE, caller=caller, now=now, actor=actor, detail=wanted)
    row = rows.enrolled_by_serial(tx, wanted)
    if row is None:
        raise Refusal(Reason.ATTESTATION_SERIAL_UNKNOWN, field="serial")
    return _enrolled(row)


# --- inside


def _held_by(tx: Transaction, person: Person, aaguid: Aaguid, key: ec.EllipticCurvePublicKey) -> EnrolledRow | None:
    """The certificate this very Authenticator of theirs has already, while it is worth anything."""
    organizations.hold(tx)
    row = rows.enrolled_by_key(tx, key_hash_of(key))
    if row is None or row.revoked_at is not None or (row.person_id, row.model) != (person.id, str(aaguid)):
        return None
    is_trusted = any(one.id == row.authority_id and one.removed_at is None for one in rows.all_authorities(tx))
    return row if is_trusted else None


def _issue(
    tx: Transaction,
    sealer: Sealer,
    key: ec.EllipticCurvePublicKey,
    aaguid: Aaguid,
    person: Person | None,
    *,
    actor: str,
    now: int,
) -> EnrolledRow:
    key_hash = key_hash_of(key)
    organizations.hold(tx)  # nobody certifies this key meanwhile
    if rows.enrolled_by_key(tx, key_hash) is not None:  # or a revoked Authenticator came back by asking again
        raise Refusal(Reason.ATTESTATION_KEY_KNOWN, field="request")
    authority_id, certificate = certify(tx, sealer, key, aaguid, now=now)
    row = EnrolledRow(
        serial=serial_of(certificate),
        authority_id=authority_id,
        model=str(aaguid),
        person_id=person.id if person else None,
        username=person.username if person else None,
        key_hash=key_hash,
        certificate=certificate.public_bytes(Encoding.DER),
        enrolled_at=now,
        expires_at=int(certificate.not_valid_after_utc.timestamp()) * 1000,
        actor=actor,
        revoked_at=None,
        revoked_by=None,
    )
    rows.insert_enrolled(tx, row)
    return row


def _record(
    tx: Transaction, row: EnrolledRow, *, actor: Person | None, target: Person | None, caller: Caller, now: int
) -> None:
    audit.record(
        tx,
        audit.Event.ATTESTATION_ISSUE,
        caller=caller,
        now=now,
        actor=actor,
        target=target,
        aaguid=row.model,
        detail=f"serial {row.serial}",
    )


def _read_request(pem: str) -> ec.EllipticCurvePublicKey:
    try:
        return read_request(pem)
    except RequestInvalidError as error:
        raise Refusal(Reason.ATTESTATION_REQUEST_INVALID, field="request", detail=str(error)) from error


def _hash(sealer: Sealer, code: str) -> bytes:
    """However it was typed. Keyed, so that a copy of the database gives nothing to guess at."""
    plain = unicodedata.normalize("NFKC", code[: 4 * CODE_LENGTH]).casefold()
    typed = "".join(character for character in plain if character.isalnum())
    key = hashlib.sha256(b"enrolment code" + sealer.key).digest()
    return hmac.digest(key, typed.encode(), "sha256")


def _name(actor: Person | None) -> str:
    return actor.username if actor else _COMMAND_LINE


def _enrolment(row: EnrolledRow, relying_party: RelyingParty) -> Enrolment:
    return Enrolment(row.serial, (row.certificate,), (relying_party.id,))


def _enrolled(row: EnrolledRow) -> Enrolled:
    return Enrolled(
        serial=row.serial,
        authority_id=row.authority_id,
        model=Aaguid.parse(row.model),
        username=row.username,
        enrolled_at=row.enrolled_at,
        expires_at=row.expires_at,
        actor=row.actor,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
    )
