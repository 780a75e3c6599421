"""Every table. Instants are epoch milliseconds; identifiers are UUID version 7 as text; secrets are hashes or sealed.

The types are those both SQLite and PostgreSQL keep exactly and hand back without conversion.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _of_person(
    *, primary_key: bool = False, nullable: bool = False, unique: bool = False, index: bool = False
) -> "Column[str]":
    return Column(
        "person_id",
        Text,
        ForeignKey("people.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=nullable,
        unique=unique or None,
        index=index or None,
    )


def _of_method() -> "Column[str]":
    return Column("method_id", Text, ForeignKey("sign_in_methods.id", ondelete="CASCADE"), primary_key=True)


organizations = Table(
    "organizations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

domains = Table(
    "domains",
    metadata,
    Column("name", Text, primary_key=True),
    Column("organization_id", Text, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("is_primary", Boolean, nullable=False),
    Column("verified_at", BigInteger, nullable=False),
)

branding = Table(
    "branding",
    metadata,
    Column("domain", Text, ForeignKey("domains.name", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("accent", Text),
    Column("helpdesk", Text),
    Column("logo", LargeBinary),
    Column("logo_media_type", Text),
)

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organization_id", Text, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("username", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("user_handle", LargeBinary, nullable=False, unique=True),
    Column("is_enabled", Boolean, nullable=False),
    Column("must_change_password", Boolean, nullable=False),
    Column("preferred_second_factor", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("language", Text),  # of mail to them; null while it is not known
    # for finding people among very many: what is searched, and whether there is a row in credential_records
    Column("search_key", Text, nullable=False, server_default=text("''")),
    Column("has_passkey", Boolean, nullable=False, server_default=false()),
    Index("ix_people_directory", "username", "is_enabled", "has_passkey", "search_key", "id"),
)

groups = Table(
    "groups",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organization_id", Text, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

group_members = Table(
    "group_members",
    metadata,
    Column("group_id", Text, ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    _of_person(primary_key=True),
    Index(None, "person_id"),
)

role_assignments = Table(
    "role_assignments",
    metadata,
    _of_person(primary_key=True),
    Column("role", Text, primary_key=True),
    Column("assigned_at", BigInteger, nullable=False),
)

sign_in_methods = Table(
    "sign_in_methods",
    metadata,
    Column("id", Text, primary_key=True),
    _of_person(),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    Column("name_key", Text),  # the name as compared: two names that look alike are one
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("last_used_client", Text),
    UniqueConstraint("person_id", "name_key"),
)

credential_records = Table(
    # WebAuthn L3 §4, "credential record"
    "credential_records",
    metadata,
    _of_method(),
    _of_person(index=True),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("algorithm", Integer, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", Text, nullable=False),  # joined by commas, in the order given; may be empty
    Column("uv_initialized", Boolean, nullable=False),
    Column("backup_eligible", Boolean, nullable=False),
    Column("backup_state", Boolean, nullable=False),
    Column("aaguid", Text, nullable=False),
    Column("attestation_format", Text, nullable=False),
    Column("attestation_kind", Text, nullable=False),
    Column("attestation_object", LargeBinary, nullable=False),
    Column("attestation_client_data_json", LargeBinary, nullable=False),
    Column("rp_id", Text, nullable=False),
    CheckConstraint("backup_eligible OR NOT backup_state", name="backup_state_needs_eligibility"),
)

password_verifiers = Table(
    "password_verifiers",
    metadata,
    _of_method(),
    _of_person(unique=True),
    Column("hash", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

code_generators = Table(
    # RFC 6238; `last_step` is the newest time step a code was taken from, so that each works once
    "code_generators",
    metadata,
    _of_method(),
    _of_person(index=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("last_step", BigInteger, nullable=False),
)

authenticator_devices = Table(
    # an Ostiary Authenticator that answers approvals: its device key, and what it says of itself
    "authenticator_devices",
    metadata,
    _of_method(),
    _of_person(index=True),
    Column("public_key", LargeBinary, nullable=False, unique=True),  # P-256, SEC 1 §2.3.3, uncompressed
    Column("model", Text, nullable=False),  # AAGUID
    Column("app_version", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("connection", Text),  # the one that counts; an older one ends when it sees another here
)

approval_requests = Table(
    # a sign-in waits for an approval. The number stands nowhere: it follows from the identifier and a key of ours
    "approval_requests",
    metadata,
    Column("id", Text, primary_key=True),
    _of_person(nullable=True),  # null: nobody is asked, though the page looks the same
    Column("username", Text, nullable=False, index=True),  # as typed: of nobody, too, there is one at a time
    Column("binding", LargeBinary, nullable=False, index=True),  # hash of the cookie of the sign-in that waits
    Column("browser", LargeBinary),
    Column("network", Text, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("is_passwordless", Boolean, nullable=False),
    Column("client", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("method_id", Text),  # the device that answered
    Column("answered_at", BigInteger),  # spent, whatever came of it
    Column("outcome", Text),
    Column("reference", Text),
    Index(None, "person_id", "expires_at"),
)

challenges = Table(
    "challenges",
    metadata,
    Column("challenge", LargeBinary, primary_key=True),
    Column("ceremony", Text, nullable=False),
    Column("binding", LargeBinary, nullable=False),  # hash of the cookie it was issued to
    Column("person_id", Text),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    _of_person(index=True),
    Column("proofs", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("username", Text),
    Column("person_id", Text, ForeignKey("people.id", ondelete="CASCADE")),
    Column("session_id", Text, ForeignKey("sessions.id", ondelete="CASCADE")),  # a step-up of this session
    Column("max_age", BigInteger),  # how old the proofs may be; null: those of this attempt, however old
    Column("method", Text),  # the one asked now
    Column("is_phishing_resistant", Boolean, nullable=False, server_default=false()),  # nothing but a passkey will do
    Column("proofs", Text, nullable=False),
    Column("next_path", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

known_browsers = Table(
    # a browser this person has signed in from: strangers' wrong passwords do not count against it
    "known_browsers",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    _of_person(primary_key=True),
    Column("last_seen_at", BigInteger, nullable=False),
)

attempt_counters = Table(
    "attempt_counters",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("resets_at", BigInteger, nullable=False, index=True),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("reason", Text),
    Column("reference", Text, index=True),
    Column("actor_id", Text),
    Column("actor", Text, nullable=False),
    Column("target_id", Text),
    Column("target", Text),
    Column("method_id", Text),
    Column("method", Text),
    Column("aaguid", Text),
    Column("address", Text),
    Column("client", Text),
    Column("detail", Text),
    Index(None, "target_id", "id"),
    Index(None, "actor_id", "id"),
    Index(None, "event", "id"),
    Index(None, "result", "id"),
)

policy_versions = Table(
    # the authentication methods policy: the newest row counts, the others say what it was
    "policy_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor_id", Text),
    Column("actor", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("document", Text, nullable=False),
)

temporary_access_passes = Table(
    "temporary_access_passes",
    metadata,
    _of_method(),
    _of_person(unique=True),
    Column("code_hash", Text, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("is_one_time", Boolean, nullable=False),
    Column("used_at", BigInteger),
)

trust_roots = Table(
    # attestation roots an administrator added, for the AAGUIDs named or, when none is, for any
    "trust_roots",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("certificate", LargeBinary, nullable=False, unique=True),  # DER
    Column("aaguids", Text, nullable=False),  # joined by commas; empty: any
    Column("added_at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
)

imported_names = Table(
    # names of passkey providers from a list an administrator imported
    "imported_names",
    metadata,
    Column("aaguid", Text, primary_key=True),
    Column("name", Text, nullable=False),
)

metadata_blobs = Table(
    # the FIDO metadata last verified, whole as it came
    "metadata_blobs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("blob", LargeBinary, nullable=False),
    Column("fetched_at", BigInteger, nullable=False),
    Column("next_update", Text, nullable=False),
)

outbox = Table(
    # mail to be sent: written in the transaction of what it tells, sent later by the server
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("language", Text),
    Column("letter", Text, nullable=False),  # which one, and what it tells, to be put into words when it is sent
    Column("facts", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger, nullable=False, index=True),
    Column("last_error", Text),
)

disavowals = Table(
    # the links in notices by which an owner says "this was not me"
    "disavowals",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    _of_person(index=True),
    Column("method_id", Text),
    Column("event", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("browser", LargeBinary),
    Column("happened_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
)

attestation_authorities = Table(
    # our own authorities over the attestation of our Authenticator: one issues, older ones may still be trusted
    "attestation_authorities",
    metadata,
    Column("id", Text, primary_key=True),
    Column("certificate", LargeBinary, nullable=False, unique=True),  # DER
    Column("sealed_key", LargeBinary),  # null once it issues no more: then nobody has the key
    Column("is_issuing", Boolean, unique=True),  # true for the one that does, else null
    Column("created_at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("removed_at", BigInteger),
)

enrolled_authenticators = Table(
    # the attestation certificates our authorities issued
    "enrolled_authenticators",
    metadata,
    Column("serial", Text, primary_key=True),  # in hexadecimal
    Column("authority_id", Text, ForeignKey("attestation_authorities.id"), nullable=False),
    Column("model", Text, nullable=False),  # the AAGUID
    Column("person_id", Text, ForeignKey("people.id", ondelete="SET NULL"), index=True),
    Column("username", Text),  # for whom; null for nobody in particular
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("certificate", LargeBinary, nullable=False),  # DER
    Column("enrolled_at", BigInteger, nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("revoked_at", BigInteger),
    Column("revoked_by", Text),
)

enrolment_codes = Table(
    # one-time codes by which somebody enrols their Authenticator
    "enrolment_codes",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    _of_person(nullable=True, index=True),  # null: for anybody
    Column("model", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("used_at", BigInteger),
    Column("serial", Text),  # of the certificate it was used for
)

enrolled_passkeys = Table(
    # which of our attestation certificates vouched for a passkey
    "enrolled_passkeys",
    metadata,
    _of_method(),
    Column("serial", Text, ForeignKey("enrolled_authenticators.serial"), nullable=False, index=True),
)

oauth_requests = Table(
    # a request for authorization that waits for the person to sign in and to agree
    "oauth_requests",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

oauth_grants = Table(
    # what a person let an application do. It has a session of its own and ends with it, and all tokens with the grant
    "oauth_grants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("session_id", Text, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("client_id", Text, nullable=False),
    Column("scope", Text, nullable=False),  # joined by spaces
    Column("created_at", BigInteger, nullable=False),
)

oauth_codes = Table(
    # RFC 6749 §4.1.2; a used one is kept as long as its grant, for being shown again to end it
    "oauth_codes",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("grant_id", Text, ForeignKey("oauth_grants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("redirect_uri", Text, nullable=False),
    Column("code_challenge", Text, nullable=False),
    Column("nonce", Text),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

oauth_refresh_tokens = Table(
    # used ones are kept until they would have expired: shown again, they end the grant
    "oauth_refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("grant_id", Text, ForeignKey("oauth_grants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
)

oauth_signing_keys = Table(
    # `signs_until` then another signs; `expires_at` then nothing it signed is valid any more
    "oauth_signing_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sealed_private_key", LargeBinary, nullable=False),
    Column("public_jwk", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("signs_until", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
