"""The registration ceremony (WebAuthn L3 §7.1)."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from ostiary.passkeys import cbor, client_data, cose
from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.attestation.formats import FORMATS
from ostiary.passkeys.attestation.statement import (
    Attestation,
    AttestationKind,
    Certified,
    Finding,
    SelfSigned,
    StatementInput,
)
from ostiary.passkeys.attestation.trust import find_anchor
from ostiary.passkeys.authenticator_data import parse_authenticator_data
from ostiary.passkeys.cbor import CborValue
from ostiary.passkeys.expectations import check_backup_state, check_collections, check_rp_id, check_user
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason
from ostiary.passkeys.responses import RegistrationResponse
from ostiary.passkeys.signatures import DEFAULT_ALGORITHMS

MAX_CREDENTIAL_ID: Final = 1023
"""WebAuthn L3 §7.1, step 25."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRegistration:
    """The facts of a registration that was verified: what a credential record is made of (WebAuthn L3 §4).

    ``aaguid`` is a claim unless ``attestation.kind`` is ``attested``. ``is_discoverable`` is what the client said
    (``credProps.rk``), ``None`` when it said nothing.
    """

    credential_id: bytes
    public_key: bytes
    algorithm: int
    aaguid: Aaguid
    sign_count: int
    user_verified: bool
    backup_eligible: bool
    backup_state: bool
    transports: tuple[str, ...]
    authenticator_attachment: str | None
    is_discoverable: bool | None
    origin: str
    cross_origin: bool
    top_origin: str | None
    attestation: Attestation
    attestation_object: bytes
    client_data_json: bytes


def verify_registration(
    *,
    response: RegistrationResponse,
    challenge: bytes,
    origins: Collection[str],
    rp_id: str,
    algorithms: Collection[int] = DEFAULT_ALGORITHMS,
    require_user_verification: bool = True,
    require_user_presence: bool = True,
    allow_cross_origin: bool = False,
    top_origins: Collection[str] = (),
    trust_anchors: Collection[x509.Certificate] = (),
    require_trusted_attestation: bool = False,
    at: datetime,
) -> VerifiedRegistration:
    """Verify a registration step by step, in the order of WebAuthn L3 §7.1.

    ``challenge``, ``origins``, ``rp_id`` and ``algorithms`` are what the options said. ``require_user_presence`` is for
    conditional creation alone, where a browser may create without a gesture. ``trust_anchors`` are the only roots of
    trust: a statement that leads to none of them is reported as ``untrusted``. With ``require_trusted_attestation``
    that is refused with ``attestation_untrusted``, and so are self attestation and none. An anchor vouches for all its
    holder signs: a caller that knows which models an anchor stands for compares ``attestation.anchor`` and ``aaguid``.
    ``at`` judges certificate dates and must be aware.

    Two things are left to the caller, who has the storage: the challenge was consumed before this call, and the
    credential ID is not registered yet (step 26). Raises ``CeremonyError`` with the first reason met.
    """
    check_collections(origins=origins, algorithms=algorithms, top_origins=top_origins, trust_anchors=trust_anchors)
    if at.tzinfo is None:
        raise TypeError("the clock must be aware")

    # Steps 5 and 6: the client data.
    claimed = client_data.parse_client_data(response.client_data_json)
    # Step 7
    client_data.check_type(claimed, "webauthn.create")
    # Step 8
    client_data.check_challenge(claimed, challenge)
    # Steps 9 to 11
    client_data.check_origins(claimed, origins, allow_cross_origin=allow_cross_origin, top_origins=top_origins)
    # Step 12
    client_data_hash = hashlib.sha256(response.client_data_json).digest()
    # Step 13
    fmt, statement, authenticator_data = _open_attestation_object(response.attestation_object)
    data = parse_authenticator_data(authenticator_data)
    credential = data.attested_credential
    if credential is None:
        raise CeremonyError(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA, "no attested credential")
    # Step 14
    check_rp_id(data, rp_id)
    # Steps 15 and 16
    check_user(data, require_presence=require_user_presence, require_verification=require_user_verification)
    # Step 17. Steps 18 and 19 are policy, which is the caller's.
    check_backup_state(data)
    # Step 20
    algorithm = cose.read_algorithm(credential.public_key)
    if algorithm not in algorithms:
        raise CeremonyError(CeremonyReason.ALGORITHM_NOT_OFFERED, f"algorithm {algorithm}")
    # WebAuthn L3 §5.8.5 and the note there: a key is looked at closely before anybody relies on it.
    credential_key = cose.load_public_key(credential.public_key)
    # Step 21
    verify_statement = FORMATS.procedure_of(fmt)
    # Step 22
    finding = verify_statement(
        StatementInput(
            statement=statement,
            authenticator_data=authenticator_data,
            client_data_hash=client_data_hash,
            aaguid=credential.aaguid,
            credential_id=credential.credential_id,
            credential_key=credential_key,
            at=at,
        )
    )
    # Steps 23 and 24
    attestation = _assess(fmt, finding, trust_anchors, at)
    if require_trusted_attestation and attestation.kind is not AttestationKind.ATTESTED:
        raise CeremonyError(CeremonyReason.ATTESTATION_UNTRUSTED, f"{attestation.kind.value} attestation")
    # Step 25
    if len(credential.credential_id) > MAX_CREDENTIAL_ID:
        raise CeremonyError(CeremonyReason.CREDENTIAL_ID_TOO_LONG, f"{len(credential.credential_id)} bytes")
    # WebAuthn L3 §5.1: the ID outside is for convenience; it has to be the one the authenticator gave.
    if credential.credential_id != response.credential_id:
        raise CeremonyError(CeremonyReason.CREDENTIAL_MISMATCH, "the response names another credential")
    # Steps 27 and 28: the contents of the credential record.
    return VerifiedRegistration(
        credential_id=credential.credential_id,
        public_key=credential.public_key,
        algorithm=algorithm,
        aaguid=credential.aaguid,
        sign_count=data.sign_count,
        user_verified=data.user_verified,
        backup_eligible=data.backup_eligible,
        backup_state=data.backup_state,
        transports=response.transports,
        authenticator_attachment=response.authenticator_attachment,
        is_discoverable=_is_discoverable(response),
        origin=claimed.origin,
        cross_origin=claimed.cross_origin,
        top_origin=claimed.top_origin,
        attestation=attestation,
        attestation_object=response.attestation_object,
        client_data_json=response.client_data_json,
    )


