"""POST /internal/leads/bulk: one act on many leads, each as if alone."""

from __future__ import annotations

import pytest

from leadintake.audit.models import AuditEntry
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.leads.bulk import service
from leadintake.leads.bulk.schemas import MAX_LEADS
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.leases import BLOCKED, due_query
from leadintake.notifications.models import ATTEMPTS, OUTBOX, Notification, Priority, Status
from tests.factories import LeadFactory, NotificationFactory, ScreenFactory, UserFactory
from tests.support.outbox import deliver

BULK = "/internal/leads/bulk"
GONE = "There is no such lead."


def do(client, act, **members):
    return client.post(BULK, json={"act": act, **members})


def statuses(answer):
    assert answer.status_code == 200, answer.text
    return [(item["id"], item["status"]) for item in answer.json["items"]]


def owners(rows):
    return {lead.assignee_id for lead in rows(Lead)}


@pytest.fixture
def many(given, amara):
    return [given(LeadFactory, assigned_to=amara) for _ in range(12)]


@pytest.mark.every_engine
def test_many_go_to_a_colleague_by_id_and_by_reference(client, many, bruno, max_, rows):
    keys = [lead.reference if number % 2 else str(lead.id) for number, lead in enumerate(many)]
    answer = do(client.sign_in(max_), "assign", ids=keys, user_id=str(bruno.id))
    assert statuses(answer) == [(key, 200) for key in keys]
    assert owners(rows) == {bruno.id}
    assert [event.action for event in rows(LeadEvent)] == ["assigned"] * 12
    entries = [entry for entry in rows(AuditEntry) if entry.action == "lead.assigned"]
    assert [entry.subject_id for entry in entries] == [lead.id for lead in many]


@pytest.mark.every_engine
def test_one_refusal_leaves_the_others_done(client, given, many, bruno, max_, rows):
    hidden, reached, barred = many[1], many[2], many[3]
    given(ScreenFactory, lead_id=hidden.id, user=max_)
    given(ScreenFactory, lead_id=barred.id, user=bruno)
    quarantined = given(LeadFactory, "quarantined")
    keys = [str(lead.id) for lead in (many[0], hidden, reached, barred, quarantined)] + [
        "nonsense",
        "7QM4-2XRF",
    ]
    answer = do(client.sign_in(max_), "assign", ids=keys, user_id=str(bruno.id))
    assert [status for _, status in statuses(answer)] == [200, 404, 200, 422, 409, 404, 404]
    details = [item["detail"] for item in answer.json["items"]]
    assert details[0] is None
    assert details[1] == details[5] == details[6] == GONE
    assert "active, not away" in details[3]
    assert {lead.id for lead in rows(Lead) if lead.assignee_id == bruno.id} == {many[0].id, reached.id}
    assert {event.lead_id for event in rows(LeadEvent)} == {many[0].id, reached.id}


def test_many_are_deleted_and_a_second_time_gone(client, many, max_, rows):
    keys = [lead.reference for lead in many] + [many[0].reference]
    answer = do(client.sign_in(max_), "delete", ids=keys)
    assert [status for _, status in statuses(answer)] == [204] * 12 + [404]
    assert all(lead.deleted_at for lead in rows(Lead))


def test_a_filter_is_that_of_the_list(client, given, many, amara, bruno, max_, rows):
    other = given(LeadFactory, assigned_to=bruno)
    staff = client.sign_in(max_)
    answer = do(staff, "assign", filter={"assigned_to": str(amara.id)}, user_id=None)
    assert {key for key, _ in statuses(answer)} == {str(lead.id) for lead in many}
    assert {lead.id for lead in rows(Lead) if lead.assignee_id} == {other.id}
    assert statuses(do(staff, "delete", filter={"q": "nobody of this name"})) == []
    listed = [entry for entry in rows(AuditEntry) if entry.action == "leads.listed"]
    assert len(listed) == 2


