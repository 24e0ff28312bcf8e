"""Indexes of the parts (three characters) of search texts: `lead_search` (migration 0018) of leads,
`lead_search_notes` (0023) of notes.

- SQLite: FTS5 with its trigram tokenizer, and the list of all parts, for words of one or two characters.
- PostgreSQL: a GIN index on a tsvector of the parts.
- MariaDB: a row for each part of a lead.

It gives candidates: the caller checks the text.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
MARK_LENGTH, FIRST_MARK = 12, 0xE000
Words = Sequence[str]
"""Folded words, all of which a lead must contain."""


@dataclass(frozen=True)
class Index:
    """An index: its table, and the column with the key of a text.

    `is_marked`: on SQLite its texts begin with a mark of the key, by which `remove` finds them.
    """

    table: str
    key: str
    is_marked: bool = False

    @cached_property
    def texts(self) -> sa.TableClause:
        """The table on SQLite and PostgreSQL."""
        return sa.table(self.table, sa.column("text", sa.String()), sa.column(self.key, sa.Uuid()))

    @cached_property
    def parts(self) -> sa.TableClause:
        """The table on MariaDB."""
        return sa.table(self.table, sa.column("part", sa.String()), sa.column(self.key, sa.LargeBinary()))

    @cached_property
    def vocabulary(self) -> sa.TableClause:
        """All parts, on SQLite."""
        return sa.table(f"{self.table}_parts", sa.column("term", sa.String()))


OF_LEADS, OF_NOTES = Index("lead_search", "lead_id"), Index("lead_search_notes", "note_id", is_marked=True)


def add(texts: Mapping[uuid.UUID, str], index: Index = OF_LEADS) -> None:
    """Add search texts by their keys, whose rows exist, in one statement."""
    if _engine_name() != "mysql":
        rows = [{index.key: key, "text": _mark(key, text, index)} for key, text in texts.items()]
        execute(sa.insert(index.texts), rows)
        return
    rows = [
        {"part": part, index.key: key.bytes}
        for key, text in texts.items()
        for part in sorted(set(_split_parts(text)))
    ]
    if rows:
        execute(sa.insert(index.parts), rows)


def replace(key: uuid.UUID, before: str, after: str, index: Index = OF_LEADS) -> None:
    """Replace the search text of a key. `before` finds it, as in `remove`."""
    remove(key, before, index)
    add({key: after}, index)


def remove(key: uuid.UUID, before: str, index: Index = OF_LEADS) -> None:
    """Remove the search text `before` of a key. By the key alone only PostgreSQL has an index.

    On SQLite the first two words find it, of which few texts have the parts: a lead's are its reference.
    """
    if _engine_name() == "mysql":
        parts = index.parts
        is_row = sa.and_(parts.c[index.key] == key.bytes, parts.c.part.in_(sorted(set(_split_parts(before)))))
        execute(sa.delete(parts).where(is_row))
    elif _engine_name() == "sqlite":
        texts = index.texts
        row_id: sa.ColumnElement[int] = sa.literal_column("rowid")
        words = _mark(key, before, index).split()[:2]
        match = sa.column(index.table).op("MATCH")(" AND ".join(map(_quote, _choose_parts(words))))
        rows_query = sa.select(row_id).select_from(texts).where(match, texts.c[index.key] == key)
        execute(sa.delete(texts).where(row_id.in_(rows_query)))
    else:
        execute(sa.delete(index.texts).where(index.texts.c[index.key] == key))


def candidates_query(alternatives: Sequence[Words], index: Index = OF_LEADS) -> sa.Select[Any] | None:
    """Select the keys of texts that may contain all words of an alternative.

    None if the index cannot narrow it: a single character begins too many parts.
    """
    find = {"sqlite": _find_on_sqlite, "postgresql": _find_on_postgresql, "mysql": _find_on_mariadb}
    return find[_engine_name()](alternatives, index)


def _find_on_sqlite(alternatives: Sequence[Words], index: Index) -> sa.Select[Any] | None:
    branches, key = [], index.texts.c[index.key]
    for words in alternatives:
        terms = [_quote(part) for part in _choose_parts(words)]
        for word in _choose_short(words):
            parts = _list_parts(word, index)
            if len(parts) <= MAX_SHORT:
                terms.append(f"({' OR '.join(map(_quote, parts))})" if parts else "")
        if not terms:
            return None
        if all(terms):
            branches.append(f"({' AND '.join(terms)})")
    if not branches:
        return sa.select(key).where(sa.false())
    match: sa.ColumnElement[bool] = sa.column(index.table).op("MATCH")(" OR ".join(branches))
    return sa.select(key).where(match)


def _list_parts(word: str, index: Index) -> Sequence[str]:
    """Return the parts that begin with `word`, MAX_SHORT + 1 at most."""
    part = index.vocabulary.c.term
    parts_query = sa.select(part).where(_begins_with(part, word)).limit(MAX_SHORT + 1)
    return db.session.scalars(parts_query).all()


def _find_on_postgresql(alternatives: Sequence[Words], index: Index) -> sa.Select[Any]:
    texts = index.texts
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
    parts: sa.ColumnElement[Any] = sa.func.lead_search_parts(texts.c.text)
    return sa.select(texts.c[index.key]).where(parts.op("@@")(sa.cast(query, _TSQuery())))


def _find_on_mariadb(alternatives: Sequence[Words], index: Index) -> sa.Select[Any]:
    """Join the rows of the parts: the server estimates them and begins with the rarest."""
    selects, key = [], index.key
    for words in alternatives:
        parts = _choose_parts(words)
        first = index.parts.alias()
        if parts:
            found = sa.select(first.c[key]).where(first.c.part == parts[0])
        else:  # several parts of a lead may begin with the word
            longest = max(words, key=len)
            found = sa.select(first.c[key]).where(_begins_with(first.c.part, longest)).distinct()
        for part in parts[1:]:
            other = index.parts.alias()
            found = found.join(other, sa.and_(other.c[key] == first.c[key], other.c.part == part))
        selects.append(found)
    union = sa.union(*selects).subquery() if len(selects) > 1 else selects[0].subquery()
    return sa.select(sa.func.lower(sa.func.hex(union.c[key]), type_=sa.Uuid()).label(key))


def _mark(key: uuid.UUID, text: str, index: Index) -> str:
    """Return the text after the key's last digits, in letters of private use, which nobody searches for."""
    if not index.is_marked or _engine_name() != "sqlite":
        return text
    digits = key.hex[-MARK_LENGTH:]
    return f"{''.join(chr(FIRST_MARK + int(digit, 16)) for digit in digits)} {text}"


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
