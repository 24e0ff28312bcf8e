"""A search reads as many rows among many leads as among few, on each engine, counted without a clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from leadintake.core.actor import OPERATOR
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.documents.models import Document
from leadintake.leads import matches, search_index
from leadintake.leads.conversation import LeadNote
from leadintake.leads.fields import search_text
from leadintake.leads.models import Lead
from leadintake.leads.reference import draw_reference
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.service import leads
from tests.factories import LeadFactory, NoteFactory, UserFactory
from tests.support.statements import statements
from tests.support.work import count_work

FEW, MANY = 300, 1800
LIMIT = 5
QUESTIONS = {
    "rare": "quixotica", "rare, a part": "ixot", "rare, two words": "quixotica, jane", "missing": "zyxwvut",
    "missing, short": "qk", "short": "qu", "common": "jane", "common, two words": "jane example",
    "one in seven": "smith", "of common parts": "exampel",
    "by its reference": "2345-6789", "of one note": "heronry", "of many notes": "pelican",
}  # fmt: skip


@pytest.fixture
def grow(app, given) -> Callable[[int], None]:
    """Add copies of a lead until there are so many, the newest last."""
    row, first = given(LeadFactory), 0
    given(LeadFactory, first_name="Quixotica", reference="2345-6789")
    tables = [Document.__table__, Lead.__table__]
    author = given(UserFactory)
    note = {"author_id": author.id, "version": 1, "text": "Pelican", "search_text": "pelican  "}
    given(NoteFactory, lead_id=row.id, author=author, text="Heronry")
    with app.app_context():
        document, lead = (
            db.session.execute(sa.select(table).where(table.c.id == key)).mappings().one()
            for table, key in zip(tables, (row.resume_id, row.id), strict=True)
        )

    def add(until: int) -> None:
        nonlocal first
        documents, copies = [], []
        for number in range(first, until):
            documents.append({**document, "id": new_id(), "key": f"copy{number}"})
            last = "Smith" if number % 7 == 0 else f"Name{number:05}"
            texts = {"first_name": "Jane", "last_name": last, "email": f"jane{number}@example.com"}
            own = {"id": new_id(), "resume_id": documents[-1]["id"], "reference": draw_reference()}
            copies.append({**lead, **texts, **own, "search_text": search_text(texts, own["reference"])})
        with app.app_context():
            with transaction():
                for table, rows in zip(tables, (documents, copies), strict=True):
                    db.session.execute(sa.insert(table), rows)
                search_index.add({copy["id"]: copy["search_text"] for copy in copies})
                notes = [{**note, "id": new_id(), "lead_id": copy["id"]} for copy in copies[::5]]
                db.session.execute(sa.insert(LeadNote), notes)
                search_index.add({one["id"]: one["search_text"] for one in notes}, search_index.OF_NOTES)
            if db.engine.dialect.name != "sqlite":
                analyze = "ANALYZE TABLE leads" if db.engine.dialect.name == "mysql" else "ANALYZE leads"
                with transaction():
                    db.session.execute(sa.text(analyze))
                    db.session.execute(sa.text(f"{analyze.rpartition(' ')[0]} lead_search"))
        first = until

    return add


@pytest.mark.every_engine
def test_it_reads_no_more_among_many_leads_than_among_few(app, grow, monkeypatch):
    monkeypatch.setattr(matches, "FIRST_ROWS", 60)
    monkeypatch.setattr(matches, "MAX_CANDIDATES", 40)

    def measure() -> dict[str, int]:
        found = {}
        with app.app_context(), transaction():
            if db.engine.dialect.name == "postgresql":  # of so few rows it reads all rather than an index
                db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
            for what, text in QUESTIONS.items():
                filters = LeadFilter(q=text)

                def search(filters: LeadFilter = filters) -> None:
                    leads.page(filters, reader=OPERATOR, actor=OPERATOR, limit=LIMIT, cursor=None)

                found[what] = count_work(search)
        return found

    grow(FEW)
    few = measure()
    grow(MANY)
    many = measure()
    assert min(few.values()) > 0
    worse = {what: (few[what], many[what]) for what in few if many[what] > 1.5 * few[what] + 60}
    assert worse == {}


@pytest.mark.every_engine
def test_it_finds_all_of_a_word_page_by_page_whatever_the_order(app, grow, monkeypatch):
    """Also where its leads are all at the end of the list, and are more than the index may name at first."""
    monkeypatch.setattr(matches, "FIRST_ROWS", 5)
    monkeypatch.setattr(matches, "MAX_CANDIDATES", 4)
    grow(FEW)
    with app.app_context(), transaction():
        for sort in ("last_name", "-last_name", "-created_at", "email"):
            filters, cursor, seen = LeadFilter(q="smith", sort=sort), None, []
            while True:
                page = leads.page(filters, reader=OPERATOR, actor=OPERATOR, limit=LIMIT, cursor=cursor)
                seen += [lead.email for lead in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert len(seen) == len(set(seen)) == leads.count(filters, reader=OPERATOR) == FEW // 7 + 1


@pytest.mark.every_engine
@pytest.mark.parametrize("words", [list("abcdefghijklmnopqrstuvwxyz"), ["ab", "c", "quixotica" * 20]])
def test_a_search_of_many_words_asks_for_few_parts(words, app, given):
    given(LeadFactory, first_name="Quixotica" * 11)
    with statements(app) as sent, app.app_context():
        query = search_index.candidates_query([words])
        asked = query.compile(db.engine)
    assert len([one for one in sent if one.startswith("SELECT")]) <= search_index.MAX_SHORT_WORDS
    parts = [text for value in asked.params.values() for text in str(value).split(" & ")]
    assert len(parts) <= search_index.MAX_PARTS + search_index.MAX_SHORT_WORDS
