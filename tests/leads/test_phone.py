"""The telephone number: asked for where the firm says so, read where it can be, never a reason to refuse."""

from __future__ import annotations

import csv
import io
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.http.openapi import document
from leadintake.leads.models import Lead
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.client import PDF
from tests.support.html import Page
from tests.support.leads import good_parts, ids_of, nothing_is_kept, part, post_parts

BROWSER = "text/html"
TYPED_AND_KEPT = {
    "(202) 555-0123": ("+12025550123", False),
    "+49 (0)30 123456": ("+4930123456", False),
    "\u202a+1 202-555-0123\u202c": ("+12025550123", False),
    "\u0662\u0660\u0662 \u0665\u0665\u0665 \u0660\u0661\u0662\u0663": ("+12025550123", False),
    "202 555 0123 ext. 4": ("202 555 0123 ext. 4", True),
    "evenings: 202 555 0123": ("evenings: 202 555 0123", True),
    "555\x00 0123\n": ("555 0123", True),
    "<b>none</b> \u202e&": ("<b>none</b> &", True),
    "=HYPERLINK(1)": ("=HYPERLINK(1)", True),
    "9" * 100: ("9" * 100, True),
    "e\u0301" * 100: ("é" * 100, True),
    "📞": ("📞", True),
}


@pytest.fixture
def settings():
    return {"ASK_PHONE": "optional", "PHONE_REGION": "US"}


@pytest.fixture
def reader(client, given):
    return client.sign_in(given(UserFactory, email="amara@firm.example.com"))


@pytest.mark.every_engine
def test_a_number_is_kept_in_e_164_and_what_is_none_as_it_was_typed(client, rows):
    for number, (typed, (kept, as_typed)) in enumerate(TYPED_AND_KEPT.items()):
        answer = client.submit(phone=typed, email=f"jane{number}@example.com")
        assert answer.status_code == 201, ascii(typed)
        assert "phone" not in answer.json
        lead = rows(Lead)[-1]
        assert (lead.phone, lead.phone_as_typed) == (kept, as_typed), ascii(typed)


def test_it_may_be_left_out_or_empty(client, rows):
    for nothing in (None, "", "  ", "\u200b\x01"):
        assert client.submit(phone=nothing).status_code == 201
    assert {(lead.phone, lead.phone_as_typed) for lead in rows(Lead)} == {(None, False)}


def test_more_than_a_hundred_characters_are_refused_and_no_more_looked_at(client, app, rows):
    for long in ("9" * 101, "9" * 50_000, "e\u0301" * 101, "\u0301\u0316" * 6000):
        answer = client.submit(phone=long)
        assert answer.status_code == 422
        assert answer.json["errors"] == {"phone": ["Phone number: use 100 characters at most."]}
        assert len(answer.data) < 1000
    assert nothing_is_kept(app, rows)


def test_it_is_one_text(client, app, rows):
    twice = good_parts(phone=part("phone", "1") + part("phone", "2"))
    assert list(post_parts(client, *twice.values()).json["errors"]) == ["phone"]
    file = post_parts(client, *good_parts(phone=part("phone", PDF, "phone.pdf")).values())
    assert "phone" in file.json["errors"]
    assert nothing_is_kept(app, rows)


def test_the_page_asks_for_it_as_telephones_fill_it_in(client):
    page = Page(client.get("/").text)
    shown = page.inputs()["phone"].attributes
    assert page.mistakes == []
    assert {name: shown.get(name) for name in ("type", "autocomplete", "inputmode", "maxlength")} == {
        "type": "tel", "autocomplete": "tel", "inputmode": "tel", "maxlength": "100",
    }  # fmt: skip
    assert "required" not in shown
    assert "So that we can call you." in page.by_id("phone-hint").text
    assert "Número de teléfono" in client.get("/?lang=es").text


def test_what_was_typed_is_still_there_when_something_else_is_wrong(client):
    page = Page(client.submit(accept=BROWSER, email="no", phone="(202) 555-0123").text)
    assert page.inputs()["phone"]["value"] == "(202) 555-0123"
    assert "aria-invalid" not in page.inputs()["phone"].attributes


@pytest.mark.every_engine
def test_a_replay_is_known_by_its_number_in_any_way_of_writing_and_another_number_is_422(client, rows):
    first = client.submit(key="one", phone="(202) 555-0123")
    again = client.submit(key="one", phone="+1 202.555.0123")
    assert (again.headers["Idempotency-Replayed"], again.json) == ("true", first.json)
    for other in ("202 555 0124", "202 555 0123 ext. 4", None):
        refused = client.submit(key="one", phone=other)
        assert refused.status_code == 422
        assert list(refused.json["errors"]) == ["submission_id"]
    assert len(rows(Lead)) == 1


