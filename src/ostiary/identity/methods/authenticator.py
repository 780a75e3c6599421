"""Approvals by the Ostiary Authenticator: a signature by its device key over the number that the sign-in page shows.

The device answers over its own connection, so `load` and `verify` judge what it sent, and `accept` is the browser's:
it takes the approved request once, and asks again whether the device is still there and policy still allows it.
Asking and waiting is `identity.approvals`.

The number is never sent to the app, and follows from nothing that is: it is derived from the request by a key of ours.
"""

import hashlib
import hmac
import json
from enum import StrEnum
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ostiary.clock import MINUTE
from ostiary.identity import limits
from ostiary.identity.assurance import MethodKind, Proof
from ostiary.identity.methods.contract import Proven, Subject
from ostiary.identity.methods.password import counted_as
from ostiary.identity.policy import enforcing, keeping
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys.base64url import encode
from ostiary.storage import approvals, methods
from ostiary.storage.approvals import ApprovalRequest, Holder
from ostiary.storage.database import Transaction

TAKEN_WITHIN: Final = 2 * MINUTE
"""How long an approval waits for the browser that asked for it."""
_CONNECTION: Final = b"ostiary authenticator connection v1\0"
_APPROVAL: Final = b"ostiary authenticator approval v1\0"
_HALF: Final = 32


class Decision(StrEnum):
    APPROVE = "approve"
    DECLINE = "decline"
    REPORT = "report"


class Outcome(StrEnum):
    """What became of a request."""

    APPROVED = "approved"
    USED = "used"
    """Approved, and the browser went on with it."""
    DECLINED = "declined"
    REPORTED = "reported"
    WRONG_NUMBER = "wrong_number"
    NOT_VERIFIED = "not_verified"
    FORGED = "forged"
    """Not signed by the device that was asked."""
    CANCELLED = "cancelled"


class Answer(NamedTuple):
    """What a device sent; `device_id` as its connection proved it."""

    id: str
    device_id: str
    decision: Decision
    number: str | None
    is_verified: bool
    signature: bytes


class Material(NamedTuple):
    request: ApprovalRequest
    holder: Holder


class Verified(NamedTuple):
    """An approved request, and the device that approved it."""

    request: ApprovalRequest
    method_id: str