def test_more_than_fit_are_refused(client, many, max_, rows, monkeypatch):
    monkeypatch.setattr(service, "MAX_LEADS", 11)
    answer = do(client.sign_in(max_), "delete", filter={})
    assert answer.status_code == 422
    assert "More than 11 leads fit" in answer.json["errors"]["filter"][0]
    assert not any(lead.deleted_at for lead in rows(Lead))


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"act": "delete"}, {"ids", "filter"}),
        ({"act": "delete", "ids": ["x"], "filter": {}}, {"ids", "filter"}),
        ({"act": "delete", "ids": []}, {"ids"}),
        ({"act": "delete", "ids": ["x"] * (MAX_LEADS + 1)}, {"ids"}),
        ({"act": "delete", "ids": ["x"], "user_id": None}, {"user_id"}),
        ({"act": "assign", "ids": ["x"]}, {"user_id"}),
        ({"act": "explode", "ids": ["x"]}, {"act"}),
        ({"act": "delete", "filter": {"moon": "full"}}, {"filter"}),
        ({"act": "delete", "ids": ["x"], "sort": "email"}, {"sort"}),
    ],
)
def test_requests_that_do_not_fit_name_what_is_wrong(client, max_, members, wrong):
    answer = client.sign_in(max_).post(BULK, json=members)
    assert (answer.status_code, set(answer.json["errors"])) == (422, wrong)


def test_an_attorney_takes_what_nobody_has_and_deletes_nothing(client, given, many, amara, bruno, rows):
    free = given(LeadFactory)
    staff = client.sign_in(bruno)
    keys = [free.reference, many[0].reference]
    taken = do(staff, "assign", ids=keys, user_id=str(bruno.id))
    assert [status for _, status in statuses(taken)] == [200, 403]
    refused = do(staff, "delete", ids=[*keys, "nonsense"])
    assert [status for _, status in statuses(refused)] == [403, 403, 403]
    assert [entry.actor_id for entry in rows(AuditEntry) if entry.action == "access.refused"] == [bruno.id]
    assert not any(lead.deleted_at for lead in rows(Lead))


def test_a_viewer_may_not(client, given, many):
    answer = do(client.sign_in(given(UserFactory, "viewer")), "delete", ids=[many[0].reference])
    assert answer.status_code == 403


