"""The organisation's own attestation authority: the root that certifies which Authenticators are the organisation's.

The server trusts it as it does FIDO's metadata (`identity.trust`), for the models of the Ostiary Authenticator and no
other. One authority issues. Replacing it destroys its key and leaves its certificates as good as they were, until it is
removed. Whom it certifies is `identity.attestation`.
"""

from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from ostiary.clock import as_datetime
from ostiary.identifiers import new_id
from ostiary.identity import audit
from ostiary.identity.caller import COMMAND_LINE, Caller
from ostiary.identity.permissions import Permission, require_permission
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sealing import Sealer
from ostiary.passkeys import Aaguid, provider_of
from ostiary.passkeys.attestation.issuing import UNKNOWN_COUNTRY, Subject, issue, make_root
from ostiary.storage import attestation as rows
from ostiary.storage import organizations
from ostiary.storage.attestation import AuthorityRow
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person


class Authority(NamedTuple):
    """`is_issuing`: new Authenticators are enrolled by it; `removed_at`: it is not trusted any more."""

    id: str
    certificate: x509.Certificate
    is_issuing: bool
    created_at: int
    actor: str
    removed_at: int | None

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def create_authority(
    tx: Transaction,
    sealer: Sealer,
    *,
    country: str = UNKNOWN_COUNTRY,
    is_replacing: bool = False,
    actor: Person | None,
    caller: Caller = COMMAND_LINE,
    now: int,
) -> Authority:
    """Makes the authority that issues from now on. Raises `Refusal`: there is one and it is not to be replaced."""
    organizations.hold(tx)
    require_permission(tx, actor, Permission.TRUST_WRITE)
    organization = organizations.the_organization(tx)
    if organization is None:
        raise Refusal(Reason.ORGANIZATION_MISSING)
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise Refusal(Reason.COUNTRY_INVALID, field="country")
    if rows.issuing_authority(tx) is not None:
        if not is_replacing:
            raise Refusal(Reason.ATTESTATION_AUTHORITY_EXISTS)
        rows.end_issuing(tx)
    authority_id = new_id()
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = make_root(
        key,
        subject=Subject(country.upper(), organization.name),
        # the name tells an authority from the one it replaces
        common_name=f"Authenticator Attestation Root {authority_id[:13]}",
        at=as_datetime(now),
    )
    encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    row = AuthorityRow(
        id=authority_id,
        certificate=certificate.public_bytes(Encoding.DER),
        sealed_key=sealer.seal(encoded, purpose=_purpose(authority_id)),
        is_issuing=True,
        created_at=now,
        actor=actor.username if actor else "command line",
        removed_at=None,
    )
    rows.insert_authority(tx, row)
    audit.record(tx, audit.Event.ATTESTATION_AUTHORITY_CREATE, caller=caller, now=now, actor=actor, detail=authority_id)
    return _authority(row)


def remove_authority(
    tx: Transaction, authority_id: str, *, actor: Person | None, caller: Caller = COMMAND_LINE, now: int
) -> None:
    """Trusts what it issued no more, and destroys its key. Passkeys it vouched for stay; attestation is judged at
    registration."""
    require_permission(tx, actor, Permission.TRUST_WRITE)
    if not rows.remove_authority(tx, authority_id, at=now):
        raise Refusal(Reason.ATTESTATION_AUTHORITY_UNKNOWN)
    audit.record(tx, audit.Event.ATTESTATION_AUTHORITY_REMOVE, caller=caller, now=now, actor=actor, detail=authority_id)


def list_authorities(tx: Transaction) -> list[Authority]:
    """All there ever were, the oldest first."""
    return [_authority(row) for row in rows.all_authorities(tx)]


def certify(
    tx: Transaction, sealer: Sealer, key: ec.EllipticCurvePublicKey, aaguid: Aaguid, *, now: int
) -> tuple[str, x509.Certificate]:
    """A certificate for this key, and which authority issued it. `aaguid` is one of our models.

    Raises `Refusal`: there is no authority that issues.
    """
    row = rows.issuing_authority(tx)
    organization = organizations.the_organization(tx)
    provider = provider_of(aaguid)
    if row is None or row.sealed_key is None or organization is None:
        raise Refusal(Reason.ATTESTATION_AUTHORITY_MISSING)
    assert provider is not None
    signer = load_der_private_key(sealer.open(row.sealed_key, purpose=_purpose(row.id)), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    root = x509.load_der_x509_certificate(row.certificate)
    certificate = issue(
        signer,
        root,
        key,
        aaguid=aaguid,
        subject=Subject(_country(root), organization.name),
        common_name=provider.name,
        at=as_datetime(now),
    )
    return row.id, certificate


def _country(root: x509.Certificate) -> str:
    return str(root.subject.get_attributes_for_oid(x509.NameOID.COUNTRY_NAME)[0].value)


def _purpose(authority_id: str) -> str:
    return f"attestation authority {authority_id}"


def _authority(row: AuthorityRow) -> Authority:
    certificate = x509.load_der_x509_certificate(row.certificate)
    return Authority(row.id, certificate, bool(row.is_issuing), row.created_at, row.actor, row.removed_at)
