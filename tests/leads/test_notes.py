"""Notes about a lead: who writes, changes, reads and finds them, and what is told of them elsewhere."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads import matches
from leadintake.leads.conversation import LeadNote, LeadNoteVersion
from leadintake.leads.models import Lead, LeadEvent
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.leads.worlds import NOTHING
from tests.support.leads import ids_of, together
from tests.support.statements import statements

TEXT = "She has until 1 April.\nNéeds an interpreter (Guaraní)."


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, assigned_to=amara)


@pytest.fixture
def mine(browser, amara):
    """The attorney's client."""
    return browser().sign_in(amara)


def notes_of(client, lead) -> list:
    answer = client.get(f"/internal/leads/{lead.id}/notes")
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def write(client, lead, text: str = TEXT):
    return client.post(f"/internal/leads/{lead.id}/notes", json={"text": text})


class TestWriting:
    def test_a_note_has_its_text_author_and_time(self, mine, amara, lead, rows):
        answer = write(mine, lead, f"  {TEXT}\n")
        assert answer.status_code == 201
        note = answer.json
        assert answer.headers["Location"] == f"/internal/leads/{lead.id}/notes/{note['id']}"
        assert note["text"] == TEXT
        assert note["author"] == {"id": str(amara.id), "name": amara.name, "email": amara.email}
        assert (note["edited_at"], note["edited_by"], note["version"], note["versions"]) == (
            None,
            None,
            1,
            [],
        )
        assert notes_of(mine, lead) == [note]
        assert rows(Lead)[0].version == 1

    def test_the_newest_is_first_and_a_page_leads_to_the_next(self, mine, lead):
        for number in range(3):
            write(mine, lead, f"Number {number}")
        first = mine.get(f"/internal/leads/{lead.id}/notes?limit=2").json
        rest = mine.get(f"/internal/leads/{lead.id}/notes?limit=2&cursor={first['next_cursor']}").json
        assert [item["text"] for item in first["items"] + rest["items"]] == [
            "Number 2",
            "Number 1",
            "Number 0",
        ]
        assert rest["next_cursor"] is None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " \n\t ",
            "\u200b\n\u3164",
            "x" * 4001,
            "a\x00b",
            "a\x07b",
            "\u202egnp.exe",
            "\u2028",
            "\ufffd",
            5,
            None,
        ],
    )
    def test_what_is_no_plain_text_is_refused(self, mine, lead, rows, text):
        answer = write(mine, lead, text)
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == ["text"]
        assert rows(LeadNote) == []

    def test_lines_end_as_everywhere_and_letters_are_composed(self, mine, lead):
        assert (
            write(mine, lead, "one\r\ntwo\rthree\n\tfour e\u0301").json["text"] == "one\ntwo\nthree\n\tfour é"
        )
        assert write(mine, lead, "x\r\n" * 1333).status_code == 201
        assert write(mine, lead, "\u1112\u1161\u11ab" * 3000).json["text"] == "한" * 3000

    def test_on_a_lead_in_quarantine_there_is_none_nor_on_a_deleted_one(self, browser, given, max_):
        client = browser().sign_in(max_)
        assert write(client, given(LeadFactory, "quarantined")).status_code == 409
        assert write(client, given(LeadFactory, "deleted")).status_code == 404

    def test_a_viewer_reads_and_does_not_write(self, browser, given, mine, lead):
        write(mine, lead)
        viewer = browser().sign_in(given(UserFactory, "viewer"))
        assert [note["text"] for note in notes_of(viewer, lead)] == [TEXT]
        assert write(viewer, lead).status_code == 403
        assert "note" not in viewer.get(f"/internal/leads/{lead.id}").json["allowed"]

    def test_every_attorney_who_sees_the_lead_may_write_one(self, browser, bruno, lead):
        client = browser().sign_in(bruno)
        assert client.get(f"/internal/leads/{lead.id}").json["allowed"] == ["note"]
        assert write(client, lead).status_code == 201

    @pytest.mark.every_engine
    def test_a_second_click_writes_no_second_note(self, browser, amara, bruno, lead, rows):
        client = browser().sign_in(amara)
        answers = together(*[lambda: write(client.application.test_client().sign_in(amara), lead)] * 2)
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json["id"] == answers[1].json["id"]
        assert len(rows(LeadNote)) == 1
        assert [event.action for event in rows(LeadEvent)] == ["noted"]
        assert write(browser().sign_in(bruno), lead).json["id"] != answers[0].json["id"]

    def test_a_minute_later_it_is_another(self, mine, lead, rows):
        write(mine, lead)
        with time_machine.travel(now() + timedelta(seconds=61)):
            write(mine, lead)
        assert len(rows(LeadNote)) == 2


