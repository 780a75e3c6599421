"""From a request for authorization to a code: kept while the person signs in, answered once by what they decide."""

from typing import NamedTuple

from ostiary.clock import MINUTE, SECOND
from ostiary.identifiers import new_token, token_hash
from ostiary.identity import limits, sign_in
from ostiary.identity.assurance import Proof, Requirement, is_satisfied, valid_kinds
from ostiary.identity.caller import Caller
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sessions import SECURITY_INFO_IDLE, SignedIn, owned_kinds
from ostiary.oidc.clients import Client
from ostiary.oidc.grants import open_grant
from ostiary.oidc.requests import AuthorizationRequest
from ostiary.storage import methods, oauth
from ostiary.storage.database import Transaction
from ostiary.storage.oauth import Code, PendingRequest

REQUEST_LIFETIME = 15 * MINUTE
CODE_LIFETIME = 60 * SECOND


class Pending(NamedTuple):
    """A request that waits for its person."""

    request: AuthorizationRequest
    asked_at: int


def keep_request(tx: Transaction, request: AuthorizationRequest, *, caller: Caller, now: int) -> str:
    """Answers the token of the page that will ask. Raises `Refusal(TOO_MANY_ATTEMPTS)`."""
    limits.charge(tx, limits.AUTHORIZATIONS_PER_ADDRESS, limits.network(caller), now=now)
    token = new_token()
    kept = PendingRequest(token_hash(token), request.client_id, request.as_json(), now, now + REQUEST_LIFETIME)
    oauth.insert_request(tx, kept)
    return token


def find_request(tx: Transaction, token: str, *, now: int) -> Pending:
    """Raises `Refusal(AUTHORIZATION_UNKNOWN)`: answered, too old, or never there."""
    kept = oauth.request_by_token(tx, token_hash(token))
    if kept is None or kept.expires_at <= now:
        raise Refusal(Reason.AUTHORIZATION_UNKNOWN)
    return Pending(AuthorizationRequest.from_json(kept.request), kept.created_at)


def is_proven(tx: Transaction, pending: Pending, signed_in: SignedIn, *, now: int) -> bool:
    """Whether this session has proven what the client asks for, and lately enough for the request."""
    owned = owned_kinds(tx, signed_in.person, now=now)
    proofs = _counted(tx, pending, signed_in)
    return is_satisfied(proofs, _needed(pending.request.client, signed_in, now=now), owned=owned, now=now)


def begin_step_up(
    tx: Transaction, token: str, pending: Pending, signed_in: SignedIn, *, next_path: str, caller: Caller, now: int
) -> None:
    """`token` is the sign-in's own."""
    sign_in.begin_step_up(
        tx,
        token,
        signed_in._replace(proofs=_counted(tx, pending, signed_in)),
        _needed(pending.request.client, signed_in, now=now),
        next_path=next_path,
        caller=caller,
        now=now,
    )


def approve(tx: Transaction, token: str, signed_in: SignedIn, *, caller: Caller, now: int) -> tuple[Pending, str]:
    """The person agrees: a grant, and the code that stands for it. Raises `Refusal`."""
    pending = take_request(tx, token, now=now)
    request, client = pending.request, pending.request.client
    if not is_proven(tx, pending, signed_in, now=now):
        raise Refusal(Reason.FRESH_MFA_REQUIRED, person_id=signed_in.person.id)
    proofs = tuple(
        proof for proof in _counted(tx, pending, signed_in) if valid_kinds((proof,), client.proof, now)
    )  # older ones are not passed on
    grant = open_grant(
        tx, client, signed_in.person, proofs, request.scopes, until_redeemed=CODE_LIFETIME, caller=caller, now=now
    )
    code = new_token()
    oauth.insert_code(
        tx,
        Code(
            code_hash=token_hash(code),
            grant_id=grant.id,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            nonce=request.nonce,
            expires_at=now + CODE_LIFETIME,
            used_at=None,
        ),
    )
    return pending, code


def take_request(tx: Transaction, token: str, *, now: int) -> Pending:
    """Takes the request: it is answered once. Raises `Refusal(AUTHORIZATION_UNKNOWN)`."""
    pending = find_request(tx, token, now=now)
    if not oauth.delete_request(tx, token_hash(token)):
        raise Refusal(Reason.AUTHORIZATION_UNKNOWN)
    return pending


def _needed(client: Client, signed_in: SignedIn, *, now: int) -> Requirement:
    """What the client asks for; of a browser left alone for a while, a fresh proof in any case."""
    is_idle = now - signed_in.session.last_seen_at > SECURITY_INFO_IDLE
    return (
        client.proof._replace(max_age=SECURITY_INFO_IDLE) if is_idle and client.proof.max_age is None else client.proof
    )


def _counted(tx: Transaction, pending: Pending, signed_in: SignedIn) -> tuple[Proof, ...]:
    """The session's proofs that may count: by methods that are still there, since when the request says."""
    owned = {method.id for method in methods.methods_of(tx, signed_in.person.id)}
    oldest = pending.request.oldest_proof(pending.asked_at)
    return tuple(
        proof for proof in signed_in.proofs if proof.method_id in owned and (oldest is None or proof.at >= oldest)
    )