class Authenticators:
    kind = MethodKind.AUTHENTICATOR

    def __init__(self, key: bytes, *, origin: str) -> None:
        """`origin` is ours, from settings: an answer that was made for another server is none."""
        self._key = hashlib.sha256(b"approval number" + key).digest()
        self._origin = origin

    def number_of(self, request: ApprovalRequest) -> str:
        """Two digits, 10 to 99. There is one try, so the chance to guess it is one in 90."""
        made = hmac.digest(self._key, request.id.encode() + request.nonce, "sha256")
        return str(10 + int.from_bytes(made) % 90)

    def load(self, tx: Transaction, subject: Subject, answer: Answer) -> Material:
        """Spends the request: whatever the answer turns out to be, there is no other. One of somebody else's stays
        theirs. Raises `Refusal`."""
        holder = approvals.holder_of(tx, answer.device_id)
        if holder is None:
            raise Refusal(Reason.DEVICE_UNKNOWN)
        person_id = holder.person.id
        if not holder.person.is_enabled:
            raise Refusal(Reason.ACCOUNT_DISABLED, person_id=person_id, method_id=answer.device_id)
        request = approvals.request_by_id(tx, answer.id)
        if request is None or request.person_id != person_id:
            raise Refusal(Reason.APPROVAL_UNKNOWN, person_id=person_id, method_id=answer.device_id)
        if not approvals.spend_request(tx, request.id, method_id=answer.device_id, now=subject.now):
            raise Refusal(_why_over(request), person_id=person_id, method_id=answer.device_id)
        return Material(request._replace(method_id=answer.device_id, answered_at=subject.now), holder)

    def verify(self, material: Material, answer: Answer) -> Verified:
        """What the device signed counts, also that it declined; only then what it says. Raises `Refusal`."""
        request, holder = material
        number = self.number_of(request)
        typed = answer.number or ""
        is_right = hmac.compare_digest(number.encode(), typed.encode("utf-8", "surrogatepass"))

        def refusal(reason: Reason) -> Refusal:
            return Refusal(reason, person_id=holder.person.id, method_id=holder.device.method_id)

        signed = approval_message(
            id=request.id,
            nonce=request.nonce,
            decision=answer.decision,
            number=answer.number,
            is_verified=answer.is_verified,
            origin=self._origin,
        )
        if not is_signed_by(holder.device.public_key, answer.signature, signed):
            raise refusal(Reason.APPROVAL_SIGNATURE_WRONG)
        if answer.decision is Decision.REPORT:
            raise refusal(Reason.APPROVAL_REPORTED)
        if answer.decision is Decision.DECLINE:
            raise refusal(Reason.APPROVAL_DECLINED)
        if not answer.is_verified:
            raise refusal(Reason.APPROVAL_NOT_VERIFIED)
        if not is_right:
            raise refusal(Reason.APPROVAL_NUMBER_WRONG)
        return Verified(request, holder.device.method_id)

    def accept(self, tx: Transaction, subject: Subject, verified: Verified) -> Proven:
        """The browser that waited goes on with it, once. Raises `Refusal`."""
        request, method_id = verified
        person = subject.person
        if person is None or request.person_id != person.id or request.binding != subject.binding:
            raise Refusal(Reason.APPROVAL_UNKNOWN)
        if request.answered_at is None or subject.now - request.answered_at > TAKEN_WITHIN:
            raise Refusal(Reason.APPROVAL_EXPIRED, person_id=person.id, method_id=method_id)
        holder = approvals.holder_of(tx, method_id)
        if holder is None or holder.person.id != person.id:  # removed since it answered
            raise Refusal(Reason.DEVICE_UNKNOWN, person_id=person.id, method_id=method_id)
        enforcing.require_method(tx, person.id, MethodKind.AUTHENTICATOR, method_id=method_id)
        if request.is_passwordless and not enforcing.is_passwordless_offered(keeping.current(tx)):
            raise Refusal(Reason.METHOD_NOT_OFFERED, person_id=person.id, method_id=method_id)
        if not approvals.take_outcome(tx, request.id, Outcome.APPROVED, Outcome.USED):
            raise Refusal(Reason.APPROVAL_ANSWERED, person_id=person.id, method_id=method_id)
        for limit in (limits.APPROVALS_PER_ACCOUNT, limits.PASSWORDLESS_PER_ACCOUNT):
            limits.clear(tx, limit, counted_as(tx, subject))
        limits.forgive(tx, limits.APPROVALS_PER_NETWORK, limits.network(subject.caller))
        methods.set_used(tx, method_id, at=subject.now, client=subject.caller.client)
        return Proven(person, Proof(MethodKind.AUTHENTICATOR, subject.now, method_id), holder.device.model)

    def is_connection_signed(self, public_key: bytes, signature: bytes, nonce: bytes) -> bool:
        """Whether the device that holds this key greets this server, now."""
        return is_signed_by(public_key, signature, connection_message(self._origin, nonce))


def connection_message(origin: str, nonce: bytes) -> bytes:
    """What a device signs to say who it is."""
    return _CONNECTION + origin.encode() + b"\0" + nonce


def approval_message(
    *, id: str, nonce: bytes, decision: str, number: str | None, is_verified: bool, origin: str
) -> bytes:
    """What a device signs to answer: JSON with sorted keys and no spaces, in UTF-8."""
    answer = {
        "id": id,
        "nonce": encode(nonce),
        "decision": decision,
        "number": number,
        "is_verified": is_verified,
        "origin": origin,
    }
    text = json.dumps(answer, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _APPROVAL + text.encode("utf-8", "surrogatepass")


def is_signed_by(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """ES256 as JWS writes it (RFC 7518 §3.4): r and s, 32 bytes each."""
    if len(signature) != 2 * _HALF:
        return False
    r, s = int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:])
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _why_over(request: ApprovalRequest) -> Reason:
    if request.outcome == Outcome.CANCELLED:
        return Reason.APPROVAL_CANCELLED
    return Reason.APPROVAL_ANSWERED if request.answered_at is not None else Reason.APPROVAL_EXPIRED