class TestChanging:
    @pytest.fixture
    def note(self, mine, lead):
        return write(mine, lead).json

    @pytest.fixture
    def address(self, lead, note):
        return f"/internal/leads/{lead.id}/notes/{note['id']}"

    def test_earlier_texts_are_there_with_their_authors(
        self, mine, browser, amara, max_, lead, note, address
    ):
        assert mine.patch(address, json={"text": "Second"}).status_code == 200
        answer = browser().sign_in(max_).patch(address, json={"text": "Third"})
        changed = answer.json
        assert (changed["text"], changed["version"], changed["author"]["name"]) == ("Third", 3, amara.name)
        assert changed["edited_by"]["name"] == max_.name
        assert changed["edited_at"] > note["created_at"]
        assert [(one["text"], one["author"]["name"]) for one in changed["versions"]] == [
            ("Second", amara.name),
            (TEXT, amara.name),
        ]
        assert changed["versions"][1]["written_at"] == note["created_at"]
        assert notes_of(mine, lead) == [changed]

    def test_the_same_text_again_changes_nothing(self, mine, note, address, rows):
        assert mine.patch(address, json={"text": f"{TEXT} "}).json == note
        assert rows(LeadNoteVersion) == []

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_only_the_author_and_managers_may(self, browser, bruno, max_, address, method):
        body = {"json": {"text": "Mine"}} if method == "PATCH" else {}
        assert browser().sign_in(bruno).open(address, method=method, **body).status_code == 403
        assert browser().sign_in(max_).open(address, method=method, **body).status_code < 300

    def test_of_two_who_change_it_the_second_is_told(self, mine, address, rows):
        tag = {"If-Match": '"1"'}
        assert mine.patch(address, json={"text": "First"}, headers=tag).headers["ETag"] == '"2"'
        assert mine.patch(address, json={"text": "Late"}, headers=tag).status_code == 412
        assert mine.delete(address, headers=tag).status_code == 412
        assert mine.delete(address, headers={"If-Match": '"2"'}).status_code == 204

    def test_a_deleted_note_is_gone_for_everybody(self, mine, browser, max_, lead, address, rows):
        mine.patch(address, json={"text": "Pelican"})
        assert mine.delete(address).status_code == 204
        for client in (mine, browser().sign_in(max_)):
            assert notes_of(client, lead) == []
            assert client.patch(address, json={"text": "Again"}).status_code == 404
            assert client.delete(address).status_code == 404
            assert client.get("/internal/leads?q=pelican").json["items"] == []
        assert rows(LeadNote)[0].deleted_at is not None

    def test_a_note_is_found_under_its_own_lead_alone(self, mine, given, amara, note):
        other = given(LeadFactory, assigned_to=amara)
        for key in (note["id"], uuid.uuid4()):
            address = f"/internal/leads/{other.id}/notes/{key}"
            assert mine.patch(address, json={"text": "x"}).status_code == 404

    def test_history_and_audit_trail_have_the_acts_and_no_text(self, mine, lead, address, rows):
        mine.patch(address, json={"text": "Pelican"})
        mine.delete(address)
        assert [(one.action, one.detail) for one in rows(LeadEvent)] == [
            ("noted", ""),
            ("note_changed", ""),
            ("note_deleted", ""),
        ]
        entries = [one for one in rows(AuditEntry) if one.action.startswith("lead.note")]
        assert [one.action for one in entries] == ["lead.noted", "lead.note_changed", "lead.note_deleted"]
        note_id = address.rpartition("/")[2]
        assert {(one.subject_id, one.detail) for one in entries} == {(lead.id, f'{{"note":"{note_id}"}}')}