def test_programs_read_it_in_the_list_alone_and_in_the_export(reader, given):
    given(LeadFactory, phone="+12025550123", last_name="A")
    given(LeadFactory, phone="after six", last_name="B")
    given(LeadFactory, last_name="C")
    read, typed, none = reader.get("/internal/leads?sort=last_name").json["items"]
    assert (read["phone"], "phone_as_typed" in read) == ("+12025550123", False)
    assert (typed["phone"], typed["phone_as_typed"]) == ("after six", True)
    assert (none["phone"], "phone_as_typed" in none) == (None, False)
    assert reader.get(f"/internal/leads/{typed['id']}").json["phone_as_typed"] is True
    exported = csv.DictReader(io.StringIO(reader.get("/internal/leads.csv?sort=last_name").text))
    assert [row["phone"] for row in exported] == ["'+12025550123", "after six", ""]


FOUND_BY = {
    "+12025550123": {"read"}, "(202) 555-0123": {"read", "typed"}, "202-555-0123": {"read", "typed"},
    "202 555 0123": {"read", "typed"}, "1-202-555-0123": {"read"}, "001 202 555 0123": {"read"},
    "555-0123": {"read", "typed"}, "0123": {"read", "typed", "german"},
    "\u0665\u0665\u0665-\u0660\u0661\u0662\u0663": {"read", "typed"},
    "\uff12\uff10\uff12 \uff15\uff15\uff15": {"read", "typed"}, "read 555-0123": {"read"},
    "(202) typed": {"typed"}, "+49 30 123456": {"german"}, "011 49 30 123456": {"german"},
    "030 123456": {"german"}, "030 1234": {"german"}, "(0)30 12-34": {"german"}, "evenings": {"typed"},
    "202 555 0199": set(), "+1 (202) 555 0199": set(), "555-0199 read": set(),
}  # fmt: skip


@pytest.mark.every_engine
def test_it_is_found_as_people_type_it(reader, given):
    kept = {"read": "+12025550123", "typed": "202/555-0123, evenings", "german": "+4930123456"}
    same = {"last_name": "Doe", "email": "jane@example.com"}
    leads = {name: given(LeadFactory, first_name=name, phone=phone, **same) for name, phone in kept.items()}
    made = {str(lead.id): name for name, lead in leads.items()}
    for question, wanted in FOUND_BY.items():
        found = reader.get(f"/internal/leads?q={quote(question)}")
        assert {made[one] for one in ids_of(found)} == wanted, question
        page = reader.get(f"/desk?q={quote(question)}").text
        assert {name for name, lead in leads.items() if lead.reference in page} == wanted, question


def test_a_sent_number_is_found_beside_names_that_unfold_to_more_than_fits(reader, browser):
    lead = browser().submit(last_name="\ufdfa" * 100, phone="202 555 0123").json["id"]
    assert ids_of(reader.get("/internal/leads?q=202-555-0123")) == [lead]


@pytest.mark.every_engine
def test_who_is_barred_does_not_find_it(reader, given, rows):
    lead = given(LeadFactory, phone="+12025550123")
    (amara,) = rows(UserFactory._meta.model)
    assert ids_of(reader.get("/internal/leads?q=202-555-0123")) == [str(lead.id)]
    given(ScreenFactory, lead_id=lead.id, user=amara)
    assert ids_of(reader.get("/internal/leads?q=202-555-0123")) == []
    assert "555" not in reader.get("/internal/leads.csv?q=202-555-0123").text
    assert str(lead.id) not in reader.get("/desk?q=202-555-0123").text


def test_the_desk_calls_a_number_and_shows_what_is_none_as_it_was_typed(reader, given):
    def page_of(phone: str | None) -> Page:
        page = Page(reader.get(f"/desk/leads/{given(LeadFactory, phone=phone).id}").text)
        assert page.mistakes == []
        return page

    (link,) = [one for one in page_of("+12025550123").all("a") if one["href"].startswith("tel:")]
    assert (link["href"], link.text) == ("tel:+12025550123", "+1 202-555-0123")
    page = page_of("<i>after</i> six")
    assert '&lt;i&gt;after&lt;/i&gt; six</bdi> <span class="hint">(as it was typed)' in page.source
    assert not [one for one in page.all("a", "i") if one.tag == "i" or one["href"].startswith("tel:")]
    assert "as it was typed" not in page_of(None).source


