"""people: ways to sign in and to prove it, walls around leads, the audit trail"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import OperationalError

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0003"
down_revision = "0002"
oldest_code = "0002"
branch_labels = None
depends_on = None

OF_A_USER = ("account_links", "recovery_codes", "passkeys", "api_tokens")
NEEDS_SUPER = 1419
"""MySQL and MariaDB with a binary log let only a superuser make triggers, unless told otherwise."""


def upgrade() -> None:
    """Add what is kept since."""
    _extend_users()
    _extend_sessions()
    _add_ways_in()
    _add_screens()
    _add_audit_trail()


def _extend_users() -> None:
    schema.add_column("users", sa.Column("joined_at", UTCDateTime(), nullable=True))
    schema.add_column("users", sa.Column("totp_secret", sa.String(length=255), nullable=True))
    schema.add_column("users", sa.Column("totp_since", UTCDateTime(), nullable=True))
    schema.add_column(
        "users", sa.Column("totp_last_step", sa.BigInteger(), server_default="0", nullable=False)
    )
    # Whoever is here has a password, and so has come in before.
    op.execute("UPDATE users SET joined_at = created_at WHERE joined_at IS NULL")


def _extend_sessions() -> None:
    # With defaults of the database: processes of the version before go on inserting during the upgrade.
    schema.add_column(
        "sessions", sa.Column("device", sa.String(length=80), server_default="", nullable=False)
    )
    schema.add_column(
        "sessions", sa.Column("origin", sa.String(length=60), server_default="", nullable=False)
    )
    schema.add_column(
        "sessions", sa.Column("second_factor", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    schema.add_column("sessions", sa.Column("stale", sa.Boolean(), server_default=sa.false(), nullable=False))
    schema.add_column("sessions", sa.Column("previous_hash", sa.String(length=64), nullable=True))
    schema.add_column("sessions", sa.Column("rotated_at", UTCDateTime(), nullable=True))
    schema.create_index("ix_sessions_previous_hash", "sessions", ["previous_hash"])


def _add_ways_in() -> None:
    schema.create_table(
        "account_links",
        *_of_a_user("account_links"),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("token_hash", name="uq_account_links_token_hash"),
    )
    schema.create_table(
        "recovery_codes",
        *_of_a_user("recovery_codes"),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.UniqueConstraint("code_hash", name="uq_recovery_codes_code_hash"),
    )
    schema.create_table(
        "passkeys",
        *_of_a_user("passkeys"),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("credential_hash", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", UTCDateTime(), nullable=True),
        sa.UniqueConstraint("credential_hash", name="uq_passkeys_credential_hash"),
    )
    schema.create_table(
        "api_tokens",
        *_of_a_user("api_tokens"),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=500), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("last_used_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
    )
    for table in OF_A_USER:
        schema.create_index(f"ix_{table}_user_id", table, ["user_id"])
    schema.create_table("password_requests", sa.Column("address", sa.Text(), nullable=False))
    schema.create_table(
        "spent_challenges",
        sa.Column("challenge_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("challenge_hash", name="uq_spent_challenges_challenge_hash"),
    )
    schema.create_index("ix_spent_challenges_expires_at", "spent_challenges", ["expires_at"])
    schema.create_table(
        "sign_in_attempts",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
    )
    schema.create_index("ix_sign_in_attempts_key_at", "sign_in_attempts", ["key", "at"])
    schema.create_index("ix_sign_in_attempts_at", "sign_in_attempts", ["at"])
    schema.insert_row("locks", "name", name="sign_in")


def _add_screens() -> None:
    schema.add_column("leads", sa.Column("folded_email", sa.String(254), server_default="", nullable=False))
    schema.update_in_batches("leads", sa.text("folded_email = ''"), folded_email=sa.text("lower(email)"))
    schema.create_index("ix_leads_folded_email", "leads", ["folded_email"])
    schema.create_table(
        "screens",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("notice", sa.String(length=500), nullable=False),
        sa.Column("set_by", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_screens_lead_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_screens_user_id"),
        sa.UniqueConstraint("user_id", "lead_id", name="uq_screens_user_id_lead_id"),
    )
    schema.create_index("ix_screens_lead_id", "screens", ["lead_id"])


def _add_audit_trail() -> None:
    schema.create_table(
        "audit_entries",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject_kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("via", sa.String(length=60), nullable=False),
        sa.Column("origin", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.UniqueConstraint("number", name="uq_audit_entries_number"),
    )
    for columns in (["created_at", "id"], ["actor_id", "created_at"], ["subject_id", "created_at"]):
        schema.create_index(f"ix_audit_entries_{'_'.join(columns)}", "audit_entries", columns)
    schema.create_table(
        "audit_heads",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
    )
    schema.insert_row("audit_heads", "number", number=0, hash="", seal="")
    _protect_audit_entries()


def _protect_audit_entries() -> None:
    """Have the database itself refuse to change or remove an entry."""
    engine = op.get_bind().dialect.name
    if engine == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
        )
    said = "the audit trail is append-only"
    for act in ("update", "delete"):
        name = f"audit_entries_no_{act}"
        head = f"CREATE TRIGGER {name} BEFORE {act.upper()} ON audit_entries"
        body = {
            "sqlite": f"BEGIN SELECT RAISE(ABORT, '{said}'); END",
            "postgresql": "FOR EACH ROW EXECUTE FUNCTION audit_entries_stay()",
            "mysql": f"FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{said}'",
        }[engine]
        of_table = " ON audit_entries" if engine == "postgresql" else ""
        try:
            op.execute(f"DROP TRIGGER IF EXISTS {name}{of_table}")
            op.execute(f"{head} {body}")
        except OperationalError as error:
            if engine != "mysql" or getattr(error.orig, "args", (None,))[0] != NEEDS_SUPER:
                raise
            # The chain of hashes shows a change all the same; docs/operations.md says what to set.
            print("This database lets us make no triggers; see log_bin_trust_function_creators.")  # noqa: T201 - a migration speaks to the operator


def _of_a_user(table: str) -> tuple[Any, ...]:
    return (
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Drop what was added."""
    schema.drop_table("audit_entries")  # and its triggers with it
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS audit_entries_stay()")
    op.execute("DELETE FROM locks WHERE name = 'sign_in'")
    for table in ("audit_heads", "screens", "sign_in_attempts", "spent_challenges", "password_requests"):
        schema.drop_table(table)
    for table in reversed(OF_A_USER):
        schema.drop_table(table)
    schema.drop_index("ix_leads_folded_email", "leads")
    schema.drop_column("leads", "folded_email")
    schema.drop_index("ix_sessions_previous_hash", "sessions")
    for column in ("rotated_at", "previous_hash", "stale", "second_factor", "origin", "device"):
        schema.drop_column("sessions", column)
    for column in ("totp_last_step", "totp_since", "totp_secret", "joined_at"):
        schema.drop_column("users", column)
