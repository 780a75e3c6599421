"""What the admin centre asks for"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # plain ADD COLUMN: making the table anew would take everything that refers to people with it
    op.add_column("people", sa.Column("search_key", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("people", sa.Column("has_passkey", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column(
        "sign_in_attempts",
        sa.Column("is_phishing_resistant", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    people = sa.table(
        "people",
        *(sa.column(name, sa.Text) for name in ("id", "username", "display_name", "search_key")),
        sa.column("has_passkey", sa.Boolean),
    )
    records = sa.table("credential_records", sa.column("person_id", sa.Text))
    connection = op.get_bind()
    for id, username, display_name in connection.execute(
        sa.select(people.c.id, people.c.username, people.c.display_name)
    ).all():
        key = unicodedata.normalize("NFKC", f"{username}\n{display_name}").casefold()
        connection.execute(sa.update(people).where(people.c.id == id).values(search_key=key))
    connection.execute(
        sa.update(people).where(people.c.id.in_(sa.select(records.c.person_id))).values(has_passkey=sa.true())
    )
    op.create_index("ix_people_directory", "people", ["username", "is_enabled", "has_passkey", "search_key", "id"])
    op.create_index("ix_audit_events_event_id", "audit_events", ["event", "id"])
    op.create_index("ix_audit_events_result_id", "audit_events", ["result", "id"])
    op.create_index("ix_audit_events_actor_id_id", "audit_events", ["actor_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_events_actor_id_id", "audit_events")
    op.drop_index("ix_audit_events_result_id", "audit_events")
    op.drop_index("ix_audit_events_event_id", "audit_events")
    op.drop_index("ix_people_directory", "people")
    op.drop_column("sign_in_attempts", "is_phishing_resistant")
    op.drop_column("people", "has_passkey")
    op.drop_column("people", "search_key")