def test_no_log_line_has_it(client, given, capfd, monkeypatch):
    amara = given(UserFactory)
    client.submit(phone="202 555 0123, canary")
    client.sign_in(amara).get("/internal/leads?q=canary+202-555-0123")
    monkeypatch.setattr("leadintake.leads.intake.service.search_line", lambda _values: 1 / 0)
    assert client.submit(phone="202 555 0123, canary").status_code == 500
    monkeypatch.setattr("leadintake.leads.intake.service.search_line", lambda _values: None)
    assert client.submit(phone="202 555 0123, canary").status_code == 500  # a statement with the row in it
    said = "".join(capfd.readouterr())
    assert said.count("unexpected_failure") == 2
    assert "canary" not in said
    assert "5550123" not in said.replace(" ", "").replace("-", "")


class TestRequired:
    """ASK_PHONE=required."""

    @pytest.fixture
    def settings(self):
        return {"ASK_PHONE": "required"}

    def test_a_missing_number_is_refused_in_words(self, client, app, rows):
        for nothing in (None, "", "  ", "\u200b", "\x01\u202e"):
            answer = client.submit(phone=nothing)
            assert answer.status_code == 422, ascii(nothing)
            assert answer.json["errors"] == {"phone": ["Enter your phone number."]}
        page = Page(client.submit(accept=BROWSER).text)
        assert page.inputs()["phone"]["aria-invalid"] == "true"
        assert "required" in page.inputs()["phone"].attributes
        assert nothing_is_kept(app, rows)

    def test_one_that_cannot_be_read_never_is(self, client, rows):
        for typed in TYPED_AND_KEPT:
            assert client.submit(phone=typed).status_code == 201, ascii(typed)
        assert all(lead.phone for lead in rows(Lead))

    def test_without_a_region_only_a_number_with_its_country_is_read(self, client, rows):
        client.submit(phone="(202) 555-0123")
        client.submit(phone="+1 (202) 555-0123")
        kept = [(lead.phone, lead.phone_as_typed) for lead in rows(Lead)]
        assert kept == [("(202) 555-0123", True), ("+12025550123", False)]

    def test_the_document_says_so(self, app):
        form = form_in(app)
        assert "phone" in form["required"]
        assert form["properties"]["phone"]["maxLength"] == 100


class TestOff:
    """As it is unless told otherwise."""

    @pytest.fixture
    def settings(self):
        return {"PHONE_REGION": "US"}

    def test_the_field_is_not_there_and_what_is_sent_under_its_name_is_ignored(self, client, app, rows):
        assert "phone" not in Page(client.get("/").text).inputs()
        assert "phone" not in form_in(app)["properties"]
        for sent in ("202 555 0123", "9" * 5000, ""):
            assert client.submit(phone=sent).status_code == 201
        twice = good_parts(phone=part("phone", "1") + part("phone", "2"))
        assert post_parts(client, *twice.values()).status_code == 201
        assert {lead.phone for lead in rows(Lead)} == {None}
        file = good_parts(phone=part("phone", PDF, "phone.pdf"))
        assert list(post_parts(client, *file.values()).json["errors"]) == ["resume_file"]

    def test_it_makes_no_other_content_of_a_submission(self, client):
        client.submit(key="one")
        assert client.submit(key="one", phone="1").headers["Idempotency-Replayed"] == "true"

    def test_a_number_that_is_there_is_shown_all_the_same(self, reader, given):
        lead = given(LeadFactory, phone="+12025550123")
        assert reader.get(f"/internal/leads/{lead.id}").json["phone"] == "+12025550123"
        assert "tel:+12025550123" in reader.get(f"/desk/leads/{lead.id}").text
        assert ">Phone<" not in reader.get(f"/desk/leads/{given(LeadFactory).id}").text


def form_in(app):
    """The schema of the intake form in the OpenAPI document."""
    with app.test_request_context():
        post = document(app, "1")["paths"]["/public/leads"]["post"]
    return post["requestBody"]["content"]["multipart/form-data"]["schema"]


@pytest.mark.every_engine
def test_a_lead_that_an_older_process_writes_has_no_number(app, given, reader):
    lead = given(LeadFactory)
    with app.app_context(), transaction():
        table = sa.table("leads", *(sa.column(one.name) for one in Lead.__table__.columns))
        old = sa.select(table).where(table.c.id == sa.bindparam("id", lead.id, sa.Uuid()))
        row = dict(db.session.execute(old).mappings().one())
        db.session.execute(sa.delete(table).where(table.c.id == sa.bindparam("id", lead.id, sa.Uuid())))
        for later in ("phone", "phone_as_typed"):
            del row[later]
        db.session.execute(sa.insert(table).values(row))
    item = reader.get(f"/internal/leads/{lead.id}").json
    assert (item["phone"], "phone_as_typed" in item) == (None, False)
