"""lead_notes, lead_note_versions, lead_contacts, and an index of the parts of notes for the search

A process of the version before knows none of them.
"""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa
from alembic import op

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0023"
down_revision = "0022"
oldest_code = "0006"
branch_labels = None
depends_on = None

SECURE_DELETE_SINCE = (3, 42)
"""The first SQLite that can overwrite what is deleted from a full-text index."""


def upgrade() -> None:
    """Create the tables with their indexes, and the index of parts."""
    _create_tables()
    _index("lead_notes", ["lead_id", "created_at", "id"], ["author_id"], ["editor_id"])
    _index("lead_note_versions", ["note_id"], ["lead_id"], ["author_id"])
    _index("lead_contacts", ["lead_id", "created_at", "id"], ["author_id"])
    {"sqlite": _create_on_sqlite, "postgresql": _create_on_postgresql, "mysql": _create_on_mariadb}[
        op.get_bind().dialect.name
    ]()


def _create_tables() -> None:
    schema.create_table(
        "lead_notes",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("edited_at", UTCDateTime(), nullable=True),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_lead_notes_lead_id"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_lead_notes_author_id"),
        sa.ForeignKeyConstraint(["editor_id"], ["users.id"], name="fk_lead_notes_editor_id"),
    )
    schema.create_table(
        "lead_note_versions",
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("written_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["lead_notes.id"], name="fk_lead_note_versions_note_id"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_lead_note_versions_lead_id"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_lead_note_versions_author_id"),
    )
    schema.create_table(
        "lead_contacts",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_lead_contacts_lead_id"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_lead_contacts_author_id"),
    )


def _index(table: str, *indexes: list[str]) -> None:
    for columns in indexes:
        schema.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)


def _create_on_sqlite() -> None:
    """Create a full-text table like `lead_search`, and one that lists its parts."""
    op.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS lead_search_notes USING fts5(text, note_id UNINDEXED, "
        "tokenize = 'trigram case_sensitive 1', detail = none, columnsize = 0)"
    )
    if sqlite3.sqlite_version_info >= SECURE_DELETE_SINCE:
        op.execute("INSERT INTO lead_search_notes (lead_search_notes, rank) VALUES ('secure-delete', 1)")
    op.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS lead_search_notes_parts USING fts5vocab(lead_search_notes, row)"
    )


def _create_on_postgresql() -> None:
    """Create a table like `lead_search`, with the function of migration 0018."""
    op.execute(
        "CREATE TABLE IF NOT EXISTS lead_search_notes (note_id uuid PRIMARY KEY REFERENCES lead_notes (id) "
        "ON DELETE CASCADE, text text NOT NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_lead_search_notes_parts ON lead_search_notes "
        "USING gin (lead_search_parts(text))"
    )


def _create_on_mariadb() -> None:
    """Create a table with a row for each part of a note."""
    op.execute(
        "CREATE TABLE IF NOT EXISTS lead_search_notes (part varchar(3) NOT NULL, note_id binary(16) "
        "NOT NULL, PRIMARY KEY (part, note_id)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    )


def downgrade() -> None:
    """Drop what was added."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE IF EXISTS lead_search_notes_parts")
    op.execute("DROP TABLE IF EXISTS lead_search_notes")
    for table in ("lead_contacts", "lead_note_versions", "lead_notes"):
        schema.drop_table(table)