class TestSearching:
    def found(self, client, text: str, **more: str) -> list[str]:
        query = {"q": text, "count": "true", **more}
        answer = client.get("/internal/leads", query_string=query)
        assert answer.status_code == 200, answer.text
        assert answer.json["total"] == len(answer.json["items"])
        return ids_of(answer)

    @pytest.mark.every_engine
    def test_a_lead_is_found_by_any_part_of_a_word_of_its_notes(self, mine, given, amara, lead):
        given(LeadFactory, assigned_to=amara)
        write(mine, lead, "Härings-Straße 5\nO'Brien asks for Guaraní. 李明 translates; call 202-555-0199")
        for text in (
            "guarani",
            "UARAN",
            "obrien asks",
            "strasse haring",
            "李明",
            "202-555",
            "harings-strasse",
        ):
            assert self.found(mine, text) == [str(lead.id)], text
        assert self.found(mine, "guarani pelican") == []
        assert self.found(mine, "guarani", status="REACHED_OUT") == []
        assert self.found(mine, "zq") == []

    @pytest.mark.every_engine
    def test_the_index_follows_what_is_written(self, mine, lead):
        address = write(mine, lead, "Pelican").headers["Location"]
        write(mine, lead, "Pelicans fly")
        assert self.found(mine, "pelican") == [str(lead.id)]
        mine.patch(address, json={"text": "Heron"})
        assert self.found(mine, "heron") == self.found(mine, "pelican") == [str(lead.id)]
        mine.delete(address)
        assert self.found(mine, "heron") == []

    @pytest.mark.every_engine
    def test_many_notes_with_a_word_are_found_page_by_page(self, app, mine, given, amara, monkeypatch):
        monkeypatch.setattr(matches, "FIRST_ROWS", 3)
        monkeypatch.setattr(matches, "MAX_CANDIDATES", 2)
        leads = [given(LeadFactory, assigned_to=amara) for _ in range(8)]
        for lead in leads[::2]:
            write(mine, lead, "Pelican")
            write(mine, lead, "Pelican again")
        named = given(LeadFactory, assigned_to=amara, last_name="Pelican")
        ids, cursor = [], ""
        while cursor is not None:
            query = {"q": "pelican", "limit": 2, "sort": "created_at"} | (
                {"cursor": cursor} if cursor else {}
            )
            page = mine.get("/internal/leads", query_string=query).json
            ids += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
        assert ids == [str(lead.id) for lead in (*leads[::2], named)]
        monkeypatch.setattr(matches, "MAX_WALKED", 3)
        assert len(self.found(mine, "pelican")) == 5

    def test_a_long_text_is_found_to_its_end(self, mine, lead):
        write(mine, lead, " ".join(f"word{number:05}" for number in range(399)) + " pelican")
        assert self.found(mine, "pelican word00007") == [str(lead.id)]

    def test_a_search_for_a_name_costs_one_statement_more(self, app, mine, lead):
        """It looks into the index of notes, which no word of a name is in."""
        with statements(app) as sent:
            self.found(mine, lead.last_name)
        assert len([one for one in sent if "lead_search_notes" in one and "_parts" not in one]) <= 2


class TestWalls:
    """Who may not see a lead learns nothing of its notes, whatever they ask."""

    def assert_nothing_tells(self, client, lead, note: str) -> None:
        for method, path in (
            ("GET", "notes"),
            ("POST", "notes"),
            ("PATCH", f"notes/{note}"),
            ("DELETE", f"notes/{note}"),
        ):
            body = {"json": {"text": "x"}} if method in ("POST", "PATCH") else {}
            here = client.open(f"/internal/leads/{lead.id}/{path}", method=method, **body)
            there = client.open(f"/internal/leads/{NOTHING}/{path}", method=method, **body)
            assert here.status_code == there.status_code == 404
            assert here.json["detail"] == there.json["detail"]
        assert client.get("/internal/leads?q=pelican&count=true").json["total"] == 0
        assert "No lead fits" in client.get("/desk?q=pelican").text

    @pytest.fixture
    def note(self, mine, lead) -> str:
        return write(mine, lead, "Pelican").json["id"]

    def test_behind_an_ethical_wall(self, browser, given, lead, note):
        screened = given(UserFactory, "admin")
        given(ScreenFactory, lead_id=lead.id, user=screened)
        self.assert_nothing_tells(browser().sign_in(screened), lead, note)

    def test_where_attorneys_see_their_own(self, app, browser, bruno, lead, note):
        app.config["ATTORNEY_VISIBILITY"] = "own"
        self.assert_nothing_tells(browser().sign_in(bruno), lead, note)

    def test_of_a_deleted_lead(self, app, mine, max_, lead, note):
        with app.app_context(), transaction():
            db.session.get(Lead, lead.id).deleted_at = now()
        self.assert_nothing_tells(mine, lead, note)

    def test_of_a_lead_in_quarantine(self, app, mine, browser, max_, lead, note):
        with app.app_context(), transaction():
            row = db.session.get(Lead, lead.id)
            row.gate, row.quarantined_at, row.quarantine_reason = "quarantine", now(), "Spam."
        self.assert_nothing_tells(mine, lead, note)
        assert [one["id"] for one in notes_of(browser().sign_in(max_), lead)] == [note]


@pytest.mark.every_engine
@pytest.mark.parametrize("sign", "\u00e6\ufdfa")
def test_long_words_of_signs_that_become_several_are_noted_tagged_and_found(mine, lead, sign):
    assert write(mine, lead, sign * 600).status_code == 201
    assert mine.put(f"/internal/leads/{lead.id}/tags", json={"tags": [sign * 40]}).status_code == 200
    assert ids_of(mine.get("/internal/leads", query_string={"tag": sign * 40})) == [str(lead.id)]
    for number in (20, 100, 200):
        assert mine.get("/internal/leads", query_string={"q": sign * number}).status_code == 200
    assert mine.submit(last_name=sign * 100).status_code == 201
