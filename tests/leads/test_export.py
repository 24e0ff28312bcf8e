"""GET /internal/leads.csv: all that match, streamed, and nothing in it that a spreadsheet runs."""

from __future__ import annotations

import csv
import io

import pytest

from leadintake.core.db import pagination
from tests.factories import DocumentFactory, LeadFactory, UserFactory
from tests.support.leads import ids_of

EXPORT = "/internal/leads.csv"
COLUMNS = [
    "id", "created_at", "updated_at", "first_name", "last_name", "email", "status",
    "practice_area", "language", "assigned_to", "resume", "reference", "phone", "reached_at",
    "outcome", "follow_up_at", "tags", "source",
]  # fmt: skip


def read(answer) -> list[dict[str, str]]:
    """The rows of an export."""
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


@pytest.fixture
def amara(given):
    return given(UserFactory, email="amara@firm.example.com")


@pytest.fixture
def reader(client, amara):
    return client.sign_in(amara)


def test_a_row_says_what_the_list_says(reader, given, amara):
    said = {"practice_area": "family", "language": "es", "phone": "202 555 0123, evenings"}
    lead = given(LeadFactory, last_name="Doe", assigned_to=amara, **said)
    free = given(LeadFactory, "reached_out")
    answer = reader.get(EXPORT)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="leads.csv"'
    assert answer.text.split("\r\n")[0].split(",") == COLUMNS
    newest, oldest = read(answer)
    listed = {item["id"]: item for item in reader.get("/internal/leads").json["items"]}[str(lead.id)]
    assert oldest == {
        **{name: listed[name] for name in COLUMNS if name not in {"resume", "reached_at"}},
        "outcome": "",
        "follow_up_at": "",
        "tags": "",
        "assigned_to": "amara@firm.example.com",
        "resume": "resume.pdf",
        "reached_at": "",
    }
    assert (newest["id"], newest["status"]) == (str(free.id), "REACHED_OUT")
    assert {newest[name] for name in ("assigned_to", "practice_area", "language", "phone")} == {""}


def test_no_lead_is_a_line_of_columns(reader):
    assert reader.get(EXPORT).text == ",".join(COLUMNS) + "\r\n"


@pytest.mark.every_engine
def test_all_batches_are_written_in_the_wanted_order(reader, given, amara, monkeypatch):
    monkeypatch.setattr(pagination, "BATCH", 3)
    for number in range(10):
        given(LeadFactory, last_name=f"Doe{number % 4}", assigned_to=[amara, None][number % 2])
    for query in ("", "sort=email", "sort=-last_name", "assigned_to=me", "q=doe", "status=PENDING"):
        wanted = ids_of(reader.get(f"/internal/leads?{query}&limit=200"))
        assert [row["id"] for row in read(reader.get(f"{EXPORT}?{query}"))] == wanted, query


def test_it_is_written_while_it_is_read(reader, given, app, monkeypatch):
    monkeypatch.setattr(pagination, "BATCH", 20)
    for _ in range(60):
        given(
            LeadFactory,
            first_name="x" * 100,
            last_name="山" * 100,
            resume=given(DocumentFactory, filename="y" * 255),
        )
    answer = reader.get(EXPORT)
    assert "Content-Length" not in answer.headers
    lines = answer.iter_encoded()
    first = next(lines)
    assert first.count(b"\r\n") < 61
    lines.close()
    answer.close()
    with app.app_context():  # who leaves halfway leaves no connection taken
        assert app.extensions["sqlalchemy"].engine.pool.checkedout() == 0


def test_what_a_spreadsheet_would_run_is_text(reader, given):
    hostile = {
        "first_name": '=HYPERLINK("http://evil.example","click")',
        "last_name": "+1+1",
        "email": "-2+3@example.com",
        "practice_area": "@SUM(1)",
        "phone": "+12025550123",
        "language": "\t=1",
        "resume": given(DocumentFactory, filename="\r=cmd|' /C calc'!A0.pdf"),
    }
    given(LeadFactory, **hostile)
    (row,) = read(reader.get(EXPORT))
    for column in hostile:
        assert row[column].startswith("'"), column
    assert row["first_name"] == "'" + hostile["first_name"]


def test_what_is_harmless_is_written_as_it_is(reader, given):
    given(LeadFactory, first_name='Jane "JJ", Esq.', last_name="O'Brien=Doe", email="a+b-c=d@example.com")
    (row,) = read(reader.get(EXPORT))
    assert [row["first_name"], row["last_name"], row["email"]] == [
        'Jane "JJ", Esq.', "O'Brien=Doe", "a+b-c=d@example.com",
    ]  # fmt: skip


CANNOT_BE_MEANT = (
    ("limit=1", "limit"), ("cursor=x", "cursor"), ("count=true", "count"), ("page=1", "page"),
    ("status=x", "status"), ("q=%00", "q"), ("q=a%E2%80%AEb", "q"), ("assigned_to=me%0A", "assigned_to"),
    ("sort=id", "sort"), ("created_from=x", "created_from"),
)  # fmt: skip


def test_what_cannot_be_meant_is_422_before_a_line_is_written(reader, given):
    given(LeadFactory)
    for query, field in CANNOT_BE_MEANT:
        answer = reader.get(f"{EXPORT}?{query}")
        assert (answer.status_code, answer.content_type) == (422, "application/problem+json"), query
        assert list(answer.json["errors"]) == [field], query


def test_who_is_not_signed_in_gets_nothing(client, given):
    lead = given(LeadFactory)
    answer = client.get(EXPORT)
    assert answer.status_code == 401
    assert lead.email not in answer.text


def test_head_is_answered_without_rows(reader, given):
    given(LeadFactory)
    head = reader.head(EXPORT)
    assert (head.status_code, head.data) == (200, b"")
