"""Replies to prospects: who may write them, how they leave and are proven, and how they are taken back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.replies.models import Reply
from leadintake.leads.status import LeadStatus
from leadintake.notifications.mailboxes import mailboxes
from leadintake.notifications.models import ChannelFault, DeliveryAttempt, Notification, Status
from leadintake.notifications.worker import Worker
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.mailserver import HOST, OK, Script, free_port, mail_server
from tests.support.outbox import BEGINNING, deliver

WORDS = {"subject": "About your inquiry", "body": "Dear Jane,\n\nmay I call you?"}
ARCHIVE, AMARA = "archive@firm.example", "amara@firm.example.com"
NO_SUCH_USER = "550 5.1.1 no such user here"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def settings(port) -> dict[str, object]:
    return {
        "MAIL_SERVER": HOST,
        "MAIL_PORT": port,
        "MAIL_TIMEOUT": 1,
        "MAIL_DEFAULT_SENDER": "firm@firm.example",
        "PUBLIC_URL": "http://localhost:8000",
    }


@pytest.fixture(autouse=True)
def clock():
    """Stand still at the beginning."""
    with time_machine.travel(BEGINNING, tick=False) as clock:
        yield clock


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, assigned_to=amara, email="jane@example.com")


@pytest.fixture
def address(lead):
    return f"/internal/leads/{lead.id}/replies"


@pytest.fixture
def attorney(browser, amara):
    return browser().sign_in(amara)


def pass_undo_time(clock, seconds: float = 10) -> None:
    clock.shift(timedelta(seconds=seconds))


def write(client, address: str, words: dict[str, str]):
    """Send UTF-8 without escapes, in which 10,000 characters of any script are less than 64 KB."""
    data = json.dumps(words, ensure_ascii=False).encode()
    return client.post(address, data=data, content_type="application/json")


def events(rows) -> list[str]:
    return [event.action for event in rows(LeadEvent)]


def messages(rows, kind: str = "reply") -> list[Notification]:
    return [message for message in rows(Notification) if message.kind == kind]


def lead_of(rows) -> Lead:
    (lead,) = rows(Lead)
    return lead


class TestWriting:
    def test_a_reply_reaches_the_prospect_after_ten_seconds(self, app, attorney, address, rows, clock, port):
        script = Script()
        answer = attorney.post(address, json=WORDS)
        assert answer.status_code == 201
        assert answer.json["subject"] == WORDS["subject"]
        assert answer.json["body"] == WORDS["body"]
        assert answer.json["author"] == AMARA
        assert answer.json["status"] == "queued"
        assert answer.json["send_at"].startswith("2026-03-01T12:00:10")
        worker = Worker(app)
        with mail_server(script, port):
            for _ in range(9):
                clock.shift(timedelta(seconds=1))
                assert deliver(app, worker) == 0
            clock.shift(timedelta(seconds=1))
            assert deliver(app, worker) == 1
        (mail,) = script.received
        assert mail["Subject"] == WORDS["subject"]
        assert mail["From"] == "Our Law Firm <firm@firm.example>"
        assert mail["Reply-To"] == AMARA
        assert mail["To"] == "jane@example.com"
        assert mail["Bcc"] is None
        assert mail["Auto-Submitted"] is None  # a person wrote it: absence notes are wanted
        text = mail.get_body(("plain",)).get_content()
        assert text.replace("\r\n", "\n").startswith(WORDS["body"])
        markup = mail.get_body(("html",)).get_content().replace("\r\n", "\n")
        assert "Dear Jane,<br>\n<br>\nmay I call you?" in markup
        (listed,) = attorney.get(address).json["items"]
        assert (listed["status"], listed["id"]) == ("sent", answer.json["id"])
        (attempt,) = rows(DeliveryAttempt)
        assert attempt.reply == "250 2.0.0 queued as 4711"

    def test_it_marks_the_lead_as_reached_out_and_is_on_record(self, attorney, address, rows):
        created = attorney.post(address, json=WORDS).json
        assert lead_of(rows).status is LeadStatus.REACHED_OUT
        assert events(rows) == ["replied", "reached_out"]
        entries = {entry.action: entry.detail for entry in rows(AuditEntry)}
        assert json.loads(entries["lead.replied"]) == {"reply": created["id"]}
        assert "lead.reached_out" in entries
        assert not any("inquiry" in entry.detail for entry in rows(AuditEntry))

    def test_of_a_lead_that_was_reached_before_only_the_reply_is_recorded(self, given, attorney, amara, rows):
        lead = given(LeadFactory, "reached_out", assigned_to=amara)
        assert attorney.post(f"/internal/leads/{lead.id}/replies", json=WORDS).status_code == 201
        assert events(rows) == ["replied"]
        assert lead_of(rows).version == 1

    def test_the_second_click_sends_nothing_more(self, attorney, address, rows, clock, amara, lead):
        version = attorney.get(f"/internal/leads/{lead.id}").headers["ETag"]
        first = attorney.post(address, json=WORDS, headers={"If-Match": version})
        clock.shift(timedelta(seconds=59))
        again = attorney.post(address, json=WORDS, headers={"If-Match": version})
        assert (again.status_code, again.json) == (201, first.json)
        assert len(messages(rows)) == 1
        clock.shift(timedelta(seconds=2))
        assert attorney.post(address, json=WORDS).json["id"] != first.json["id"]

    def test_a_stale_version_is_refused(self, browser, attorney, address, given, rows):
        manager = browser().sign_in(given(UserFactory, "manager"))
        manager.post(address, json=WORDS)
        answer = attorney.post(address, json=WORDS, headers={"If-Match": '"1"'})
        assert answer.status_code == 412
        assert len(messages(rows)) == 1

    def test_it_leaves_also_where_the_prospect_wants_no_confirmations(
        self, app, attorney, address, port, clock
    ):
        with app.app_context(), transaction():
            mailboxes.suppress("jane@example.com")
        attorney.post(address, json=WORDS)
        pass_undo_time(clock)
        with mail_server(Script(), port):
            assert deliver(app) == 1

    @pytest.mark.parametrize(("language", "page", "expected"), [(None, "es", "es"), ("es", "en", "es")])
    def test_its_frame_is_in_the_language_of_the_prospect(
        self, given, attorney, amara, rows, language, page, expected
    ):
        lead = given(LeadFactory, assigned_to=amara, language=language, page_language=page)
        attorney.post(f"/internal/leads/{lead.id}/replies", json=WORDS)
        (message,) = messages(rows)
        assert f'<html lang="{expected}"' in message.html


class TestWhoMay:
    @pytest.mark.parametrize(("who", "status"), [("manager", 201), ("admin", 201), ("viewer", 403)])
    def test_write_by_role(self, browser, given, address, rows, who, status):
        client = browser().sign_in(given(UserFactory, who))
        assert client.post(address, json=WORDS).status_code == status
        assert len(messages(rows)) == (status == 201)

    def test_a_colleague_may_read_but_not_write_or_take_back(self, browser, bruno, attorney, address, rows):
        created = attorney.post(address, json=WORDS).json
        client = browser().sign_in(bruno)
        assert client.post(address, json=WORDS).status_code == 403
        assert client.delete(f"{address}/{created['id']}").status_code == 403
        assert client.get(address).json["items"] == [created]

    def test_who_is_barred_finds_nothing(self, browser, given, attorney, address, lead):
        created = attorney.post(address, json=WORDS).json
        barred = given(UserFactory, "admin")
        given(ScreenFactory, lead_id=lead.id, user=barred)
        client = browser().sign_in(barred)
        assert client.get(address).status_code == 404
        assert client.post(address, json=WORDS).status_code == 404
        assert client.delete(f"{address}/{created['id']}").status_code == 404

    def test_nobody_writes_to_what_is_in_quarantine(self, browser, given, max_):
        lead = given(LeadFactory, "quarantined")
        answer = browser().sign_in(max_).post(f"/internal/leads/{lead.id}/replies", json=WORDS)
        assert answer.status_code == 409

    def test_a_reply_of_another_lead_is_not_found(self, given, attorney, amara, address):
        created = attorney.post(address, json=WORDS).json
        other = given(LeadFactory, assigned_to=amara)
        assert attorney.delete(f"/internal/leads/{other.id}/replies/{created['id']}").status_code == 404

    def test_without_an_address_there_is_nobody_to_write_to(self, given, attorney, amara):
        lead = given(LeadFactory, email=None, mailbox=None, phone="+12125550123", assigned_to=amara)
        answer = attorney.post(f"/internal/leads/{lead.id}/replies", json=WORDS)
        assert answer.status_code == 409
        assert "no e-mail address" in answer.json["detail"]


class TestTakingBack:
    def test_a_reply_that_was_taken_back_never_leaves(self, app, attorney, address, rows, clock, port):
        created = attorney.post(address, json=WORDS).json
        assert attorney.delete(f"{address}/{created['id']}").status_code == 204
        pass_undo_time(clock, 600)
        with mail_server(Script(), port):
            assert deliver(app) == 0
        assert attorney.get(address).json == {"items": []}
        assert attorney.delete(f"{address}/{created['id']}").status_code == 404

    def test_it_reopens_the_lead_that_it_marked(self, attorney, address, rows):
        created = attorney.post(address, json=WORDS).json
        attorney.delete(f"{address}/{created['id']}")
        assert lead_of(rows).status is LeadStatus.PENDING
        assert events(rows) == ["replied", "reached_out", "reopened", "reply_taken_back"]
        assert {"lead.reopened", "lead.reply_taken_back"} <= {entry.action for entry in rows(AuditEntry)}

    def test_no_lead_is_reopened_while_a_reply_is_about_to_leave(
        self, browser, max_, attorney, address, clock
    ):
        attorney.post(address, json=WORDS)
        lead = address.removesuffix("/replies")
        for client in (attorney, browser().sign_in(max_)):
            assert "reopen" not in client.get(lead).json["allowed"]
            answer = client.patch(lead, json={"status": "PENDING"})
            assert (answer.status_code, "about to be sent" in answer.text) == (409, True)
        pass_undo_time(clock)
        assert attorney.patch(lead, json={"status": "PENDING"}).status_code == 200

    def test_it_reopens_no_lead_that_was_written_to_again(self, attorney, address, rows):
        first = attorney.post(address, json=WORDS).json
        attorney.post(address, json=WORDS | {"subject": "And more"})
        assert attorney.delete(f"{address}/{first['id']}").status_code == 204
        assert lead_of(rows).status is LeadStatus.REACHED_OUT

    def test_it_reopens_no_lead_that_was_reached_before(self, given, attorney, amara, rows):
        lead = given(LeadFactory, "reached_out", assigned_to=amara)
        created = attorney.post(f"/internal/leads/{lead.id}/replies", json=WORDS).json
        assert attorney.delete(f"/internal/leads/{lead.id}/replies/{created['id']}").status_code == 204
        assert lead_of(rows).status is LeadStatus.REACHED_OUT

    @pytest.mark.parametrize("status", [Status.SENDING, Status.SENT, Status.FAILED])
    def test_what_is_leaving_or_left_cannot_be_taken_back(self, app, attorney, address, rows, given, status):
        created = attorney.post(address, json=WORDS).json
        change_messages(app, status=status)
        answer = attorney.delete(f"{address}/{created['id']}")
        assert answer.status_code == 409
        assert lead_of(rows).status is LeadStatus.REACHED_OUT

    def test_what_the_server_put_off_can_be_taken_back(self, app, attorney, address, rows, clock, port):
        created = attorney.post(address, json=WORDS).json
        pass_undo_time(clock)
        with mail_server(Script(rcpt="451 4.7.1 greylisted"), port):
            assert deliver(app) == 1
        assert attorney.delete(f"{address}/{created['id']}").status_code == 204

    def test_what_the_server_may_have_taken_cannot(self, app, attorney, address, rows, clock, port):
        created = attorney.post(address, json=WORDS).json
        pass_undo_time(clock)
        with mail_server(Script(taken="drop the connection"), port):
            deliver(app)
        assert [attempt.outcome for attempt in rows(DeliveryAttempt)] == ["interrupted"]
        assert attorney.delete(f"{address}/{created['id']}").status_code == 409

    @pytest.mark.every_engine
    def test_worker_and_undo_exclude_each_other(self, app, attorney, address, rows, clock, port):
        """Whoever locks the row first decides."""
        created = attorney.post(address, json=WORDS).json
        pass_undo_time(clock)
        with mail_server(Script(), port):
            assert deliver(app) == 1
        assert attorney.delete(f"{address}/{created['id']}").status_code == 409
        second = attorney.post(address, json=WORDS | {"subject": "Another"}).json
        pass_undo_time(clock)
        assert attorney.delete(f"{address}/{second['id']}").status_code == 204
        with mail_server(Script(), port):
            assert deliver(app) == 0


def change_messages(app, **values: object) -> None:
    with app.app_context(), transaction():
        db.session.execute(db.update(Notification).values(**values))


class TestTheArchive:
    @pytest.fixture
    def settings(self, settings):
        return settings | {"BCC_ARCHIVE": ARCHIVE}

    def test_gets_a_copy_of_its_own_that_nobody_else_sees(self, app, attorney, address, rows, clock, port):
        script = Script()
        attorney.post(address, json=WORDS)
        pass_undo_time(clock, 12)
        with mail_server(script, port):
            assert deliver(app) == 2
        assert sorted(script.recipients) == [ARCHIVE, "jane@example.com"]
        assert script.raw[0] == script.raw[1].replace(boundary(script.raw[1]), boundary(script.raw[0]))
        assert all(ARCHIVE.encode() not in raw for raw in script.raw)
        attempts = rows(DeliveryAttempt)
        assert {attempt.notification_id for attempt in attempts} == {one.id for one in rows(Notification)}

    @pytest.mark.parametrize(
        "said",
        [NO_SUCH_USER, "550 5.7.1 Sender address rejected: not allowed", "451 4.3.0 full", "554 5.7.1 spam"],
    )
    def test_that_refuses_its_copy_stops_no_mail_to_prospects(
        self, app, attorney, address, rows, clock, port, said
    ):
        script = Script(**{f"rcpt {ARCHIVE}": said})
        with mail_server(script, port):
            for number in range(3):
                attorney.post(address, json=WORDS | {"subject": f"Mail {number}"})
                pass_undo_time(clock, 12)
                deliver(app)
        assert [message.status for message in messages(rows)] == [Status.SENT] * 3
        assert all(message.status is not Status.SENT for message in messages(rows, "reply_copy"))

    def test_gets_none_of_a_reply_that_was_taken_back(self, app, attorney, address, rows, clock, port):
        created = attorney.post(address, json=WORDS).json
        pass_undo_time(clock, 9)
        attorney.delete(f"{address}/{created['id']}")
        pass_undo_time(clock, 60)
        with mail_server(Script(), port):
            assert deliver(app) == 0

    def test_is_written_to_in_a_rehearsal_only_where_all_mail_goes(self, app, attorney, address, clock, port):
        app.config["MAIL_REDIRECT_TO"] = "test@firm.example"
        script = Script()
        attorney.post(address, json=WORDS)
        pass_undo_time(clock, 12)
        with mail_server(script, port):
            deliver(app)
        assert script.recipients == ["test@firm.example"] * 2
        assert {mail["To"] for mail in script.received} == {"test@firm.example"}


def boundary(raw: bytes) -> bytes:
    return raw.partition(b'boundary="')[2].partition(b'"')[0]


class TestFailing:
    def fail(self, app, clock, port, said: str = NO_SUCH_USER) -> Script:
        script = Script(**{"rcpt jane@example.com": said})
        pass_undo_time(clock)
        with mail_server(script, port):
            deliver(app)
        return script

    def test_tells_the_author_and_the_managers(self, app, attorney, given, address, rows, clock, port):
        boss = given(UserFactory, "manager")
        attorney.post(address, json=WORDS)
        script = self.fail(app, clock, port)
        assert sorted(script.recipients) == sorted([AMARA, boss.email, "jane@example.com"])
        notices = [mail for mail in script.received if mail["To"] == AMARA]
        assert WORDS["subject"] in notices[0].get_body(("plain",)).get_content()
        assert attorney.get(address).json["items"][0]["status"] == "failed"

    def test_tells_no_author_who_lost_the_lead(
        self, app, browser, max_, attorney, address, lead, clock, port
    ):
        attorney.post(address, json=WORDS)
        browser().sign_in(max_).put(f"/internal/leads/{lead.id}/assignee", json={"user_id": None})
        assert AMARA not in self.fail(app, clock, port).recipients

    def test_because_of_the_address_warns_of_it_until_a_mail_arrives(
        self, app, attorney, address, lead, clock, port
    ):
        attorney.post(address, json=WORDS)
        assert "email_refused" not in attorney.get(f"/internal/leads/{lead.id}").json
        self.fail(app, clock, port)
        assert attorney.get(f"/internal/leads/{lead.id}").json["email_refused"] is True
        attorney.post(address, json=WORDS | {"subject": "Again"})
        assert attorney.get(f"/internal/leads/{lead.id}").json["email_refused"] is True
        self.fail(app, clock, port, OK)
        assert "email_refused" not in attorney.get(f"/internal/leads/{lead.id}").json

    @pytest.mark.parametrize("said", ["550 5.7.1 we do not like you", "554 5.7.1 message rejected"])
    def test_closes_no_channel_to_people_of_the_firm(self, app, attorney, address, rows, clock, port, said):
        attorney.post(address, json=WORDS)
        self.fail(app, clock, port, said)
        assert [fault.scope for fault in rows(ChannelFault) if fault.scope == "all"] == []


ODD_BODIES = {
    "one long line": "x" * 10_000,
    "one long line of words": "word " * 1_999 + "word",
    "emoji": "\U0001f469\u200d\u2696\ufe0f\U0001f600" * 2_000,
    "right to left": "\u202b\u0634\u0643\u0631\u0627 (10:00)\u202c.\n\u05e0\u05d3\u05d1\u05e8!",
    "dots": ".\n..\n.\nend\n.",
    "From lines": "From here on\nFrom nobody@example.com Mon\n>From me",
    "markup": '<script>alert(1)</script> & "\'" <b>',
    "trailing space": "Dear Jane,   \n\nmore =20 and = signs =\n-- \nme",
    "quotes and lines": '"\n' * 4_999 + '"',
    "nothing but empty lines": "a" + "\n" * 9_998 + "b",
    "Chinese": "您好" * 5_000,
}
MARKS = "a" + "\u0301" * 10_000


class TestTheText:
    def send(self, app, attorney, address, clock, port, **words: str) -> tuple[Script, int]:
        script = Script()
        status = write(attorney, address, WORDS | words).status_code
        pass_undo_time(clock)
        with mail_server(script, port):
            deliver(app)
        return script, status

    @pytest.mark.parametrize("name", ODD_BODIES)
    def test_arrives_as_it_was_typed_in_lines_that_every_server_takes(
        self, app, attorney, address, clock, port, name
    ):
        typed = ODD_BODIES[name]
        script, status = self.send(app, attorney, address, clock, port, body=typed)
        assert status == 201
        (raw,), (mail,) = script.raw, script.received
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998
        text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
        assert text.partition("\n\n-- \nOur Law Firm")[0].rstrip() == typed.rstrip()
        assert "<script>" not in mail.get_body(("html",)).get_content()

    @pytest.mark.every_engine
    def test_of_ten_thousand_large_characters_fits_the_outbox(self, app, attorney, address, rows):
        for number, body in enumerate(ODD_BODIES.values()):
            answer = write(attorney, address, {"subject": f"Mail {number}", "body": body})
            assert answer.status_code == 201, answer.json
            assert answer.json["body"] == body.strip()
        assert len(rows(Reply)) == len(ODD_BODIES)

    @pytest.mark.parametrize(
        "subject",
        [
            "One\r\nBcc: all@firm.example",
            "One\nX: y", "One\rtwo", "One\x00two", "One\u2028two", "One\x85two",
            "\u202eevil", "\u2066x", "", "   ", "\u200b", "x" * 151, "a" + "\u0301" * 10_000, "One\ttwo",
        ],
    )  # fmt: skip
    def test_has_a_subject_of_one_line(self, attorney, address, rows, subject):
        answer = attorney.post(address, json=WORDS | {"subject": subject})
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == ["subject"]
        assert rows(Notification) == []

    @pytest.mark.parametrize("body", ["", " \n ", "\u200b", "x" * 10_001, MARKS, "a\x00b", "a\x1bb"])
    def test_has_a_body_that_can_be_read(self, attorney, address, rows, body):
        answer = attorney.post(address, json=WORDS | {"body": body})
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == ["body"]

    def test_is_composed_and_its_ends_of_lines_are_one_kind(self, attorney, address):
        body = "a\r\nb\rc\u2028d\x0be" + "e\u0301"
        answer = attorney.post(address, json={"subject": "Cafe\u0301 " + "y" * 144, "body": body})
        assert answer.json["subject"] == "Café " + "y" * 144
        assert answer.json["body"] == "a\nb\nc\nd\neé"

    @pytest.mark.parametrize(
        "subject", ["Señor 您好 \U0001f600 " * 8, "=?utf-8?q?Bcc:?= x", "x" * 150, "Re: a, b; c: <d>"]
    )
    def test_has_a_subject_that_reads_as_it_was_typed(self, app, attorney, address, clock, port, subject):
        script, status = self.send(app, attorney, address, clock, port, subject=subject.strip())
        assert status == 201
        assert script.received[0]["Subject"] == subject.strip()
        assert max(len(line) for line in script.raw[0].split(b"\r\n")) <= 998

    @pytest.mark.parametrize(
        ("body", "status"),
        [({}, 422), ({"subject": "x"}, 422), ({"body": "x"}, 422), (WORDS | {"to": "x"}, 422)],
    )
    def test_is_required(self, attorney, address, body, status):
        assert attorney.post(address, json=body).status_code == status
