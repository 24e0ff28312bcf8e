"""A client who writes from another spelling of their address is the same client."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa
from flask_migrate import downgrade, upgrade

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.leads.models import Lead, Screen
from leadintake.notifications import mailboxes as mailboxes_module
from leadintake.notifications.mailboxes import mailboxes
from leadintake.notifications.models import Notification, Suppression
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.killed import Killed, killed_at
from tests.support.outbox import round_of_a_worker

EARLIER, LATER = "jane.doe@gmail.com", "JaneDoe+law@googlemail.com"
TABLE = Lead.__table__


@pytest.fixture
def earlier(given, amara):
    return given(LeadFactory, "reached_out", email=EARLIER, assigned_to=amara)


def test_they_go_to_who_has_them(client, given, rows, earlier, amara):
    given(LeadFactory, assigned_to=amara)
    given(UserFactory, name="Idle")
    client.submit(email=LATER)
    assert (rows(Lead)[-1].assignee_id, rows(Lead)[-1].assignment_strategy) == (amara.id, "returning")


def test_the_wall_stands_before_them(client, given, rows, earlier, bruno):
    given(ScreenFactory, lead_id=earlier.id, user=bruno)
    client.submit(email=LATER)
    assert [screen.user_id for screen in rows(Screen)] == [bruno.id] * 2


def test_both_leads_name_each_other_as_duplicates(browser, client, rows, earlier, amara):
    later = client.submit(email=LATER).json["id"]
    desk = browser().sign_in(amara)
    assert desk.get(f"/internal/leads/{earlier.id}").json["duplicates"] == [later]
    assert desk.get(f"/internal/leads/{later}").json["duplicates"] == [str(earlier.id)]


def test_two_people_stay_two(browser, client, given, rows, amara):
    other = given(LeadFactory, email="jane.doe@outlook.com", assigned_to=amara)
    given(UserFactory, name="Idle")
    later = client.submit(email="janedoe@outlook.com").json["id"]
    assert rows(Lead)[-1].assignment_strategy == "least_open"
    assert browser().sign_in(amara).get(f"/internal/leads/{other.id}").json["duplicates"] == []
    assert browser().sign_in(amara).get(f"/internal/leads/{later}").json["duplicates"] == []


def test_who_wants_no_mail_gets_none_under_any_spelling(app, client, given, rows):
    given(UserFactory)
    with app.app_context(), transaction():
        mailboxes.suppress("jane_doe@proton.me")
    client.submit(email="jane.doe@pm.me")
    assert "prospect_confirmation" not in [mail.kind for mail in rows(Notification)]


def test_what_an_older_process_suppressed_meanwhile_holds_under_any_spelling(
    app, client, given, rows, monkeypatch
):
    given(UserFactory)
    with app.app_context(), transaction():
        mailboxes.suppress("other@example.com")
        mailboxes.suppress("jane_doe@proton.me")
        for old in ("jane_doe@proton.me", "jane-doe@proton.me", "jane.d.o.e@gmail.com"):
            db.session.execute(sa.insert(Suppression).values(id=new_id(), mailbox=old))
    with app.app_context():
        monkeypatch.setattr(mailboxes_module, "BATCH", 2)
        assert mailboxes.normalize_suppressions(lambda: False) == {"changed": 3}
        assert mailboxes.normalize_suppressions(lambda: False) == {"changed": 0}
    assert [one.mailbox for one in rows(Suppression)] == [
        "other@example.com", "janedoe@protonmail.com", "janedoe@gmail.com",
    ]  # fmt: skip
    client.submit(email="jane.doe@pm.me")
    assert "prospect_confirmation" not in [mail.kind for mail in rows(Notification)]


def test_a_worker_fills_in_what_an_older_process_left_out(app, rows, earlier):
    with app.app_context(), transaction():
        db.session.execute(sa.update(TABLE).values(mailbox=None))
    round_of_a_worker(app)
    assert [lead.mailbox for lead in rows(Lead)] == ["janedoe@gmail.com"]


@pytest.mark.every_engine
def test_the_migration_fills_in_all_also_after_it_was_killed_at_any_statement(app, rows, earlier):
    with app.app_context():
        with transaction():
            for mailbox in (
                "jane_doe@protonmail.com",
                "janedoe@protonmail.com",
                "x@mac.com",
                "y@example.com",
            ):
                db.session.add(Suppression(mailbox=mailbox))
        db.session.remove()
        downgrade(revision="0021")
        for statement in itertools.count(1):
            try:
                with killed_at(statement):
                    upgrade()
            except Killed:
                continue
            break
        db.session.remove()
    assert statement > 5
    assert [lead.mailbox for lead in rows(Lead)] == ["janedoe@gmail.com"]
    assert sorted(row.mailbox for row in rows(Suppression)) == [
        "janedoe@protonmail.com", "x@icloud.com", "y@example.com",
    ]  # fmt: skip


def test_the_wall_stands_before_one_whose_lead_has_no_mailbox_yet(app, client, given, rows, earlier, bruno):
    """As a process of the version before leaves it."""
    given(ScreenFactory, lead_id=earlier.id, user=bruno)
    with app.app_context(), transaction():
        db.session.execute(sa.update(Lead).values(mailbox=None))
    client.submit(email=EARLIER.upper())
    assert [screen.user_id for screen in rows(Screen)] == [bruno.id] * 2
