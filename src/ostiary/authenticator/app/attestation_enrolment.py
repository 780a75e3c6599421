"""Attestation by a code from the administrator: the account's server certifies a key of this Authenticator, and from
then on its organisation vouches for the passkeys made here for it."""

import secrets
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from ostiary.authenticator.app.accounts import Account, Accounts
from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import N_
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.server_facts import OURS, read_facts
from ostiary.authenticator.app.views import StepKind, StepStatus, StepView, Topic
from ostiary.authenticator.ports import AttestationIdentity

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey


class AttestationEnrolment:
    def __init__(self, keys: AppKeys, accounts: Accounts, changes: Changes, *, model: str) -> None:
        self._keys = keys
        self._accounts = accounts
        self._changes = changes
        self._model = model

    def run(self, account_id: str, code: str) -> StepView:
        """Refusals are raised, and nothing changes by them."""
        account = self._accounts.find(account_id)
        read_facts(self._accounts, account)
        handle, request = self._request(account)
        answer = self._accounts.call(
            account, "POST", f"{OURS}/attestation", {"request": request, "model": self._model, "code": code.strip()}
        )
        identity = _identity(answer, handle=handle, public_key=self._keys.public_key(handle))
        if self._accounts.find(account_id).rp_id not in identity.rp_ids:
            raise AppError(AppReason.SERVER_ANSWER_INVALID)
        self._keys.enrol(identity)
        self._keys.delete_note(_note(account))
        self._changes.publish(Topic.PASSKEYS)
        step = StepView(
            kind=StepKind.ATTESTATION,
            status=StepStatus.DONE,
            message=N_("Your organisation vouches for passkeys made here from now on."),
            next="",
            reason="",
        )
        self._accounts.note_step(account_id, step)
        return step

    def _request(self, account: Account) -> tuple[str, str]:
        """The name of the key, and the request. Kept until it is answered: the server gives the same answer twice."""
        from ostiary.authenticator.app.certificate_request import certificate_request

        kept = self._keys.note(_note(account))
        if kept is not None:
            handle, _, request = kept.decode().partition("\n")
            return handle, request
        handle = f"attestation {account.id} {secrets.token_hex(4)}"
        public_key = self._keys.generate_key(handle)
        request = certificate_request(public_key, lambda data: self._keys.sign_with(handle, data))
        self._keys.put_note(_note(account), f"{handle}\n{request}".encode())
        return handle, request


def _note(account: Account) -> str:
    return f"attestation request {account.id}"


def _identity(answer: Any, *, handle: str, public_key: "EllipticCurvePublicKey | None") -> AttestationIdentity:
    from cryptography import x509

    try:
        certificates = tuple(b64decode(one, validate=True) for one in answer["certificates"])
        rp_ids = frozenset(str(one) for one in answer["rpIds"])
        leaf = x509.load_der_x509_certificate(certificates[0])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise AppError(AppReason.SERVER_ANSWER_INVALID) from error
    if leaf.public_key() != public_key:
        raise AppError(AppReason.SERVER_ANSWER_INVALID, N_("The server certified another key."))
    return AttestationIdentity(rp_ids, certificates, handle.encode())
