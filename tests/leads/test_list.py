"""GET /internal/leads: what is in a page, in which order, and that walking it misses and repeats nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from leadintake.core.db.database import db
from leadintake.leads import api, matches
from tests.factories import LeadFactory, UserFactory
from tests.support.leads import ids_of, walk

LIST = "/internal/leads"
START = datetime(2026, 1, 1, tzinfo=UTC)
SORTS = ("created_at", "updated_at", "last_name", "email", "status")


@pytest.fixture
def reader(client, given):
    """Somebody who may read and do nothing else."""
    return client.sign_in(given(UserFactory, "viewer"))


@pytest.fixture
def some(given):
    """Eleven leads with ties in every column."""
    made = []
    for number in range(11):
        at = START + timedelta(hours=number // 3)
        made.append(
            given(
                LeadFactory,
                *(["reached_out"] if number % 3 == 0 else []),
                last_name=["Zed", "Ärger", "Abel", "山田"][number % 4],
                email=["b@example.com", "a@example.com"][number % 2],
                created_at=at,
                updated_at=at,
            )
        )
    return made


def test_a_lead_in_the_list_says_what_the_contract_says(reader, given):
    amara = given(UserFactory, name="Amara")
    lead = given(LeadFactory, assigned_to=amara, practice_area="family", language="es", last_name="Doe")
    answer = reader.get(LIST)
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["next_cursor"] is None
    assert "total" not in answer.json
    resume = lead.resume
    assert answer.json["items"] == [
        {
            "id": str(lead.id),
            "reference": lead.reference,
            "first_name": "Jane",
            "last_name": "Doe",
            "email": lead.email,
            "phone": None,
            "status": "PENDING",
            "source": "form",
            "practice_area": "family",
            "language": "es",
            "resume": {
                "id": str(resume.id),
                "filename": "resume.pdf",
                "content_type": "application/pdf",
                "size": resume.size,
                "sha256": resume.sha256,
            },
            "assigned_to": {"id": str(amara.id), "name": "Amara", "email": amara.email},
            "created_at": lead.created_at.isoformat().replace("+00:00", "Z"),
            "updated_at": lead.updated_at.isoformat().replace("+00:00", "Z"),
            "version": 1,
            "outcome": None,
            "follow_up_at": None,
            "tags": [],
        }
    ]


def test_no_lead_is_an_empty_list(reader):
    assert reader.get(f"{LIST}?count=true").json == {"items": [], "next_cursor": None, "total": 0}


@pytest.mark.every_engine
def test_every_order_is_complete_without_repeats_and_in_order_both_ways(reader, some):
    for column in SORTS:
        ways = {}
        for sign in ("", "-"):
            pages = list(walk(reader, f"{LIST}?sort={sign}{column}&limit=2"))
            assert [len(page.json["items"]) for page in pages] == [2, 2, 2, 2, 2, 1]
            ways[sign] = [item for page in pages for item in page.json["items"]]
            assert {item["id"] for item in ways[sign]} == {str(lead.id) for lead in some}
        assert ways[""] == ways["-"][::-1], column
        if column != "last_name":  # what comes first in a language is the database's to say
            values = [item[column] for item in ways[""]]
            assert values == sorted(values), column
    assert ids_of(reader.get(LIST)) == ids_of(reader.get(f"{LIST}?sort=-created_at"))


@pytest.mark.every_engine
def test_walking_stays_complete_while_leads_arrive_and_change(reader, some, given, browser):
    seen = []
    for page in walk(reader, f"{LIST}?limit=3"):
        seen += ids_of(page)
        given(LeadFactory)  # newer than all, so ahead of where the walk is
    assert seen == [
        str(lead.id) for lead in sorted(some, key=lambda one: (one.created_at, one.id), reverse=True)
    ]
    oldest_first = []
    for number, page in enumerate(walk(reader, f"{LIST}?limit=3&sort=created_at")):
        oldest_first += ids_of(page)
        if number == 0:
            arrived = str(given(LeadFactory).id)
    assert len(oldest_first) == len(set(oldest_first))
    assert oldest_first[-1] == arrived


def test_the_link_to_the_next_page_keeps_the_question(reader, given):
    for _ in range(3):
        given(LeadFactory, first_name="Zoë & Söhne", email="100%_sure@example.com")
    pages = list(walk(reader, f"{LIST}?q=zo%C3%AB+%26+100%25_&limit=1&status=PENDING&count=true&sort=email"))
    assert [page.json["total"] for page in pages] == [3, 3, 3]
    assert len({ids_of(page)[0] for page in pages}) == 3
    assert "Link" not in pages[-1].headers


def test_a_limit_within_bounds_is_kept(reader, some):
    for limit in (1, 10, 200):
        assert len(reader.get(f"{LIST}?limit={limit}").json["items"]) == min(limit, 11)


def test_without_a_limit_a_page_has_fifty(reader, given):
    for _ in range(51):
        given(LeadFactory)
    page = reader.get(f"{LIST}?count=true")
    assert (len(page.json["items"]), page.json["total"]) == (50, 51)
    assert len(reader.get(page.headers["Link"][1:].partition(">")[0]).json["items"]) == 1


def test_count_tells_all_that_match_however_long_the_page(reader, some):
    assert reader.get(f"{LIST}?count=true&limit=1").json["total"] == 11
    assert reader.get(f"{LIST}?count=true&status=REACHED_OUT").json["total"] == 4
    assert "total" not in reader.get(f"{LIST}?count=false").json


@pytest.mark.every_engine
@pytest.mark.parametrize("rows", [20_000, 0], ids=["by looking through", "by the index"])
def test_a_count_ends_at_a_bound_and_says_so(rows, reader, some, monkeypatch):
    monkeypatch.setattr(api, "MAX_COUNTED", 5)
    monkeypatch.setattr(matches, "MAX_COUNTED", 5)
    monkeypatch.setattr(matches, "MAX_WALKED", rows)
    for query in ("", "&q=jane", "&q=example&sort=email", "&status=PENDING"):
        page = reader.get(f"{LIST}?count=true&limit=1{query}").json
        assert (page["total"], page["total_is_minimum"]) == (5, True), query
    for query, total in (("&q=zed", 3), ("&q=jane, abel", 3), ("&q=nobody", 0), ("&status=REACHED_OUT", 4)):
        page = reader.get(f"{LIST}?count=true{query}").json
        assert (page["total"], "total_is_minimum" in page) == (total, False), query


CANNOT_BE_MEANT = (
    ("limit=0", "limit"), ("limit=201", "limit"), ("limit=-1", "limit"), ("limit=x", "limit"),
    ("limit=1.5", "limit"), ("limit=", "limit"), ("limit=99999999999999999999", "limit"),
    ("status=pending", "status"), ("status=", "status"), ("status=DONE", "status"),
    ("sort=first_name", "sort"), ("sort=--email", "sort"), ("sort=", "sort"), ("sort=id%3Bdrop", "sort"),
    ("assigned_to=nobody", "assigned_to"), ("assigned_to=", "assigned_to"),
    ("assigned_to=me%0A", "assigned_to"),
    ("assigned_to=0190f0c1-7b1e-7c3a-9d2e-0123456789ab%0A", "assigned_to"),
    ("assigned_to=0190f0c17b1e7c3a9d2e0123456789ab", "assigned_to"),
    ("created_from=yesterday", "created_from"), ("created_from=2026-01-01", "created_from"),
    ("created_to=2026-01-01T00:00:00", "created_to"), ("created_to=2026-13-01T00:00:00Z", "created_to"),
    ("created_to=", "created_to"), ("created_from=99999-01-01T00:00:00Z", "created_from"),
    ("count=perhaps", "count"), ("q=" + "x" * 201, "q"), ("q=%00", "q"), ("q=a%E2%80%AEb", "q"),
    ("cursor=x", "cursor"), ("cursor=%00", "cursor"), ("cursor=%C3%BC.%C3%BC", "cursor"),
    ("page=2", "page"), ("Status=PENDING", "Status"), ("q=a&q=b", "q"), ("offset=1", "offset"),
)  # fmt: skip


def test_what_cannot_be_meant_is_422_and_named(reader):
    for query, field in CANNOT_BE_MEANT:
        answer = reader.get(f"{LIST}?{query}")
        assert answer.status_code == 422, query
        assert list(answer.json["errors"]) == [field], query


def test_everything_wrong_is_named_at_once(reader):
    answer = reader.get(f"{LIST}?limit=0&status=x&page=1&created_from=x")
    assert set(answer.json["errors"]) == {"limit", "status", "page", "created_from"}


@pytest.mark.every_engine
def test_instants_at_the_edge_of_the_calendar_are_no_failure(reader, some):
    edges = (
        "0001-01-01T00:00:00%2B14:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-14:00",
    )
    for edge in edges:
        for field in ("created_from", "created_to"):
            assert reader.get(f"{LIST}?{field}={edge}").status_code in {200, 422}, (field, edge)


def test_a_cursor_belongs_to_its_question(reader, some):
    cursor = reader.get(f"{LIST}?limit=2").json["next_cursor"]
    assert reader.get(f"{LIST}?cursor={cursor}&limit=5").status_code == 200
    for other in ("sort=created_at", "sort=-email", "status=PENDING", "q=jane", "assigned_to=none",
                  "created_from=2020-01-01T00:00:00Z", "created_to=2030-01-01T00:00:00Z"):  # fmt: skip
        refused = reader.get(f"{LIST}?cursor={cursor}&{other}")
        assert refused.status_code == 422, other
        assert list(refused.json["errors"]) == ["cursor"]
    for forged in (cursor[:-1], cursor + "A", cursor.swapcase(), cursor[1:]):
        assert reader.get(f"{LIST}?cursor={forged}").status_code == 422


def test_head_is_answered_like_get_without_the_body(reader, some):
    head = reader.head(f"{LIST}?limit=2")
    assert (head.status_code, head.data) == (200, b"")
    assert "Link" in head.headers


def _sorts_few(how: str, plan: list, step: tuple) -> bool:
    """Whether a step sorts a page, the latest uses of tags, or next steps of one person that have come."""
    if "FROM lead_tags ORDER BY lead_tags.id DESC\n LIMIT" in how:
        return True
    source = next(one[3] for one in plan if one[1] == step[1])  # what its part of the plan reads first
    if source == "SEARCH leads USING INDEX sqlite_autoindex_leads_1 (id=?)":
        return re.search(r"WHERE leads\.id IN \((\?|SELECT 1 FROM \(SELECT 1\))", how) is not None
    return source.startswith("SEARCH leads USING INDEX ix_leads_assignee_id_follow_up_at_id (assignee_id=?")


@pytest.mark.parametrize(
    "path",
    [
        *(f"{LIST}?sort={way}{sort}" for sort in SORTS for way in ("", "-")),
        "/internal/quarantine",
        "/desk",
        "/desk?sort=email",
        "/desk/pulse",
        "/desk/quarantine",
    ],
)
def test_no_order_is_made_by_sorting_everything(app, client, given, path):
    """A million leads would take that many seconds; SQLite decides how to look without having seen any."""
    client.sign_in(given(UserFactory, "manager"))
    asked = []
    with app.app_context():
        db.event.listen(db.engine, "before_cursor_execute", lambda *said: asked.append(said[2:4]))
    assert client.get(path).status_code == 200
    lists = [one for one in asked if "FROM leads" in one[0] and "ORDER BY" in one[0]]
    with app.app_context():
        connection = db.session.connection()
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {how}", what).all() for how, what in lists]
    assert plans
    sorts = [
        (step[3], how)
        for (how, _), plan in zip(lists, plans, strict=True)
        for step in plan
        if "TEMP B-TREE" in step[3] and not _sorts_few(how, plan, step)
    ]
    assert sorts == []
