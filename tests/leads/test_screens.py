"""Ethical walls: who is barred from a lead by name, why, who said so, and what follows from it."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import db
from leadintake.core.db.types import new_id
from leadintake.leads.intake import service as intake_module
from leadintake.leads.models import Lead, LeadEvent, Screen
from leadintake.notifications import leases
from leadintake.notifications.models import DeliveryAttempt, Notification, Status
from tests.factories import LeadFactory, NotificationFactory, ScreenFactory, UserFactory
from tests.support.outbox import alerted, deliver, delivered

WHY = "Represented her husband in 2024."
ROLES = ("viewer", "attorney", "manager", "admin")


@pytest.fixture
def boss(given):
    return given(UserFactory, "manager", email="max@firm.example.com")


@pytest.fixture
def manager(browser, boss):
    return browser().sign_in(boss)


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara", email="amara@firm.example.com")


@pytest.fixture
def bruno(given):
    return given(UserFactory, name="Bruno", email="bruno@firm.example.com")


@pytest.fixture
def run(app):
    """Run `flask leads …`."""
    return lambda *words: app.test_cli_runner().invoke(args=["leads", *map(str, words)])


def someone(given, role: str):
    return given(UserFactory, *([] if role == "attorney" else [role]))


def bar(client, lead, person, notice: str = WHY):
    """Ask that `person` be barred from `lead`."""
    body = {"user_id": str(getattr(person, "id", person)), "notice": notice}
    return client.post(f"/internal/leads/{lead.id}/screens", json=body)


def lift(client, lead, person):
    """Ask that the bar be lifted."""
    return client.delete(f"/internal/leads/{lead.id}/screens/{getattr(person, 'id', person)}")


def owed_to(rows, recipient: str) -> list[str]:
    """The kinds of the messages that will or did go to somebody."""
    return [one.kind for one in rows(Notification) if one.recipient == recipient and one.deleted_at is None]


def told(rows, action: str) -> list[tuple[str, str]]:
    """The lines of the history about one kind of act: who, and what."""
    return [(event.actor, event.detail) for event in rows(LeadEvent) if event.action == action]


class TestSetting:
    """POST /internal/leads/{id}/screens."""

    def test_a_screen_says_who_why_and_who_set_it(self, manager, given, rows, amara):
        lead = given(LeadFactory)
        answer = bar(manager, lead, amara, f"  {WHY} ")
        assert answer.status_code == 201
        assert answer.json == {
            "user": {"id": str(amara.id), "name": "Amara", "email": "amara@firm.example.com"},
            "notice": WHY,
            "set_by": "max@firm.example.com",
            "set_at": answer.json["set_at"],
        }
        assert answer.json["set_at"].endswith("Z")
        listed = manager.get(f"/internal/leads/{lead.id}/screens")
        assert (listed.status_code, listed.json) == (200, {"items": [answer.json]})
        assert told(rows, "screened") == [("max@firm.example.com", f"amara@firm.example.com: {WHY}")]

    @pytest.mark.every_engine
    def test_set_twice_the_notice_is_replaced(self, manager, browser, given, rows, amara):
        lead, admin = given(LeadFactory), given(UserFactory, "admin")
        first = bar(manager, lead, amara).json
        second = bar(browser().sign_in(admin), lead, amara, "Knows the judge.").json
        assert (second["notice"], second["set_by"]) == ("Knows the judge.", admin.email)
        assert second["set_at"] > first["set_at"]
        assert manager.get(f"/internal/leads/{lead.id}/screens").json == {"items": [second]}
        assert len(rows(Screen)) == 1
        assert [detail for _, detail in told(rows, "screened")] == [
            f"{amara.email}: {WHY}", f"{amara.email}: Knows the judge.",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "notice", ["", "   ", "x" * 501, "two\nlines", "a\x00b", "a\u202eb", "\u200b", "\u3164"]
    )
    def test_a_notice_that_cannot_be_read_is_422(self, manager, given, rows, amara, notice):
        lead = given(LeadFactory)
        answer = bar(manager, lead, amara, notice)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["notice"])
        assert rows(Screen) == rows(LeadEvent) == []

    def test_the_longest_notice_is_kept_whole(self, manager, given, amara):
        assert bar(manager, given(LeadFactory), amara, " " + "ü" * 500).json["notice"] == "ü" * 500

    def test_everything_wrong_is_named_at_once(self, manager, given):
        answer = bar(manager, given(LeadFactory), new_id(), "")
        assert (answer.status_code, set(answer.json["errors"])) == (422, {"user_id", "notice"})

    def test_a_body_that_does_not_validate_is_422(self, manager, given, amara):
        address = f"/internal/leads/{given(LeadFactory).id}/screens"
        for body, fields in (
            ({}, {"user_id", "notice"}),
            ({"user_id": "x", "notice": 1}, {"user_id", "notice"}),
            ({"user_id": str(amara.id), "notice": "x", "set_by": "me"}, {"set_by"}),
        ):
            answer = manager.post(address, json=body)
            assert (answer.status_code, set(answer.json["errors"])) == (422, fields)

    def test_who_left_may_be_barred_before_they_come_back(self, manager, given):
        assert bar(manager, given(LeadFactory), given(UserFactory, "inactive")).status_code == 201

    @pytest.mark.parametrize("role", ROLES)
    def test_only_managers_and_admins_look_at_set_and_lift_screens(self, browser, given, amara, role):
        lead, client = given(LeadFactory), browser().sign_in(someone(given, role))
        expected = {201, 200, 204} if role in ("manager", "admin") else {403}
        answers = (bar(client, lead, amara), client.get(f"/internal/leads/{lead.id}/screens"),
                   lift(client, lead, amara))  # fmt: skip
        assert {answer.status_code for answer in answers} == expected

    def test_a_lead_that_is_not_there_is_404(self, manager, given, rows, amara):
        for lead in (given(LeadFactory, "deleted"), amara):
            assert bar(manager, lead, amara).status_code == 404
            assert manager.get(f"/internal/leads/{lead.id}/screens").status_code == 404
            assert lift(manager, lead, amara).status_code == 404
        assert rows(Screen) == []


class TestTheWall:
    """For who is barred the lead is not there."""

    @pytest.mark.parametrize("role", ROLES)
    def test_it_is_stronger_than_every_role(self, browser, manager, given, role):
        lead, other, person = given(LeadFactory), given(LeadFactory), someone(given, role)
        barred = browser().sign_in(person)
        assert barred.get(f"/internal/leads/{lead.id}").status_code == 200
        bar(manager, lead, person)
        assert barred.get(f"/internal/leads/{lead.id}").status_code == 404
        assert [item["id"] for item in barred.get("/internal/leads").json["items"]] == [str(other.id)]
        lift(manager, lead, person)
        assert barred.get(f"/internal/leads/{lead.id}").status_code == 200

    def test_who_is_barred_neither_sees_nor_lifts_nor_sets_a_screen_of_it(self, browser, given, rows, amara):
        lead, admin = given(LeadFactory), given(UserFactory, "admin")
        given(ScreenFactory, lead_id=lead.id, user=admin, notice=WHY)
        client = browser().sign_in(admin)
        assert client.get(f"/internal/leads/{lead.id}/screens").status_code == 404
        assert lift(client, lead, admin).status_code == 404
        assert bar(client, lead, amara).status_code == 404
        assert bar(client, lead, admin, "mine").status_code == 404
        assert [screen.notice for screen in rows(Screen)] == [WHY]

    def test_somebody_may_bar_themselves_and_has_no_way_back(self, manager, given, boss):
        lead = given(LeadFactory)
        assert bar(manager, lead, boss).status_code == 201
        assert lift(manager, lead, boss).status_code == 404
        assert manager.get(f"/internal/leads/{lead.id}").status_code == 404

    def test_others_see_the_lead_as_before(self, manager, browser, given, amara, bruno):
        lead = given(LeadFactory)
        before = manager.get(f"/internal/leads/{lead.id}")
        bar(manager, lead, amara)
        assert manager.get(f"/internal/leads/{lead.id}").json == before.json
        assert browser().sign_in(bruno).get(f"/internal/leads/{lead.id}").status_code == 200

    def test_a_twin_shown_no_more_changes_the_etag_of_the_lead_that_showed_it(
        self, manager, browser, given, amara
    ):
        lead, twin = (given(LeadFactory, email="jane@example.com") for _ in range(2))
        reader = browser().sign_in(amara)
        seen = [reader.get(f"/internal/leads/{twin.id}")]
        for change in (bar, lift):
            change(manager, lead, amara)
            seen.append(reader.get(f"/internal/leads/{twin.id}"))
        assert [one.json["duplicates"] for one in seen] == [[str(lead.id)], [], [str(lead.id)]]
        assert {one.json["version"] for one in seen} == {twin.version}
        tags = [one.headers["ETag"] for one in seen]
        assert tags[0] == tags[2] != tags[1]

    def test_a_deleted_lead_is_restored_by_others_only(self, manager, browser, given, boss):
        lead, admin = given(LeadFactory), given(UserFactory, "admin")
        bar(manager, lead, admin)
        manager.delete(f"/internal/leads/{lead.id}")
        barred = browser().sign_in(admin)
        assert barred.post(f"/internal/leads/{lead.id}/restore").status_code == 404
        assert manager.post(f"/internal/leads/{lead.id}/restore").status_code == 200


class TestLifting:
    """DELETE /internal/leads/{id}/screens/{user_id}."""

    def test_a_lifted_screen_stays_in_the_history(self, manager, given, rows, amara):
        lead = given(LeadFactory)
        bar(manager, lead, amara)
        answer = lift(manager, lead, amara)
        assert (answer.status_code, answer.data) == (204, b"")
        assert rows(Screen) == []
        assert told(rows, "screen_lifted") == [("max@firm.example.com", f"{amara.email}: {WHY}")]

    def test_where_there_is_none_it_is_404(self, manager, given, rows, amara, bruno):
        lead = given(LeadFactory)
        given(ScreenFactory, lead_id=given(LeadFactory).id, user=amara)
        given(ScreenFactory, lead_id=lead.id, user=bruno)
        assert lift(manager, lead, amara).status_code == 404
        assert lift(manager, lead, new_id()).status_code == 404
        assert (len(rows(Screen)), rows(LeadEvent)) == (2, [])


class TestNobodyBarredIsAssignedOrTold:
    """Leads, alerts and notices go round the wall."""

    def test_a_lead_of_theirs_goes_to_the_next(self, manager, given, rows, amara, bruno):
        lead = given(LeadFactory, assigned_to=amara)
        assert bar(manager, lead, amara).status_code == 201
        shown = manager.get(f"/internal/leads/{lead.id}").json
        assert shown["assigned_to"]["id"] == str(bruno.id)
        assert shown["assignment"]["reason"].startswith(f"{amara.name} is screened from it. {bruno.name} ")
        assert alerted(rows) == [(bruno.email, lead.id)]

    @pytest.mark.parametrize("part", ["history", "detail", "proof", "page"])
    def test_the_next_learns_neither_the_reason_nor_whom_it_was_hidden_from(
        self, manager, browser, given, amara, bruno, part
    ):
        lead = given(LeadFactory, assigned_to=bruno)
        bar(manager, lead, bruno, "SECRET conflict")
        paths = {
            "history": f"/internal/leads/{lead.id}/history",
            "detail": f"/internal/leads/{lead.id}",
            "proof": f"/internal/leads/{lead.id}/proof",
            "page": f"/desk/leads/{lead.id}",
        }
        part_of_it = browser().sign_in(amara).get(paths[part])
        assert part_of_it.status_code == 200
        assert "lightest load" in part_of_it.text
        for words in ("SECRET conflict", bruno.email, f"{bruno.name} is screened"):
            assert words not in part_of_it.text
        assert f"{bruno.name} is screened from it." in manager.get(paths[part]).text
        if part != "detail":
            assert f"{bruno.email}: SECRET conflict" in manager.get(paths[part]).text

    def test_where_there_is_no_next_it_waits_and_the_other_managers_are_told(
        self, manager, given, rows, boss, amara
    ):
        admin = given(UserFactory, "admin")
        lead = given(LeadFactory, assigned_to=amara)
        given(ScreenFactory, lead_id=lead.id, user=admin)
        assert bar(manager, lead, amara).status_code == 201
        shown = manager.get(f"/internal/leads/{lead.id}").json
        assert (shown["assigned_to"], shown["assignment"]["strategy"]) == (None, "least_open")
        assert shown["assignment"]["reason"].startswith(f"{amara.name} is screened from it. Nobody can take")
        assert [actor for actor, _ in told(rows, "left_unassigned")] == ["system"]
        assert [(one.kind, one.recipient) for one in rows(Notification)] == [("unassigned_alert", boss.email)]

    def test_one_whose_prospect_was_reached_is_for_the_managers_to_give(
        self, app, manager, given, rows, boss, amara, bruno
    ):
        lead = given(LeadFactory, "reached_out", assigned_to=amara)
        assert bar(manager, lead, amara).status_code == 201
        shown = manager.get(f"/internal/leads/{lead.id}").json
        assert (shown["assigned_to"], shown["assignment"]["strategy"]) == (None, "manual")
        assert told(rows, "assigned") == [(boss.email, "to nobody")]
        assert [(one.kind, one.recipient) for one in rows(Notification)] == [("left_to_nobody", boss.email)]
        assert [one.kind for one in delivered(app)] == ["left_to_nobody"]

    def test_a_lead_of_somebody_else_stays_theirs(self, manager, given, rows, amara, bruno):
        lead = given(LeadFactory, assigned_to=bruno)
        bar(manager, lead, amara)
        assert rows(Lead)[0].assignee_id == bruno.id
        assert rows(Notification) == told(rows, "assigned") == []

    def test_a_manager_who_had_it_is_not_told_that_nobody_has_it(self, manager, given, rows, boss):
        lead = given(LeadFactory, assigned_to=boss)
        bar(manager, lead, boss)
        assert (rows(Lead)[0].assignee_id, rows(Notification)) == (None, [])

    def test_what_was_not_sent_yet_is_withdrawn(self, app, manager, given, rows, amara, bruno):
        lead, other = (given(LeadFactory, assigned_to=bruno) for _ in range(2))
        theirs = {"lead_id": lead.id, "recipient": amara.email}
        given(NotificationFactory, **theirs)
        given(NotificationFactory, "failed", **theirs)
        given(NotificationFactory, "sent", **theirs)
        given(NotificationFactory, lead_id=other.id, recipient=amara.email, kind="account_notice")
        given(NotificationFactory, lead_id=lead.id, recipient=bruno.email)
        bar(manager, lead, amara)
        hidden, failed, *others = rows(Notification)
        assert all(one.deleted_at is not None and one.due_at is None for one in (hidden, failed))
        assert [one.deleted_at for one in others] == [None] * 3
        assert manager.post(f"/internal/notifications/{failed.id}/retry").status_code == 404
        assert deliver(app) == 2

    def test_what_was_withdrawn_does_not_come_back_with_a_restored_lead(
        self, app, manager, given, rows, amara, bruno
    ):
        lead = given(LeadFactory, assigned_to=bruno)
        for person in (amara, bruno):
            given(NotificationFactory, lead_id=lead.id, recipient=person.email)
        bar(manager, lead, amara)
        lift(manager, lead, amara)
        manager.delete(f"/internal/leads/{lead.id}")
        manager.post(f"/internal/leads/{lead.id}/restore")
        assert (owed_to(rows, amara.email), owed_to(rows, bruno.email)) == ([], ["attorney_alert"])
        assert deliver(app) == 1

    def test_what_is_in_the_hands_of_a_worker_is_not_tried_again(self, app, manager, given, rows, amara):
        lead = given(LeadFactory, assignment_strategy="manual")
        given(NotificationFactory, lead_id=lead.id, recipient=amara.email, kind="account_notice")
        with app.app_context():
            claimed = leases.claim("worker")
            db.session.commit()
            bar(manager, lead, amara)
            leases.mark_deferred(claimed, "451 later")
            db.session.commit()
        (owed,) = rows(Notification)
        assert (owed.status, owed.due_at, owed.claimed_by) == (Status.QUEUED, None, None)
        assert [attempt.outcome for attempt in rows(DeliveryAttempt)] == ["deferred"]
        assert deliver(app) == 0

    def test_a_barred_person_cannot_be_given_the_lead(self, manager, run, given, rows, amara):
        lead = given(LeadFactory)
        given(ScreenFactory, lead_id=lead.id, user=amara)
        viewer = given(UserFactory, "viewer")

        def give(person):
            body = {"user_id": str(person.id)}
            answer = manager.put(f"/internal/leads/{lead.id}/assignee", json=body)
            assert answer.status_code == 422
            return answer.json["errors"]

        assert give(amara) == give(viewer)
        refused = run("reassign", lead.id, amara.email)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert (rows(Lead)[0].assignee_id, rows(Notification)) == (None, [])

    def test_a_manager_who_is_barred_is_not_told_of_a_lead_left_to_nobody(
        self, manager, given, rows, boss, amara
    ):
        lead = given(LeadFactory, assigned_to=amara)
        given(ScreenFactory, lead_id=lead.id, user=given(UserFactory, "admin"))
        manager.put(f"/internal/leads/{lead.id}/assignee", json={"user_id": None})
        assert [one.recipient for one in rows(Notification)] == [boss.email]

    @pytest.mark.parametrize("about_it", [True, False])
    def test_a_manager_who_is_barred_is_not_told_of_a_message_that_failed(
        self, app, given, rows, boss, about_it
    ):
        lead, admin = given(LeadFactory), given(UserFactory, "admin")
        given(ScreenFactory, lead_id=lead.id, user=admin)
        about = {"lead_id": lead.id if about_it else None, "kind": "prospect_confirmation"}
        given(NotificationFactory, **about)
        with app.app_context():
            leases.mark_failed(leases.claim("worker"), "550 no such user")
            db.session.commit()
        notices = {one.recipient for one in rows(Notification) if one.kind == "delivery_failed"}
        assert notices == ({boss.email} if about_it else {boss.email, admin.email})


class TestTheSecondForm:
    """Whoever wrote before writes again: the wall is about the client."""

    def test_it_inherits_the_screens_and_goes_to_somebody_else(self, client, given, rows, amara, bruno):
        given(UserFactory, "manager")
        first = given(LeadFactory, email="jane@example.com")
        for _ in range(3):
            given(LeadFactory, assigned_to=bruno)
        given(ScreenFactory, lead_id=first.id, user=amara, notice=WHY, set_by="max@firm.example.com")
        second = client.submit(email="jane@example.com").json["id"]
        lead = next(one for one in rows(Lead) if str(one.id) == second)
        assert lead.assignee_id == bruno.id
        assert lead.assignment_reason == (
            "Bruno had 3 open leads, the lightest load of 1. "
            "Left out: 1 not taking leads, 1 screened from it."
        )
        inherited = next(one for one in rows(Screen) if one.lead_id == lead.id)
        assert (inherited.user_id, inherited.notice, inherited.set_by) == (
            amara.id, WHY, "max@firm.example.com",
        )  # fmt: skip
        assert told(rows, "screened") == [("system", f"{amara.email}: {WHY}")]
        assert owed_to(rows, amara.email) == []

    @pytest.mark.parametrize(
        ("before", "again", "inherits"),
        [
            ("jane@example.com", "Jane@example.com", True),
            ("Jane@example.com", "jane@example.com", True),
            ("jane@example.com", "JANE@example.com", True),
            ("jane@example.com", "joan@example.com", False),
            ("jane@example.com", "jane@example.org", False),
        ],
    )
    def test_a_capital_letter_is_no_way_round_it(self, client, given, rows, amara, before, again, inherits):
        given(ScreenFactory, lead_id=given(LeadFactory, email=before).id, user=amara)
        client.submit(email=again)
        assert len(rows(Screen)) == 1 + inherits
        assert (rows(Lead)[-1].assignee_id is None) is inherits

    def test_a_deleted_lead_still_bars(self, client, given, rows, amara):
        given(ScreenFactory, lead_id=given(LeadFactory, "deleted", email="jane@example.com").id, user=amara)
        client.submit()
        assert rows(Lead)[-1].assignee_id is None

    def test_of_several_screens_of_one_person_the_latest_notice_is_kept(self, client, given, rows, amara):
        for notice in ("first", "second"):
            lead = given(LeadFactory, email="jane@example.com")
            given(ScreenFactory, lead_id=lead.id, user=amara, notice=notice)
        client.submit()
        assert [screen.notice for screen in rows(Screen)] == ["first", "second", "second"]

    def test_a_lifted_screen_is_not_inherited(self, client, manager, given, rows, amara):
        lead = given(LeadFactory, email="jane@example.com")
        bar(manager, lead, amara)
        lift(manager, lead, amara)
        client.submit()
        assert rows(Lead)[-1].assignee_id == amara.id

    def test_where_everybody_is_barred_the_managers_who_are_not_are_told_why(
        self, client, given, rows, boss, amara
    ):
        first = given(LeadFactory, email="jane@example.com")
        for person in (amara, given(UserFactory, "admin")):
            given(ScreenFactory, lead_id=first.id, user=person)
        client.submit()
        said = "Nobody can take it now: 1 not taking leads, 2 screened from it."
        assert rows(Lead)[-1].assignment_reason == said
        alerts = [one for one in rows(Notification) if one.kind == "unassigned_alert"]
        assert [one.recipient for one in alerts] == [boss.email]
        assert "screened from it" in alerts[0].text

    def test_the_prospect_is_told_nothing_of_it(self, client, given, amara):
        given(ScreenFactory, lead_id=given(LeadFactory, email="jane@example.com").id, user=amara)
        first, second = client.submit(email="joan@example.com").json, client.submit().json
        assert first.keys() == second.keys()
        assert second["status"] == "PENDING"

    def test_it_costs_a_submission_one_query(self, app, client, given, amara, monkeypatch):
        given(UserFactory, "manager")

        def statements_of_a_submission() -> int:
            seen: list[str] = []
            with app.app_context():
                engine = db.engine
            note = lambda *arguments: seen.append(arguments[2])
            sa.event.listen(engine, "before_cursor_execute", note)
            assert client.submit().status_code == 201
            sa.event.remove(engine, "before_cursor_execute", note)
            return len(seen)

        statements_of_a_submission()  # the first of a process asks for the revision
        with_walls = statements_of_a_submission()
        monkeypatch.setattr(intake_module.visibility, "screens_for_email", lambda _email: [])
        assert statements_of_a_submission() == with_walls - 1


class TestCommands:
    """flask leads screen, unscreen, screens, and --as."""

    def test_an_operator_sets_shows_and_lifts(self, run, given, rows, amara):
        lead = given(LeadFactory, assigned_to=amara)
        done = run("screen", lead.id, "Amara@Firm.example.com", "--notice", WHY)
        assert (done.exit_code, done.stderr) == (0, "")
        assert f"flask leads show {lead.id} --as" in done.stdout
        (row,) = json.loads(run("screens", lead.id, "--format", "json").stdout)
        assert (row["user"], row["notice"], row["set_by"]) == (amara.email, WHY, "operator")
        assert WHY in run("screens", lead.id).stdout
        assert rows(Lead)[0].assignee_id is None
        lifted = run("unscreen", lead.id, amara.email)
        assert (lifted.exit_code, rows(Screen)) == (0, [])
        assert "Nobody is screened" in run("screens", lead.id).stdout
        assert [actor for actor, _ in told(rows, "screened") + told(rows, "screen_lifted")] == [
            "operator"
        ] * 2

    def test_what_cannot_be_done_is_said_in_one_line(self, run, given, rows, amara):
        lead = given(LeadFactory)
        for words in (
            ("screen", new_id(), amara.email, "--notice", WHY),
            ("screen", lead.id, "nobody@firm.example.com", "--notice", WHY),
            ("screen", lead.id, amara.email, "--notice", " "),
            ("unscreen", lead.id, amara.email),
            ("unscreen", lead.id, "nobody@firm.example.com"),
            ("screens", new_id()),
            ("list", "--as", "nobody@firm.example.com"),
            ("show", lead.id, "--as", "nobody@firm.example.com"),
            ("export", "--as", "nobody@firm.example.com"),
        ):
            refused = run(*words)
            assert (refused.exit_code, refused.stdout, len(refused.stderr.splitlines())) == (1, "", 1), words
        assert run("screen", lead.id, amara.email).exit_code == 2
        assert rows(Screen) == []

    def test_as_somebody_an_operator_sees_no_more_than_they_do(self, run, given, amara):
        lead, other = given(LeadFactory), given(LeadFactory)
        given(ScreenFactory, lead_id=lead.id, user=amara)
        seen_as = ("--as", amara.email)
        assert [row["id"] for row in json.loads(run("list", *seen_as, "--format", "json").stdout)] == [
            str(other.id)
        ]
        assert str(lead.id) not in run("export", *seen_as).stdout
        assert str(lead.id) in run("export").stdout
        for command in ("show", "explain"):
            assert run(command, other.id, *seen_as).exit_code == run(command, lead.id).exit_code == 0
            assert "no such lead" in run(command, lead.id, *seen_as).stderr


@pytest.mark.every_engine
@pytest.mark.parametrize(
    ("earlier", "later"),
    [("John.Doe@example.com", "john.doe@example.com"), ("JOHN@example.com", "john@example.com"),
     ("john@example.com", "JOHN@EXAMPLE.com")],
)  # fmt: skip
def test_a_client_is_the_same_whatever_capitals_they_write(client, given, rows, earlier, later):
    amara = given(UserFactory)
    first = given(LeadFactory, email=earlier)
    given(ScreenFactory, lead_id=first.id, user=amara)
    client.submit(email=later)
    second = next(lead for lead in rows(Lead) if lead.id != first.id)
    assert second.assignee_id is None
    assert {screen.user_id for screen in rows(Screen) if screen.lead_id == second.id} == {amara.id}