class TestMails:
    @pytest.fixture(autouse=True)
    def every_lead_is_a_batch(self, monkeypatch):
        monkeypatch.setattr(service, "BATCH_SECONDS", 0)

    def test_up_to_five_are_told_one_by_one(self, client, many, bruno, max_, rows):
        do(client.sign_in(max_), "assign", ids=[lead.reference for lead in many[:5]], user_id=str(bruno.id))
        assert [(one.kind, one.recipient) for one in rows(Notification)] == [
            ("attorney_alert", bruno.email)
        ] * 5

    @pytest.mark.every_engine
    def test_of_more_one_mail_tells_each_person(self, app, client, given, many, amara, bruno, max_, rows):
        for lead in many[:7]:
            given(NotificationFactory, "sent", lead_id=lead.id, recipient=amara.email)
        keys = [lead.reference for lead in many]
        do(client.sign_in(max_), "assign", ids=keys, user_id=str(bruno.id))
        to_bruno, to_amara = (one for one in rows(Notification) if one.kind == "leads_moved")
        assert {to_bruno.recipient, to_amara.recipient} == {bruno.email, amara.email}
        if to_bruno.recipient == amara.email:
            to_bruno, to_amara = to_amara, to_bruno
        assert all(f"{key}: Bruno Attorney" in to_bruno.text for key in keys)
        assert sum(f"{key}: Bruno Attorney" in to_amara.text for key in keys) == 7
        assert "12 leads" in to_bruno.subject
        assert deliver(app) == 2

    def test_managers_hear_once_that_nobody_has_them(self, client, many, max_, ada, rows):
        do(client.sign_in(max_), "assign", ids=[lead.reference for lead in many], user_id=None)
        told = [(one.kind, one.recipient) for one in rows(Notification)]
        assert sorted(told) == [("leads_moved", ada.email), ("leads_moved", max_.email)]

    def test_who_does_it_is_not_mailed_about_their_own_act(self, client, many, max_, rows):
        do(client.sign_in(max_), "assign", ids=[lead.reference for lead in many], user_id=str(max_.id))
        assert rows(Notification) == []

    def test_after_a_crash_the_mail_of_what_was_done_is_sent(
        self, client, many, bruno, max_, rows, monkeypatch
    ):
        real, number = service.leads.assign, iter(range(100))

        def fail_at_the_ninth(*args, **named):
            if next(number) == 8:
                raise RuntimeError("the machine stops")
            return real(*args, **named)

        monkeypatch.setattr(service.leads, "assign", fail_at_the_ninth)
        answer = do(
            client.sign_in(max_), "assign", ids=[lead.reference for lead in many], user_id=str(bruno.id)
        )
        assert answer.status_code == 500
        assert sum(lead.assignee_id == bruno.id for lead in rows(Lead)) == 8
        (message,) = rows(Notification)
        assert (message.status, "8 leads" in message.subject) == (Status.QUEUED, True)
        assert message.due_at is not None

    def test_a_mail_on_its_way_stays_and_another_tells_the_rest(
        self, client, given, many, bruno, max_, rows, monkeypatch
    ):
        real, number = service.leads.assign, iter(range(100))

        def send_after_the_fourth(*args, **named):
            if next(number) == 4:
                db.session.execute(
                    OUTBOX.update().values(status="sent", due_at=None, attempts=1, claimed_by=None)
                )
            return real(*args, **named)

        monkeypatch.setattr(service.leads, "assign", send_after_the_fourth)
        do(client.sign_in(max_), "assign", ids=[lead.reference for lead in many], user_id=str(bruno.id))
        first, second = rows(Notification)
        assert ("4 leads" in first.subject, "8 leads" in second.subject) == (True, True)

    @pytest.mark.every_engine
    def test_until_all_are_given_no_worker_may_send_it_and_then_at_once(
        self, client, many, bruno, max_, rows, monkeypatch
    ):
        real, due_meanwhile = service.leads.assign, []

        def look(*args, **named):
            due_meanwhile.extend(db.session.scalars(due_query(*Priority)))
            return real(*args, **named)

        monkeypatch.setattr(service.leads, "assign", look)
        do(client.sign_in(max_), "assign", ids=[lead.reference for lead in many], user_id=str(bruno.id))
        assert due_meanwhile == []
        (message,) = rows(Notification)
        assert (message.claimed_by, message.due_at <= now()) == (None, True)

    def test_one_that_waits_after_an_attempt_stays_and_another_tells_the_rest(
        self, client, many, bruno, max_, rows, monkeypatch
    ):
        real, number = service.leads.assign, iter(range(100))

        def refuse_the_sender_after_the_fourth(*args, **named):
            if next(number) == 4:
                message_id = db.session.execute(
                    OUTBOX.update().values(claimed_by=None, due_at=now()).returning(OUTBOX.c.id)
                ).scalar_one()
                attempt = {"notification_id": message_id, "outcome": BLOCKED, "reply": ""}
                db.session.execute(ATTEMPTS.insert().values(attempt))
            return real(*args, **named)

        monkeypatch.setattr(service.leads, "assign", refuse_the_sender_after_the_fourth)
        answer = do(
            client.sign_in(max_), "assign", ids=[lead.reference for lead in many], user_id=str(bruno.id)
        )
        assert [status for _, status in statuses(answer)] == [200] * 12
        assert ["leads" in one.subject for one in rows(Notification)] == [True] * 2

    @pytest.mark.every_engine
    def test_who_got_them_by_one_mail_is_told_that_they_are_gone(
        self, app, client, many, amara, bruno, max_, rows
    ):
        staff, keys = client.sign_in(max_), [lead.reference for lead in many[:7]]
        do(staff, "assign", ids=keys, user_id=str(bruno.id))
        assert deliver(app) == 1
        do(staff, "assign", ids=keys, user_id=str(amara.id))
        told = {one.recipient: one.text for one in rows(Notification) if one.status is Status.QUEUED}
        assert {*told} == {amara.email, bruno.email}
        assert "7 leads" in {one.subject[-7:] for one in rows(Notification) if one.recipient == bruno.email}
        assert all(f"{key}: Amara Attorney" in told[bruno.email] for key in keys)

    def test_of_one_that_did_not_leave_before_they_were_gone_only_the_others_are_named(
        self, app, client, many, amara, bruno, max_, rows
    ):
        staff, keys = client.sign_in(max_), [lead.reference for lead in many]
        do(staff, "assign", ids=keys[:8], user_id=str(bruno.id))
        do(staff, "assign", ids=keys[:7], user_id=str(amara.id))
        assert deliver(app) == 2
        (to_bruno,) = (one for one in rows(Notification) if one.recipient == bruno.email and one.sent_at)
        assert (keys[7] in to_bruno.text, keys[6] in to_bruno.text) == (True, False)

    @pytest.mark.parametrize("ended", [0, 3, 6])
    def test_only_of_open_leads_it_asks_to_reach_out(self, client, given, many, bruno, max_, rows, ended):
        closed = [given(LeadFactory, outcome="hired") for _ in range(ended)]
        keys = [lead.reference for lead in (*closed, *many[: 6 - ended])]
        do(client.sign_in(max_), "assign", ids=keys, user_id=str(bruno.id))
        (mail,) = rows(Notification)
        assert ("reach out" in mail.text, "mark them" in mail.text) == (ended < 6, ended == 0)
