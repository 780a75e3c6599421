"""Approvals by the Authenticator"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "authenticator_devices",
        sa.Column("method_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("app_version", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["method_id"],
            ["sign_in_methods.id"],
            name=op.f("fk_authenticator_devices_method_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_authenticator_devices_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("method_id", name=op.f("pk_authenticator_devices")),
        sa.UniqueConstraint("public_key", name=op.f("uq_authenticator_devices_public_key")),
    )
    op.create_index(op.f("ix_authenticator_devices_person_id"), "authenticator_devices", ["person_id"], unique=False)
    op.create_table(
        "approval_requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("binding", sa.LargeBinary(), nullable=False),
        sa.Column("browser", sa.LargeBinary(), nullable=True),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("is_passwordless", sa.Boolean(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("method_id", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_approval_requests_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_requests")),
    )
    op.create_index(op.f("ix_approval_requests_binding"), "approval_requests", ["binding"], unique=False)
    op.create_index(op.f("ix_approval_requests_expires_at"), "approval_requests", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_approval_requests_person_id_expires_at"),
        "approval_requests",
        ["person_id", "expires_at"],
        unique=False,
    )
    op.create_index(op.f("ix_approval_requests_username"), "approval_requests", ["username"], unique=False)


def downgrade() -> None:
    op.drop_table("approval_requests")
    op.drop_table("authenticator_devices")
