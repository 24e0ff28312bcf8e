"""Index of the parts (three characters) of search texts, in the table `lead_search` (migration 0018).

- SQLite: FTS5 with its trigram tokenizer, and the list of all parts, for words of one or two characters.
- PostgreSQL: a GIN index on a tsvector of the parts.
- MariaDB: a row for each part of a lead.

It gives candidates: the caller checks the text.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from leadintake.core.db.database import db, execute

LENGTH = 3
MAX_PARTS = 6
"""Parts per query: of longer words those at even distances."""
MAX_SHORT_WORDS = 2
"""Words of one or two characters per query: each begins many parts."""
MAX_SHORT = 500
"""On SQLite a short word that begins more parts is left out: too many leads have one."""
MAX_CHARACTER = "\U0010ffff"
Words = Sequence[str]
"""Folded words, all of which a lead must contain."""
TEXTS = sa.table("lead_search", sa.column("text", sa.String()), sa.column("lead_id", sa.Uuid()))
PARTS = sa.table("lead_search", sa.column("part", sa.String()), sa.column("lead_id", sa.LargeBinary()))


def add(texts: Mapping[uuid.UUID, str]) -> None:
    """Add the search texts of these leads, whose rows exist, in one statement."""
    if _engine_name() != "mysql":
        rows = [{"lead_id": lead_id, "text": text} for lead_id, text in texts.items()]
        execute(sa.insert(TEXTS), rows)
        return
    execute(
        sa.insert(PARTS),
        [
            {"part": part, "lead_id": lead_id.bytes}
            for lead_id, text in texts.items()
            for part in sorted(set(_split_parts(text)))
        ],
    )


def replace(lead_id: uuid.UUID, before: str, after: str) -> None:
    """Replace the search text of a lead. `before` finds it: by its id alone only PostgreSQL has an index.

    On SQLite its first two words do, which are the reference: few leads have these parts.
    """
    if _engine_name() == "mysql":
        is_row = sa.and_(
            PARTS.c.lead_id == lead_id.bytes, PARTS.c.part.in_(sorted(set(_split_parts(before))))
        )
        execute(sa.delete(PARTS).where(is_row))
    elif _engine_name() == "sqlite":
        row_id: sa.ColumnElement[int] = sa.literal_column("rowid")
        parts = " AND ".join(map(_quote, _choose_parts(before.split()[:2])))
        match = sa.literal_column("lead_search").op("MATCH")(parts)
        rows_query = sa.select(row_id).select_from(TEXTS).where(match, TEXTS.c.lead_id == lead_id)
        execute(sa.delete(TEXTS).where(row_id.in_(rows_query)))
    else:
        execute(sa.delete(TEXTS).where(TEXTS.c.lead_id == lead_id))
    add({lead_id: after})


def candidates_query(alternatives: Sequence[Words]) -> sa.Select[Any] | None:
    """Select the `lead_id` of leads that may contain all words of an alternative.

    None if the index cannot narrow it: a single character begins too many parts.
    """
    find = {"sqlite": _find_on_sqlite, "postgresql": _find_on_postgresql, "mysql": _find_on_mariadb}
    return find[_engine_name()](alternatives)


def _find_on_sqlite(alternatives: Sequence[Words]) -> sa.Select[Any] | None:
    branches = []
    for words in alternatives:
        terms = [_quote(part) for part in _choose_parts(words)]
        for word in _choose_short(words):
            parts = _list_parts(word)
            if len(parts) <= MAX_SHORT:
                terms.append(f"({' OR '.join(map(_quote, parts))})" if parts else "")
        if not terms:
            return None
        if all(terms):
            branches.append(f"({' AND '.join(terms)})")
    if not branches:
        return sa.select(TEXTS.c.lead_id).where(sa.false())
    match: sa.ColumnElement[bool] = sa.literal_column("lead_search").op("MATCH")(" OR ".join(branches))
    return sa.select(TEXTS.c.lead_id).where(match)


def _list_parts(word: str) -> Sequence[str]:
    """Return the parts that begin with `word`, MAX_SHORT + 1 at most."""
    part = sa.column("term", sa.String())
    parts_query = sa.select(part).select_from(sa.table("lead_search_parts"))
    parts_query = parts_query.where(_begins_with(part, word)).limit(MAX_SHORT + 1)
    return db.session.scalars(parts_query).all()


def _find_on_postgresql(alternatives: Sequence[Words]) -> sa.Select[Any]:
    branches = [
        " & ".join(
            [
                *(_quote_lexeme(part) for part in _choose_parts(words)),
                *(f"{_quote_lexeme(word)}:*" for word in _choose_short(words)),
            ]
        )
        for words in alternatives
    ]
    query = " | ".join(f"({branch})" for branch in branches)
    parts: sa.ColumnElement[Any] = sa.func.lead_search_parts(TEXTS.c.text)
    return sa.select(TEXTS.c.lead_id).where(parts.op("@@")(sa.cast(query, _TSQuery())))


def _find_on_mariadb(alternatives: Sequence[Words]) -> sa.Select[Any]:
    """Join the rows of the parts: the server estimates them and begins with the rarest."""
    selects = []
    for words in alternatives:
        parts = _choose_parts(words)
        first = PARTS.alias()
        if parts:
            found = sa.select(first.c.lead_id).where(first.c.part == parts[0])
        else:  # several parts of a lead may begin with the word
            longest = max(words, key=len)
            found = sa.select(first.c.lead_id).where(_begins_with(first.c.part, longest)).distinct()
        for part in parts[1:]:
            other = PARTS.alias()
            found = found.join(other, sa.and_(other.c.lead_id == first.c.lead_id, other.c.part == part))
        selects.append(found)
    union = sa.union(*selects).subquery() if len(selects) > 1 else selects[0].subquery()
    return sa.select(sa.func.lower(sa.func.hex(union.c.lead_id), type_=sa.Uuid()).label("lead_id"))


def _choose_parts(words: Words) -> list[str]:
    """Return at most MAX_PARTS parts, at even distances."""
    parts = [part for word in words for part in _split_parts(word)]
    step = max(1, len(parts) / MAX_PARTS)
    return list(dict.fromkeys(parts[int(place * step)] for place in range(min(MAX_PARTS, len(parts)))))


def _begins_with(part: sa.ColumnElement[str], word: str) -> sa.ColumnElement[bool]:
    """Match parts that begin with a word. With LIKE MariaDB misses following letters above U+FFFF."""
    return part.between(word, word + MAX_CHARACTER)


def _split_parts(text: str) -> list[str]:
    return [text[place : place + LENGTH] for place in range(len(text) - LENGTH + 1)]


def _choose_short(words: Words) -> list[str]:
    """Return the short words for the query, longest first: single characters only without a long word."""
    least = LENGTH - 1 if any(len(word) >= LENGTH for word in words) else 1
    short = [word for word in words if least <= len(word) < LENGTH]
    return sorted(short, key=len, reverse=True)[:MAX_SHORT_WORDS]


def _quote(part: str) -> str:
    """Quote for FTS5."""
    return '"' + part.replace('"', '""') + '"'


def _quote_lexeme(part: str) -> str:
    """Quote for a tsquery."""
    return "'" + part.replace("\\", "\\\\").replace("'", "''") + "'"


def _engine_name() -> str:
    return db.session.get_bind().dialect.name


class _TSQuery(sa.types.UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "tsquery"
