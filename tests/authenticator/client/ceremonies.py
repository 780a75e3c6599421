"""What the tests of the client half share: a relying party's options, and a verifier's opinion of what came back."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ostiary.authenticator import AutomaticVerifier, Engine, KeyStore
from ostiary.authenticator.client import create, get
from ostiary.authenticator.keys import memory_key_store
from ostiary.passkeys import base64url
from ostiary.passkeys.authentication import VerifiedAuthentication, verify_authentication
from ostiary.passkeys.registration import VerifiedRegistration, verify_registration
from ostiary.passkeys.responses import parse_authentication_response, parse_registration_response

RP_ID = "contoso.example"
ORIGIN = "https://login.contoso.example"
USER_HANDLE = b"ada's handle"
JSON = dict[str, Any]


def creation_options(**members: Any) -> JSON:
    selection = {"residentKey": "required", "userVerification": "required"}
    return {
        "rp": {"id": RP_ID, "name": "Contoso"},
        "user": {"id": base64url.encode(USER_HANDLE), "name": "ada@contoso.example", "displayName": "Ada Lovelace"},
        "challenge": base64url.encode(secrets.token_bytes(32)),
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
        "authenticatorSelection": selection,
        **members,
    }


def request_options(**members: Any) -> JSON:
    return {
        "rpId": RP_ID,
        "challenge": base64url.encode(secrets.token_bytes(32)),
        "userVerification": "required",
        **members,
    }


def descriptor(credential: JSON) -> JSON:
    return {"type": "public-key", "id": credential["id"], "transports": ["internal", "smart-card"]}


@dataclass
class Bench:
    """An engine with somebody who agrees to everything, until told otherwise."""

    keys: KeyStore
    verifier: AutomaticVerifier
    engine: Engine

    def create(self, options: JSON | None = None, *, origin: object = ORIGIN, **more: Any) -> JSON:
        return create(self.engine, options or creation_options(), origin=origin, **more)

    def get(self, options: JSON | None = None, *, origin: object = ORIGIN, **more: Any) -> JSON:
        return get(self.engine, options or request_options(), origin=origin, **more)


def a_bench(**verifier: Any) -> Bench:
    keys, person = memory_key_store(), AutomaticVerifier(**verifier)
    return Bench(keys, person, Engine(keys=keys, verifier=person))


def registered(options: JSON, response: JSON, **expected: Any) -> VerifiedRegistration:
    """As our own relying party judges it."""
    defaults: JSON = {"origins": [ORIGIN], "rp_id": RP_ID, "require_user_verification": True}
    return verify_registration(
        response=parse_registration_response(response),
        challenge=base64url.decode(options["challenge"]),
        at=datetime.now(UTC),
        **defaults | expected,
    )


@dataclass(frozen=True)
class Stored:
    credential_id: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool
    user_handle: bytes

    @classmethod
    def of(cls, facts: VerifiedRegistration, user_handle: bytes = USER_HANDLE) -> "Stored":
        return cls(facts.credential_id, facts.public_key, facts.sign_count, facts.backup_eligible, user_handle)


def authenticated(options: JSON, response: JSON, stored: Stored, **expected: Any) -> VerifiedAuthentication:
    defaults: JSON = {"origins": [ORIGIN], "rp_id": RP_ID, "require_user_verification": True}
    return verify_authentication(
        response=parse_authentication_response(response),
        challenge=base64url.decode(options["challenge"]),
        credential=stored,
        **defaults | expected,
    )
