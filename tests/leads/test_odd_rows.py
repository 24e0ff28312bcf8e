"""Rows that no form would let in, put there by hand: they are shown and exported, and break nothing."""

from __future__ import annotations

import csv
import io

import pytest

from leadintake.leads.fields import full_name
from tests.factories import DocumentFactory, LeadFactory, UserFactory
from tests.support.html import Page
from tests.support.leads import walk

ODD = (
    "", " ", '"', '""', "'", ",", ";", "\\", "two\nlines", "two\r\nlines", "\t", "\x01\x1b[31m", "\u202e",
    "\u2028",
    "\ufeff", "\ufffe", "NULL", "<script>", "%s", "{}", "🧑🏽‍⚖️" * 15, "x" * 100, "山" * 100,
    "🧑" * 100, "e\u0301" * 50,
    "\u202edrow", "=1+1", "-", "@", "0", "1e5", "true",
)  # fmt: skip


@pytest.fixture
def put_in(given):
    for odd in ODD:
        resume = given(DocumentFactory, filename=odd[:250] + ".pdf")
        given(LeadFactory, first_name=odd, last_name=odd, email=f"{odd[:50]}@example.com", resume=resume)


@pytest.fixture
def reader(client, given):
    return client.sign_in(given(UserFactory, "viewer"))


@pytest.mark.every_engine
def test_the_list_shows_each_of_them(reader, put_in):
    for sort in ("last_name", "-email"):
        items = [
            item
            for page in walk(reader, f"/internal/leads?limit=7&sort={sort}")
            for item in page.json["items"]
        ]
        assert sorted(item["first_name"] for item in items) == sorted(ODD)
        assert all(item["first_name"] == item["last_name"] for item in items)
        assert len({item["id"] for item in items}) == len(ODD)


def test_each_of_them_can_be_looked_at(reader, put_in):
    for item in reader.get("/internal/leads?limit=200").json["items"]:
        for more in ("", "/history", "/notifications"):
            assert reader.get(f"/internal/leads/{item['id']}{more}").status_code == 200
        with reader.get(f"/internal/leads/{item['id']}/resume") as file:
            assert file.status_code == 200


def test_the_desk_shows_each_of_them_as_text(reader, put_in):
    shown = set()
    for item in reader.get("/internal/leads?limit=200").json["items"]:
        page = Page(reader.get(f"/desk/leads/{item['id']}").text)
        assert page.mistakes == []
        assert len(page.all("script")) == 1
        shown.add(page.all("h1")[0].text)
    assert shown == {full_name(odd, odd) for odd in ODD}
    queue = Page(reader.get("/desk?sort=last_name").text)
    assert (queue.mistakes, len(queue.all("script"))) == ([], 1)


def test_the_export_has_a_row_for_each(reader, put_in):
    text = reader.get("/internal/leads.csv").text
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert len(rows) == len(ODD)
    assert {row["first_name"] for row in rows} == {
        f"'{odd}" if odd.startswith(("=", "+", "-", "@", "\t", "\r")) else odd for odd in ODD
    }
