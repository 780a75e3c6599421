"""The registration ceremony (WebAuthn L3 §7.1)."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from ostiary.passkeys import client_data, cose
from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.attestation.formats import FORMATS
from ostiary.passkeys.attestation.object import open_attestation_object
from ostiary.passkeys.attestation.statement import (
    Attestation,
    AttestationKind,
    Certified,
    Combined,
    Finding,
    SelfSigned,
    StatementInput,
)
from ostiary.passkeys.attestation.trust import find_anchor
from ostiary.passkeys.authenticator_data import parse_authenticator_data
from ostiary.passkeys.expectations import check_backup_state, check_collections, check_rp_id, check_user
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason
from ostiary.passkeys.responses import RegistrationResponse
from ostiary.passkeys.signatures import DEFAULT_ALGORITHMS

MAX_CREDENTIAL_ID: Final = 1023
"""WebAuthn L3 §7.1, step 25."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRegistration:
    """The facts of a registration that was verified: what a credential record is made of (WebAuthn L3 §4).

    ``aaguid`` is a claim; ``attested_aaguid`` is what policy may rely on. ``is_discoverable`` is what the client said
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

    @property
    def attested_aaguid(self) -> Aaguid | None:
        """The AAGUID if an anchor vouches for it; ``None`` for every other, and for formats that do not sign it."""
        attestation = self.attestation
        return self.aaguid if attestation.kind is AttestationKind.ATTESTED and attestation.covers_aaguid else None


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

    ``challenge``, ``origins``, ``rp_id`` and ``algorithms`` are what the options said; who names RS1 there accepts RSA
    with SHA-1 for credentials and in certificate chains. ``require_user_presence`` is for
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
    attested = open_attestation_object(response.attestation_object)
    data = parse_authenticator_data(attested.authenticator_data)
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
    verify_statement = FORMATS.procedure_of(attested.format)
    # Step 22
    finding = verify_statement(
        StatementInput(
            statement=attested.statement,
            authenticator_data=attested.authenticator_data,
            client_data_hash=client_data_hash,
            aaguid=credential.aaguid,
            credential_id=credential.credential_id,
            credential_key=credential_key,
            at=at,
        )
    )
    # Steps 23 and 24
    attestation = _assess(attested.format, finding, trust_anchors, at, algorithms)
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


# What a statement is worth when there are several, the best last.
_WORTH: Final = (AttestationKind.NONE, AttestationKind.SELF, AttestationKind.UNTRUSTED, AttestationKind.ATTESTED)


def _assess(
    fmt: str,
    finding: Finding,
    trust_anchors: Collection[x509.Certificate],
    at: datetime,
    algorithms: Collection[int],
) -> Attestation:
    """WebAuthn L3 §7.1, steps 23 and 24. Of a compound statement, the best of its statements counts."""
    if isinstance(finding, Combined):
        judged = [_assess(fmt, part, trust_anchors, at, algorithms) for part in finding.findings]
        return max(judged, key=lambda each: (_WORTH.index(each.kind), each.covers_aaguid))
    if isinstance(finding, SelfSigned):
        return Attestation(format=fmt, kind=AttestationKind.SELF)
    if not isinstance(finding, Certified):
        return Attestation(format=fmt, kind=AttestationKind.NONE)
    anchor = find_anchor(finding.trust_path, trust_anchors, at, algorithms=algorithms)
    return Attestation(
        format=fmt,
        kind=AttestationKind.UNTRUSTED if anchor is None else AttestationKind.ATTESTED,
        anchor=anchor,
        trust_path=finding.trust_path,
        covers_aaguid=finding.covers_aaguid,
    )


def _is_discoverable(response: RegistrationResponse) -> bool | None:
    """WebAuthn L3 §10.1.3. An extension output of a strange shape says nothing."""
    properties = response.client_extension_results.get("credProps")
    rk = properties.get("rk") if isinstance(properties, dict) else None
    return rk if isinstance(rk, bool) else None
