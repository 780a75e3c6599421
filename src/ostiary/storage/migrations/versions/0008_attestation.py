"""Our own attestation authority"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attestation_authorities",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("is_issuing", sa.Boolean(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attestation_authorities")),
        sa.UniqueConstraint("certificate", name=op.f("uq_attestation_authorities_certificate")),
        sa.UniqueConstraint("is_issuing", name=op.f("uq_attestation_authorities_is_issuing")),
    )
    op.create_table(
        "enrolled_authenticators",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["attestation_authorities.id"],
            name=op.f("fk_enrolled_authenticators_authority_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_enrolled_authenticators_person_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_enrolled_authenticators")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_enrolled_authenticators_key_hash")),
    )
    op.create_index(op.f("ix_enrolled_authenticators_enrolled_at"), "enrolled_authenticators", ["enrolled_at"])
    op.create_index(op.f("ix_enrolled_authenticators_person_id"), "enrolled_authenticators", ["person_id"])
    op.create_table(
        "enrolment_codes",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_enrolment_codes_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_enrolment_codes")),
    )
    op.create_index(op.f("ix_enrolment_codes_expires_at"), "enrolment_codes", ["expires_at"])
    op.create_index(op.f("ix_enrolment_codes_person_id"), "enrolment_codes", ["person_id"])
    op.create_table(
        "enrolled_passkeys",
        sa.Column("method_id", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["method_id"], ["sign_in_methods.id"], name=op.f("fk_enrolled_passkeys_method_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["serial"], ["enrolled_authenticators.serial"], name=op.f("fk_enrolled_passkeys_serial")
        ),
        sa.PrimaryKeyConstraint("method_id", name=op.f("pk_enrolled_passkeys")),
    )
    op.create_index(op.f("ix_enrolled_passkeys_serial"), "enrolled_passkeys", ["serial"])


def downgrade() -> None:
    op.drop_table("enrolled_passkeys")
    op.drop_table("enrolment_codes")
    op.drop_table("enrolled_authenticators")
    op.drop_table("attestation_authorities")
