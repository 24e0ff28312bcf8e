"""A lead under its reference: routes, commands and the search take it for the id, and tell no more."""

from __future__ import annotations

import json
import re

import pytest
import sqlalchemy as sa

from leadintake.audit.models import AuditEntry
from leadintake.core.db.database import db
from leadintake.leads.models import Lead
from leadintake.leads.reference import draw_reference, parse_reference
from tests.factories import LeadFactory, NoteFactory, ReplyFactory, ScreenFactory, UserFactory

LEAD, USER, NOTE = "<lead:lead_id>", "<uuid:user_id>", "<uuid:note_id>"
BODIES = {
    ("PATCH", f"/internal/leads/{LEAD}"): {"status": "REACHED_OUT"},
    ("PUT", f"/internal/leads/{LEAD}/assignee"): {"user_id": None},
    ("POST", f"/internal/leads/{LEAD}/decline"): {"reason": "Busy."},
    ("PUT", f"/internal/leads/{LEAD}/outcome"): {"outcome": "hired"},
    ("PUT", f"/internal/leads/{LEAD}/follow_up"): {"at": None},
    ("PUT", f"/internal/leads/{LEAD}/tags"): {"tags": ["asylum"]},
    ("POST", f"/internal/leads/{LEAD}/screens"): {"user_id": "somebody", "notice": "Their sister."},
    ("POST", f"/internal/leads/{LEAD}/notes"): {"text": "Call on Tuesday."},
    ("PATCH", f"/internal/leads/{LEAD}/notes/{NOTE}"): {"text": "Call on Friday."},
    ("POST", f"/internal/leads/{LEAD}/contacts"): {"channel": "phone", "outcome": "spoke"},
    ("POST", f"/desk/leads/{LEAD}/notes"): {"text": "Call on Tuesday."},
    ("POST", f"/desk/leads/{LEAD}/notes/{NOTE}"): {"text": "Call on Friday."},
    ("POST", f"/desk/leads/{LEAD}/contacts"): {"channel": "phone", "outcome": "spoke"},
    ("POST", f"/desk/leads/{LEAD}/outcome"): {"outcome": "hired"},
    ("POST", f"/desk/leads/{LEAD}/follow-up"): {"quick": "tomorrow"},
    ("POST", f"/desk/leads/{LEAD}/tags"): {"tags": "asylum"},
    ("POST", f"/internal/leads/{LEAD}/replies"): {"subject": "Call", "body": "May I call?"},
    ("POST", f"/desk/leads/{LEAD}/replies"): {"subject": "Call", "body": "May I call?"},
    ("POST", f"/desk/leads/{LEAD}/decline"): {"reason": "Busy."},
    ("POST", f"/desk/leads/{LEAD}/assign"): {"user_id": ""},
    ("POST", f"/desk/leads/{LEAD}/screens"): {"user_id": "somebody", "notice": "Their sister."},
}
COMMANDS = (
    "leads show ID", "leads show ID --format json", "leads explain ID", "leads proof ID",
    "leads reassign ID EMAIL",
    "leads screens ID", "leads screen ID EMAIL --notice Sister", "leads unscreen ID EMAIL",
    "leads quarantine release ID", "leads quarantine discard ID",
)  # fmt: skip


def typed(written: str) -> str:
    """A reference as somebody may type it: small, in one word."""
    return written.replace("-", "").lower()


def ways_to_a_lead(app) -> list[tuple[str, str]]:
    """Every method and rule about one lead."""
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if "lead_id" in rule.arguments
        for method in rule.methods - {"HEAD", "OPTIONS"}
    )


