"""search: the folded text of a lead, and an index of its parts of three characters

A process of the version before fills neither: a worker does (leads/backfill.py), and until then a
search reads the old column of such leads.
"""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa
from alembic import op

from leadintake.core.db import schema

revision = "0018"
down_revision = "0017"
oldest_code = "0006"
branch_labels = None
depends_on = None

INDEX = "ix_leads_search_text"
SECURE_DELETE_SINCE = (3, 42)
"""The first SQLite that can overwrite what is deleted from such an index."""


def upgrade() -> None:
    """Add the column, the index of the leads that have none, and the index of parts."""
    schema.add_column("leads", sa.Column("search_text", sa.String(length=1000), nullable=True))
    only = sa.text("search_text IS NULL")
    schema.create_index(INDEX, "leads", ["search_text"], only=only, lengths={"search_text": 1})
    {"sqlite": _create_on_sqlite, "postgresql": _create_on_postgresql, "mysql": _create_on_mariadb}[
        op.get_bind().dialect.name
    ]()


def _create_on_sqlite() -> None:
    """Create a full-text table, and one that lists its parts, for words of one or two characters."""
    op.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS lead_search USING fts5(text, lead_id UNINDEXED, "
        "tokenize = 'trigram case_sensitive 1', detail = none, columnsize = 0)"
    )
    if sqlite3.sqlite_version_info >= SECURE_DELETE_SINCE:
        op.execute("INSERT INTO lead_search (lead_search, rank) VALUES ('secure-delete', 1)")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS lead_search_parts USING fts5vocab(lead_search, row)")


def _create_on_postgresql() -> None:
    """Create a table whose index PostgreSQL makes of the parts itself: pg_trgm may not be allowed."""
    op.execute(
        "CREATE TABLE IF NOT EXISTS lead_search (lead_id uuid PRIMARY KEY REFERENCES leads (id) "
        "ON DELETE CASCADE, text varchar(1000) NOT NULL)"
    )
    # As dear as it is, so that PostgreSQL asks the index; much dearer, it would compile the statement (JIT).
    op.execute(
        "CREATE OR REPLACE FUNCTION lead_search_parts(line text) RETURNS tsvector LANGUAGE sql "
        "IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'SELECT pg_catalog.array_to_tsvector(ARRAY(SELECT "
        "DISTINCT pg_catalog.substr(line, place, 3) FROM "
        "pg_catalog.generate_series(1, pg_catalog.length(line) - 2) place))'"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_lead_search_parts ON lead_search USING gin (lead_search_parts(text))"
    )


def _create_on_mariadb() -> None:
    """Create a table with a row for each part of a lead: MariaDB has no full-text index of parts."""
    op.execute(
        "CREATE TABLE IF NOT EXISTS lead_search (part varchar(3) NOT NULL, lead_id binary(16) NOT NULL, "
        "PRIMARY KEY (part, lead_id)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    )


def downgrade() -> None:
    """Drop what was added."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE IF EXISTS lead_search_parts")
    op.execute("DROP TABLE IF EXISTS lead_search")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS lead_search_parts(text)")
    schema.drop_index(INDEX, "leads")
    schema.drop_column("leads", "search_text")
