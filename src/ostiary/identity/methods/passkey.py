"""Passkeys: WebAuthn with user verification, multi-factor in one step and resistant to phishing."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import NamedTuple

from ostiary.identity import audit
from ostiary.identity.assurance import MethodKind, Proof
from ostiary.identity.challenges import Ceremony, consume_challenge, issue_challenge
from ostiary.identity.methods.contract import Proven, Subject
from ostiary.identity.policy import enforcing
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.relying_party import RelyingParty
from ostiary.passkeys import (
    AuthenticationResponse,
    CeremonyError,
    CredentialDescriptor,
    VerifiedAuthentication,
    request_options,
    verify_authentication,
)
from ostiary.storage import methods
from ostiary.storage.database import Transaction
from ostiary.storage.methods import CredentialRecord, StoredPasskey

_DECOY_SIZES = (16, 20, 32, 64)
_DECOY_TRANSPORTS = (("internal", "hybrid"), ("internal",), ("usb",))


class Material(NamedTuple):
    challenge: bytes
    expected_person_id: str | None
    passkey: StoredPasskey | None


class Verified(NamedTuple):
    passkey: StoredPasskey
    facts: VerifiedAuthentication


class Passkeys:
    kind = MethodKind.PASSKEY

    def __init__(self, relying_party: RelyingParty, decoy_key: bytes) -> None:
        self._relying_party = relying_party
        self._decoy_key = hashlib.sha256(b"decoy credential identifiers" + decoy_key).digest()

    def begin(self, tx: Transaction, subject: Subject) -> Mapping[str, object]:
        """`PublicKeyCredentialRequestOptionsJSON` for this subject.

        With a username the answer names credentials to look for, and looks the same whether or not there is such a
        person, or a passkey of theirs: then it names one that nobody has (WebAuthn L3 §14.6.2).
        """
        person_id = subject.person.id if subject.person else None
        allowed: list[CredentialDescriptor] | None = None
        if subject.username is not None:
            known = methods.credentials_of(tx, person_id) if person_id else []
            allowed = [descriptor(record) for record in reversed(known)]  # the newest first
            allowed = allowed or self._decoys(subject.username)
        challenge = issue_challenge(
            tx, Ceremony.AUTHENTICATION, binding=subject.binding, person_id=person_id, now=subject.now
        )
        return request_options(challenge=challenge, rp_id=self._relying_party.id, allow_credentials=allowed)

    def load(self, tx: Transaction, subject: Subject, answer: AuthenticationResponse) -> Material:
        try:
            challenge = answer.challenge
        except CeremonyError as error:
            raise Refusal.of_ceremony(error) from error
        taken = consume_challenge(tx, challenge, Ceremony.AUTHENTICATION, binding=subject.binding, now=subject.now)
        # what is wrong from here on is found by `verify`: raising would give the challenge back
        passkey = methods.passkey_by_credential_id(tx, answer.credential_id)
        return Material(taken.challenge, taken.person_id, passkey)

    def verify(self, material: Material, answer: AuthenticationResponse) -> Verified:
        passkey = material.passkey
        if passkey is None:
            raise Refusal(Reason.CREDENTIAL_UNKNOWN)
        person = passkey.person
        try:
            facts = verify_authentication(
                response=answer,
                challenge=material.challenge,
                origins=self._relying_party.origins,
                rp_id=self._relying_party.id,
                credential=passkey,
            )
        except CeremonyError as error:
            raise Refusal.of_ceremony(
                error, person_id=person.id, method_id=passkey.method_id, aaguid=passkey.aaguid
            ) from error
        if material.expected_person_id not in (None, person.id):
            raise Refusal(Reason.DIFFERENT_PERSON, person_id=person.id, method_id=passkey.method_id)
        if not person.is_enabled:  # whoever holds the key may know: it is no stranger who guesses
            raise Refusal(Reason.ACCOUNT_DISABLED, person_id=person.id, method_id=passkey.method_id)
        return Verified(passkey, facts)

    def accept(self, tx: Transaction, subject: Subject, verified: Verified) -> Proven:
        """WebAuthn L3 §7.2, steps 22-26, once policy agrees. A counter that went back on a device-bound passkey may be
        a copy of it: the sign-in is let through, as the specification leaves to us, and an administrator is told."""
        passkey, facts = verified
        enforcing.require_usable(tx, passkey.person.id, passkey.method_id, passkey, now=subject.now)
        was_there = methods.set_credential_used(
            tx,
            passkey.method_id,
            sign_count=facts.sign_count,
            backup_state=facts.backup_state,
            uv_initialized=passkey.uv_initialized or facts.user_verified,
        )
        if not was_there:  # removed while it was being verified
            raise Refusal(Reason.CREDENTIAL_UNKNOWN, person_id=passkey.person.id)
        methods.set_used(tx, passkey.method_id, at=subject.now, client=subject.caller.client)
        if facts.sign_count_regressed:
            audit.record(
                tx,
                audit.Event.PASSKEY_SUSPECT,
                caller=subject.caller,
                now=subject.now,
                actor=passkey.person,
                target=passkey.person,
                method_id=passkey.method_id,
                method=passkey.name,
                aaguid=passkey.aaguid,
                detail=f"sign count {facts.sign_count} after {passkey.sign_count}",
            )
        return Proven(passkey.person, Proof(MethodKind.PASSKEY, subject.now, passkey.method_id), passkey.aaguid)

    def _decoys(self, username: str) -> list[CredentialDescriptor]:
        """Credentials that nobody has, always the same for a username, of the shapes real ones have."""
        seed = hmac.digest(self._decoy_key, username.encode(), "sha512")
        count = 1 + seed[0] % 2
        return [
            CredentialDescriptor(
                hmac.digest(self._decoy_key, bytes([number]) + seed, "sha512")[: _DECOY_SIZES[seed[1 + number] % 4]],
                _DECOY_TRANSPORTS[seed[3 + number] % 3],
            )
            for number in range(count)
        ]


def descriptor(record: CredentialRecord) -> CredentialDescriptor:
    transports = tuple(record.transports.split(",")) if record.transports else ()
    return CredentialDescriptor(record.credential_id, transports)