class TestInPlaceOfTheId:
    """Two leads alike, of which one is asked for by its id and the other by its reference."""

    @pytest.fixture
    def pair(self, given):
        def make(rule: str) -> list[Lead]:
            traits = ["deleted"] if rule.endswith("/restore") else []
            traits += ["quarantined"] if "/quarantine/" in rule else []
            amara = None if rule.endswith("/take") else given(UserFactory)
            alike = {"first_name": "Jane", "last_name": "Doe", "assigned_to": amara}
            return [given(LeadFactory, *traits, **alike) for _ in range(2)]

        return make

    def test_every_route_about_a_lead_takes_either(self, app):
        rules = [rule for rule in app.url_map.iter_rules() if "lead_id" in rule.arguments]
        assert len(rules) >= 22
        assert [rule.rule for rule in rules if LEAD not in rule.rule] == []

    def test_every_act_answers_alike_under_both(self, app, browser, given, pair):
        admin, somebody = given(UserFactory, "admin"), given(UserFactory)
        client = browser().sign_in(admin)
        for way in ways_to_a_lead(app):
            method, rule = way
            body = {**BODIES[way]} if way in BODIES else {}
            body |= {"user_id": str(somebody.id)} if body.get("user_id") == "somebody" else {}
            by_id, by_reference = pair(rule)
            if USER in rule:
                for lead in (by_id, by_reference):
                    given(ScreenFactory, lead_id=lead.id, user=somebody)
            notes = [given(NoteFactory, lead_id=lead.id, author=admin) for lead in (by_id, by_reference)]
            replies = [given(ReplyFactory, lead_id=lead.id, by=admin) for lead in (by_id, by_reference)]
            answers = []
            keys = (str(by_id.id), typed(by_reference.reference))
            for key, note, reply in zip(keys, notes, replies, strict=True):
                path = rule.replace(LEAD, key).replace(USER, str(somebody.id)).replace(NOTE, str(note.id))
                path = path.replace("<uuid:reply_id>", str(reply.id))
                sent = {"data": {**body, "version": "1"}} if rule.startswith("/desk") else {"json": body}
                sent = {} if method == "GET" or (rule.startswith("/internal") and not body) else sent
                answers.append(client.open(path, method=method, **sent))
            statuses = [answer.status_code for answer in answers]
            # Nobody declines what is another's; all else is done.
            assert statuses[0] == statuses[1] in (200, 201, 204, 303, 403), (way, answers[0].text)
            if statuses[0] == 303 and "leads/" in answers[1].headers["Location"]:
                assert client.get(answers[1].headers["Location"]).status_code == 200, way

    def test_a_lead_reads_the_same_to_the_byte_and_to_the_tag(self, app, client, given, rows):
        lead = given(LeadFactory)
        client.sign_in(given(UserFactory, "admin"))
        for path in ("", "/history", "/notifications", "/notes", "/contacts", "/screens", "/resume"):
            by_id, by_reference = (
                client.get(f"/internal/leads/{key}{path}") for key in (lead.id, typed(lead.reference))
            )
            assert by_id.data == by_reference.data
            assert by_id.headers.get("ETag") == by_reference.headers.get("ETag")
        unchanged = {"If-None-Match": client.get(f"/internal/leads/{lead.id}").headers["ETag"]}
        assert client.get(f"/internal/leads/{lead.reference}", headers=unchanged).status_code == 304
        assert {one.subject_id for one in rows(AuditEntry) if one.action.startswith("lead.")} == {lead.id}

    def test_every_command_takes_either(self, app, given, pair):
        run = app.test_cli_runner().invoke
        for command in COMMANDS:
            for lead, place in zip(pair(command.replace(" ", "/")), range(2), strict=True):
                user = given(UserFactory)
                if " unscreen " in command:
                    given(ScreenFactory, lead_id=lead.id, user=user)
                key = str(lead.id) if place == 0 else typed(lead.reference)
                words = [{"ID": key, "EMAIL": user.email}.get(word, word) for word in command.split()]
                done = run(args=words)
                assert (done.exit_code, done.stderr) == (0, ""), (command, done.output)

    def test_a_command_names_what_is_neither(self, app):
        done = app.test_cli_runner().invoke(args=["leads", "show", "0000-000A"])
        assert done.exit_code == 2
        assert "No lead has the id or the reference '0000-000A'." in done.stderr

    def test_who_may_not_know_of_it_is_answered_as_if_there_were_none(self, app, browser, given, pair):
        barred = given(UserFactory, "admin")
        client = browser().sign_in(barred)
        for way in ways_to_a_lead(app):
            method, rule = way
            if way == ("POST", f"/internal/leads/{LEAD}/screens"):
                body = {"user_id": str(barred.id), "notice": "Mine."}
            else:
                body = BODIES.get(way)
            lead, _ = pair(rule)
            given(ScreenFactory, lead_id=lead.id, user=barred)
            note = given(NoteFactory, lead_id=lead.id, author=barred)
            answers = []
            for key in (lead.reference, draw_reference()):
                path = rule.replace(LEAD, key).replace(USER, str(barred.id)).replace(NOTE, str(note.id))
                sent = {} if body is None else {"data" if "/desk/" in rule else "json": body}
                answer = client.open(path, method=method, **sent)
                answers.append((answer.status_code, answer.json["detail"] if answer.is_json else ""))
            assert answers[0] == answers[1]
            assert answers[0][0] == 404, way

    def test_nobody_learns_from_a_reference_without_signing_in(self, client, given):
        for key in (given(LeadFactory).reference, draw_reference()):
            assert client.get(f"/internal/leads/{key}").status_code == 401
        for nothing in ("no-reference", "2345-678A", "23456789X", "2345--6789"):
            for method in ("GET", "PUT"):
                assert client.open(f"/internal/leads/{nothing}", method=method).status_code == 404

    def test_the_description_says_so(self, client):
        described = client.get("/openapi.json").json
        (named, *_) = described["paths"]["/internal/leads/{lead_id}"]["get"]["parameters"]
        assert "reference" in named["schema"]["description"]
        assert re.fullmatch(named["schema"]["anyOf"][1]["pattern"], draw_reference())
        other = described["paths"]["/internal/users/{user_id}"]["get"]["parameters"][0]
        assert other["schema"] == {"type": "string", "format": "uuid"}
        for name in ("LeadSummary", "LeadDetail", "Receipt"):
            assert "reference" in described["components"]["schemas"][name]["required"]


