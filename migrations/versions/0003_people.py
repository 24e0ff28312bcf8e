"""people: ways to sign in and to prove it, walls around leads, the audit trail"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import OperationalError

from leadintake.core.types import UTCDateTime, new_id

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

AS_WRITTEN: Any = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
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
    op.add_column("users", sa.Column("joined_at", UTCDateTime(), nullable=True))
    op.add_column("users", sa.Column("totp_secret", sa.String(length=255), nullable=True))
    op.add_column("users", sa.Column("totp_since", UTCDateTime(), nullable=True))
    op.add_column("users", sa.Column("totp_last_step", sa.BigInteger(), server_default="0", nullable=False))
    # Whoever is here has a password, and so has come in before.
    op.execute("UPDATE users SET joined_at = created_at")


def _extend_sessions() -> None:
    # With defaults of the database: processes of the version before go on inserting during the upgrade.
    op.add_column("sessions", sa.Column("device", sa.String(length=80), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("origin", sa.String(length=60), server_default="", nullable=False))
    op.add_column(
        "sessions", sa.Column("second_factor", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("sessions", sa.Column("stale", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("sessions", sa.Column("previous_hash", sa.String(length=64), nullable=True))
    op.add_column("sessions", sa.Column("rotated_at", UTCDateTime(), nullable=True))
    op.create_index("ix_sessions_previous_hash", "sessions", ["previous_hash"])


def _add_ways_in() -> None:
    _make(
        "account_links",
        *_of_a_user("account_links"),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("token_hash", name="uq_account_links_token_hash"),
    )
    _make(
        "recovery_codes",
        *_of_a_user("recovery_codes"),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.UniqueConstraint("code_hash", name="uq_recovery_codes_code_hash"),
    )
    _make(
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
    _make(
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
        op.create_index(f"ix_{table}_user_id", table, ["user_id"])
    _make("password_requests", sa.Column("address", sa.Text(), nullable=False))
    _make(
        "spent_challenges",
        sa.Column("challenge_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("challenge_hash", name="uq_spent_challenges_challenge_hash"),
    )
    op.create_index("ix_spent_challenges_expires_at", "spent_challenges", ["expires_at"])
    _make(
        "sign_in_attempts",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_sign_in_attempts_key_at", "sign_in_attempts", ["key", "at"])
    op.create_index("ix_sign_in_attempts_at", "sign_in_attempts", ["at"])
    _add_row("locks", name="sign_in")


def _add_screens() -> None:
    op.add_column("leads", sa.Column("folded_email", sa.String(254), server_default="", nullable=False))
    op.execute("UPDATE leads SET folded_email = lower(email)")
    op.create_index("ix_leads_folded_email", "leads", ["folded_email"])
    _make(
        "screens",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("notice", sa.String(length=500), nullable=False),
        sa.Column("set_by", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_screens_lead_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_screens_user_id"),
        sa.UniqueConstraint("user_id", "lead_id", name="uq_screens_user_id_lead_id"),
    )
    op.create_index("ix_screens_lead_id", "screens", ["lead_id"])


def _add_audit_trail() -> None:
    _make(
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
        op.create_index(f"ix_audit_entries_{'_'.join(columns)}", "audit_entries", columns)
    _make(
        "audit_heads",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
    )
    _add_row("audit_heads", number=0, hash="", seal="")
    _protect_audit_entries()


def _protect_audit_entries() -> None:
    """Have the database itself refuse to change or remove an entry."""
    engine = op.get_bind().dialect.name
    if engine == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS "
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
        try:
            op.execute(f"{head} {body}")
        except OperationalError as error:
            if engine != "mysql" or getattr(error.orig, "args", (None,))[0] != NEEDS_SUPER:
                raise
            # The chain of hashes shows a change all the same; docs/operations.md says what to set.
            print("This database lets us make no triggers; see log_bin_trust_function_creators.")  # noqa: T201 - a migration speaks to the operator


def _make(table: str, *columns: Any) -> None:
    op.create_table(
        table,
        *columns,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        **AS_WRITTEN,
    )


def _of_a_user(table: str) -> tuple[Any, ...]:
    return (
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"),
    )


def _add_row(table: str, **values: object) -> None:
    now = datetime.now(UTC)
    columns = [sa.column("id", sa.Uuid()), *(sa.column(name) for name in values)]
    times = [sa.column("created_at", UTCDateTime()), sa.column("updated_at", UTCDateTime())]
    row = {"id": new_id(), **values, "created_at": now, "updated_at": now}
    op.bulk_insert(sa.table(table, *columns, *times), [row])


def downgrade() -> None:
    """Drop what was added."""
    op.drop_table("audit_entries")  # and its triggers with it
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_entries_stay()")
    op.execute("DELETE FROM locks WHERE name = 'sign_in'")
    for table in ("audit_heads", "screens", "sign_in_attempts", "spent_challenges", "password_requests"):
        op.drop_table(table)
    for table in reversed(OF_A_USER):
        op.drop_table(table)
    op.drop_index("ix_leads_folded_email", "leads")
    op.drop_column("leads", "folded_email")
    op.drop_index("ix_sessions_previous_hash", "sessions")
    for column in ("rotated_at", "previous_hash", "stale", "second_factor", "origin", "device"):
        op.drop_column("sessions", column)
    for column in ("totp_last_step", "totp_since", "totp_secret", "joined_at"):
        op.drop_column("users", column)