def _open_attestation_object(encoded: bytes) -> tuple[str, dict[int | str, CborValue], bytes]:
    """Format, statement and authenticator data (WebAuthn L3 §6.5.4), and nothing beside them."""
    members = cbor.decode(encoded)
    if not isinstance(members, dict) or set(members) != {"fmt", "attStmt", "authData"}:
        raise CeremonyError(CeremonyReason.MALFORMED_CBOR, "not an attestation object")
    fmt, statement, authenticator_data = members["fmt"], members["attStmt"], members["authData"]
    if not (isinstance(fmt, str) and isinstance(statement, dict) and isinstance(authenticator_data, bytes)):
        raise CeremonyError(CeremonyReason.MALFORMED_CBOR, "a member of the attestation object has the wrong type")
    return fmt, statement, authenticator_data


def _assess(fmt: str, finding: Finding, trust_anchors: Collection[x509.Certificate], at: datetime) -> Attestation:
    """WebAuthn L3 §7.1, steps 23 and 24."""
    if isinstance(finding, SelfSigned):
        return Attestation(format=fmt, kind=AttestationKind.SELF)
    if not isinstance(finding, Certified):
        return Attestation(format=fmt, kind=AttestationKind.NONE)
    anchor = find_anchor(finding.trust_path, trust_anchors, at)
    kind = AttestationKind.UNTRUSTED if anchor is None else AttestationKind.ATTESTED
    return Attestation(format=fmt, kind=kind, anchor=anchor, trust_path=finding.trust_path)


def _is_discoverable(response: RegistrationResponse) -> bool | None:
    """WebAuthn L3 §10.1.3. An extension output of a strange shape says nothing."""
    properties = response.client_extension_results.get("credProps")
    rk = properties.get("rk") if isinstance(properties, dict) else None
    return rk if isinstance(rk, bool) else None
