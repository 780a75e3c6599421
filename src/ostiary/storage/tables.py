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
