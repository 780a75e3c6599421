"""One relying party and its two ceremonies, for tests: honest by default, and every expectation can be replaced."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ostiary import passkeys
from ostiary.passkeys import AttestationConveyance, CeremonyError, CeremonyReason
from tests.software_authenticator import JSON, SoftwareAuthenticator

RP_ID = "login.contoso.example"
ORIGIN = f"https://{RP_ID}"
CHALLENGE = bytes(range(32))
USER_HANDLE = bytes(range(32, 64))
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Record:
    """A credential record."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool
    user_handle: bytes = USER_HANDLE


@contextmanager
def refuses(reason: CeremonyReason, detail: str = "") -> Iterator[None]:
    """The block raises ``CeremonyError`` for this reason and no other, and with ``detail`` among the log's words."""
    with pytest.raises(CeremonyError) as caught:
        yield
    assert caught.value.reason is reason, str(caught.value)
    assert detail in caught.value.detail


def creation_options(**arguments: Any) -> JSON:
    return passkeys.creation_options(
        **{
            "challenge": CHALLENGE,
            "rp_id": RP_ID,
            "rp_name": "Contoso",
            "user_handle": USER_HANDLE,
            "user_name": "ada@contoso.example",
            "user_display_name": "Ada",
            "attestation": AttestationConveyance.DIRECT,
            **arguments,
        }
    )


def request_options(**arguments: Any) -> JSON:
    return passkeys.request_options(**{"challenge": CHALLENGE, "rp_id": RP_ID, **arguments})


def verify_registration(data: object, **expectations: Any) -> passkeys.VerifiedRegistration:
    """Parse and verify, expecting what ``creation_options`` asked for."""
    return passkeys.verify_registration(
        response=passkeys.parse_registration_response(data),
        **{"challenge": CHALLENGE, "origins": (ORIGIN,), "rp_id": RP_ID, "at": NOW, **expectations},
    )


def register(
    authenticator: SoftwareAuthenticator, *, expect: JSON | None = None, **tampering: Any
) -> passkeys.VerifiedRegistration:
    """A whole registration ceremony; ``tampering`` is the authenticator's, ``expect`` the relying party's."""
    arguments: JSON = {"origin": ORIGIN, **tampering}
    return verify_registration(authenticator.create(creation_options(), **arguments), **(expect or {}))


def record_of(registered: passkeys.VerifiedRegistration) -> Record:
    return Record(
        credential_id=registered.credential_id,
        public_key=registered.public_key,
        sign_count=registered.sign_count,
        backup_eligible=registered.backup_eligible,
    )


def verify_authentication(data: object, record: Record, **expectations: Any) -> passkeys.VerifiedAuthentication:
    """Parse and verify, expecting what ``request_options`` asked for."""
    return passkeys.verify_authentication(
        response=passkeys.parse_authentication_response(data),
        credential=record,
        **{"challenge": CHALLENGE, "origins": (ORIGIN,), "rp_id": RP_ID, **expectations},
    )


def authenticate(
    authenticator: SoftwareAuthenticator | None = None,
    *,
    expect: JSON | None = None,
    stored: JSON | None = None,
    **tampering: Any,
) -> passkeys.VerifiedAuthentication:
    """A registration and then an authentication ceremony. ``stored`` replaces what the record says."""
    chosen = authenticator or SoftwareAuthenticator()
    record = replace(record_of(register(chosen)), **(stored or {}))
    arguments: JSON = {"origin": ORIGIN, **tampering}
    return verify_authentication(chosen.get(request_options(), **arguments), record, **(expect or {}))