class TestSearching:
    @pytest.mark.every_engine
    def test_it_is_found_with_or_without_its_separator(self, client, given):
        lead, _ = given(LeadFactory), given(LeadFactory)
        client.sign_in(given(UserFactory, "admin"))
        first, second = lead.reference.split("-")
        for text in (lead.reference, first + second, typed(lead.reference), f" {first} {second}"):
            found = client.get("/internal/leads", query_string={"q": text, "count": "true"}).json
            assert [item["id"] for item in found["items"]] == [str(lead.id)]
            assert found["total"] == 1
        assert lead.reference in client.get("/desk", query_string={"q": typed(lead.reference)}).text

    def test_the_other_filters_count_too(self, client, given):
        lead = given(LeadFactory)
        client.sign_in(given(UserFactory, "admin"))
        asked = {"q": lead.reference, "status": "REACHED_OUT"}
        assert client.get("/internal/leads", query_string=asked).json["items"] == []

    def test_a_name_that_could_be_one_is_still_found(self, client, given):
        named = given(LeadFactory, first_name="Hugo", last_name="Boss")
        assert parse_reference("Hugo Boss") is not None
        client.sign_in(given(UserFactory, "admin"))
        found = client.get("/internal/leads", query_string={"q": "hugo boss"}).json["items"]
        assert [item["id"] for item in found] == [str(named.id)]

    def test_what_is_hidden_or_deleted_is_not_found(self, client, given):
        reader = given(UserFactory, "admin")
        hidden, gone, spam = (
            given(LeadFactory),
            given(LeadFactory, "deleted"),
            given(LeadFactory, "quarantined"),
        )
        given(ScreenFactory, lead_id=hidden.id, user=reader)
        client.sign_in(reader)
        for lead in (hidden, gone, spam):
            asked = {"q": lead.reference}
            assert client.get("/internal/leads", query_string=asked).json["items"] == []

    @pytest.mark.every_engine
    def test_it_walks_an_index_and_no_table(self, app, given):
        with app.app_context():
            looked_up = sa.select(Lead.id).where(Lead.reference == "2222-2222")
            plan = str(looked_up.compile(db.engine, compile_kwargs={"literal_binds": True}))
            if db.engine.dialect.name == "postgresql":
                db.session.execute(
                    sa.text("SET LOCAL enable_seqscan = off")
                )  # of an empty table it is cheapest
            explain = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
            steps = db.session.execute(sa.text(f"{explain} {plan}")).all()
        text = json.dumps([list(map(str, step)) for step in steps])
        assert "uq_leads_reference" in text or "Impossible WHERE" in text or "no matching row" in text
