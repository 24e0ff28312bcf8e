"""Whatever happens in whatever order: no lead is lost, none is with somebody who cannot have it, and every
change of hands is a decision, a line of the history, and an alert to the one it concerns."""

from __future__ import annotations

import io
import shutil
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, Phase
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from leadintake.assignment.absences import absences
from leadintake.assignment.models import AssignmentDecision
from leadintake.assignment.policy import Policy
from leadintake.assignment.service import assignment
from leadintake.auth.models import User
from leadintake.auth.people.service import users
from leadintake.core import chores
from leadintake.core.actor import OPERATOR
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Refusal
from leadintake.documents.service import documents
from leadintake.leads import counting
from leadintake.leads.distribution.handover import handover
from leadintake.leads.intake.service import Submission, intake
from leadintake.leads.models import Decline, Lead, LeadEvent, Screen
from leadintake.leads.outcomes import service as outcomes
from leadintake.leads.screens.service import screens
from leadintake.leads.service import leads
from leadintake.leads.status import LeadStatus, Outcome, is_open
from leadintake.notifications.embedded import Stop
from leadintake.notifications.models import Notification, Status
from leadintake.notifications.worker import Worker
from tests.factories import UserFactory
from tests.support.client import PDF
from tests.support.ledger import LONG

pytestmark = pytest.mark.no_cover  # many requests for few lines, which others count

BEGINNING = datetime(2026, 11, 2, 12, tzinfo=UTC)
ATTORNEYS = 3
ALERTS = ("attorney_alert", "returning_alert")
who = st.integers(0, ATTORNEYS - 1)
which = st.integers(0, 20)


class Firm(RuleBasedStateMachine):
    """A firm of three attorneys and a manager, and all that can happen to its leads."""

    def __init__(self, app: Flask, empty: Path, live: Path) -> None:
        super().__init__()
        self.app, self.ids, self.day, self.writers = app, [], 0, 0
        self.sent: set[uuid.UUID] = set()
        self.untold: set[tuple[uuid.UUID, uuid.UUID]] = set()
        """Leads that were reached, and whose owners left before they were told. They may come back."""
        with app.app_context():
            db.engine.dispose()
        for left in live.parent.glob(f"{live.name}-*"):
            left.unlink()
        shutil.copy(empty, live)
        self.clock = time_machine.travel(BEGINNING, tick=True)
        self.clock.start()
        with app.app_context(), transaction():
            self.manager = UserFactory(manager=True).id
            self.people = [UserFactory(name=f"Attorney {number}").id for number in range(ATTORNEYS)]
        for writer in (0, 1, 2):
            self.a_lead_arrives(writer)

    def teardown(self) -> None:
        self.clock.stop()

    def do(self, act: Callable[[], object]) -> None:
        """Do it in a transaction; that a rule refuses it is fine, and changes nothing."""
        with self.app.app_context():
            try:
                with transaction():
                    act()
            except Refusal:
                db.session.rollback()

    def user(self, number: int) -> User:
        return db.session.get_one(User, self.people[number])

    def boss(self) -> User:
        return db.session.get_one(User, self.manager)

    def edit(
        self,
        number: int,
        act: Callable[[Lead], object],
        *,
        lock_assignment: bool = True,
        deleted: bool = False,
    ) -> None:
        """Change a lead in one transaction, as every view does."""

        def change() -> None:
            lead_id = self.ids[number % len(self.ids)]
            with leads.edit(lead_id, OPERATOR, lock_assignment=lock_assignment, deleted=deleted) as lead:
                act(lead)

        self.do(change)

    @rule(writer=st.integers(0, 3))
    def a_lead_arrives(self, writer: int) -> None:
        """From one who wrote before, or (3) somebody new."""
        self.writers += 1
        email = f"prospect{writer if writer < 3 else self.writers}@example.com"
        with self.app.app_context(), transaction():
            file = io.BytesIO(PDF)
            resume = documents.judge("resume.pdf", file)
            values = {"first_name": "Jane", "last_name": "Doe", "email": email}
            lead, _ = intake.submit(Submission(values, resume, None), file)
            self.ids.append(lead.id)

    @rule(number=who, days=st.sampled_from([None, 0, 2]), begins=st.integers(0, 2), other=who)
    def somebody_is_away(self, number: int, days: int | None, begins: int, other: int) -> None:
        first = (BEGINNING + timedelta(days=self.day + begins)).date()
        last = None if days is None else first + timedelta(days=days)
        stands_in = self.people[other] if other != number else None
        self.do(lambda: absences.set(self.people[number], first, last, stands_in, actor=self.boss()))

    @rule(number=who)
    def somebody_is_back(self, number: int) -> None:
        def end() -> None:
            for absence in absences.coming(self.people[number]):
                absences.end(absence, actor=self.boss())

        self.do(end)

    @rule(number=who)
    def somebody_is_deactivated(self, number: int) -> None:
        self.do(lambda: users.deactivate(users.get_to_change(self.people[number]), actor=OPERATOR))

    @rule(number=who)
    def somebody_is_activated(self, number: int) -> None:
        self.do(lambda: users.activate(users.get_to_change(self.people[number]), actor=OPERATOR))

    @rule(number=who, takes=st.booleans())
    def somebody_takes_leads_or_not(self, number: int, takes: bool) -> None:
        self.do(lambda: users.change_intake(users.get_to_change(self.people[number]), takes, actor=OPERATOR))

    @rule(number=which)
    def an_owner_declines(self, number: int) -> None:
        def decline(lead: Lead) -> None:
            if lead.assigned_to is not None:
                handover.decline(lead, "Busy.", actor=lead.assigned_to)

        self.edit(number, decline)

    @rule(number=which, to=st.integers(-1, ATTORNEYS - 1))
    def the_manager_hands_over(self, number: int, to: int) -> None:
        new = None if to < 0 else self.people[to]
        self.edit(number, lambda lead: leads.assign(lead, new, actor=self.boss()))

    @rule(number=which, to=who)
    def somebody_takes_one(self, number: int, to: int) -> None:
        self.edit(number, lambda lead: leads.assign(lead, self.people[to], actor=self.user(to)))

    @rule(number=which)
    def a_prospect_is_reached(self, number: int) -> None:
        def reach_out(lead: Lead) -> None:
            leads.change_status(lead, LeadStatus.REACHED_OUT, actor=self.boss())

        self.edit(number, reach_out, lock_assignment=False)

    @rule(number=which, outcome=st.sampled_from([*Outcome, None]))
    def one_ends_or_is_taken_back(self, number: int, outcome: Outcome | None) -> None:
        self.edit(number, lambda lead: outcomes.change(lead, outcome, None, actor=self.boss()))

    @rule(number=which)
    def one_is_deleted(self, number: int) -> None:
        self.edit(number, lambda lead: leads.delete(lead, actor=self.boss()))

    @rule(number=which)
    def one_is_restored(self, number: int) -> None:
        self.edit(number, lambda lead: leads.restore(lead, actor=self.boss()), deleted=True)

    @rule(number=which, out=who)
    def somebody_is_screened(self, number: int, out: int) -> None:
        self.edit(number, lambda lead: screens.set(lead, self.people[out], "Her cousin.", actor=self.boss()))

    @rule(
        strategy=st.sampled_from(["least_open", "round_robin", "random"]), full=st.sampled_from([None, 1, 3])
    )
    def the_policy_changes(self, strategy: str, full: int | None) -> None:
        self.app.extensions["leadintake.policy"] = Policy(strategy=strategy, capacity=full)

    @rule()
    def a_day_passes(self) -> None:
        """And a worker makes its round: what begins with a day begins then."""
        self.day += 1
        self.clock.stop()
        self.clock = time_machine.travel(BEGINNING + timedelta(days=self.day), tick=True)
        self.clock.start()
        self.a_worker_looks_round()

    @rule()
    def a_worker_looks_round(self) -> None:
        with self.app.app_context():
            chores.run_worker_ticks(self.app)
            waits = db.session.scalars(db.select(Lead.id).where(Lead.assignee_id.is_(None))).all()
            handover.run_worker_tick()
            again = db.session.scalars(db.select(Lead.id).where(Lead.assignee_id.is_(None))).all()
            assert set(again) == set(waits), "one round gives out all that can be given out"

    @rule()
    def a_worker_delivers(self) -> None:
        with self.app.app_context():
            Worker(self.app).deliver_due(Stop())
            for owed in self.messages():
                if owed.status is Status.SENT and owed.kind in ALERTS and owed.id not in self.sent:
                    self.sent.add(owed.id)
                    lead = db.session.get_one(Lead, owed.lead_id)
                    assert lead.assigned_to is not None
                    assert lead.assigned_to.email == owed.recipient, "whoever is alerted has the lead"
                    assert assignment.may_hold_leads(lead.assigned_to), "and is here"

    def messages(self) -> list[Notification]:
        return list(self.all_of(Notification))

    def all_of(self, model: Any) -> Any:
        return db.session.scalars(
            db.select(model).order_by(model.id).execution_options(include_deleted=True)
        ).all()

    @invariant()
    def the_numbers_are_those_of_the_leads(self) -> None:
        with self.app.app_context():
            assert counting.find_differences()[0] == {}

    @invariant()
    def no_lead_is_lost_and_every_one_is_where_it_was_decided(self) -> None:
        with self.app.app_context():
            found = {lead.id: lead for lead in self.all_of(Lead)}
            assert set(found) == set(self.ids)
            last = {one.lead_id: one for one in self.all_of(AssignmentDecision)}
            events = self.all_of(LeadEvent)
            said = {one.lead_id: one for one in events if one.action in ("assigned", "left_unassigned")}
            kept_out = {(row.lead_id, row.user_id) for row in self.all_of(Screen)}
            declined = {(row.lead_id, row.user_id) for row in self.all_of(Decline)}
            alerts = [one for one in self.messages() if one.kind in ALERTS]
            for lead in found.values():
                owner = lead.assigned_to
                assert last[lead.id].user_id == lead.assignee_id
                assert last[lead.id].reason == lead.assignment_reason
                wanted = f"to {owner.email}" if owner else ("to nobody", lead.assignment_reason)
                assert said[lead.id].detail.startswith(wanted)
                live = {one.recipient for one in alerts if one.lead_id == lead.id and one.deleted_at is None}
                queued = {one.recipient for one in alerts if one.lead_id == lead.id and one.due_at}
                if lead.deleted_at is None:
                    assert queued <= ({owner.email} if owner else set()), "nobody else is about to be told"
                if owner is None or lead.deleted_at is not None:
                    continue
                pending = is_open(lead.status, lead.outcome)
                assert (lead.id, owner.id) not in kept_out or not pending
                taken = lead.assignment_reason.startswith("Taken")
                if not pending and not assignment.may_hold_leads(owner):
                    self.untold.add((lead.id, owner.id))
                told = owner.email in live or taken or (lead.id, owner.id) in self.untold
                assert told, "the owner is, or was, told"
                if pending:
                    assert assignment.may_hold_leads(owner)
                    if last[lead.id].cause != "manual":
                        assert (lead.id, owner.id) not in declined


@pytest.fixture
def settings() -> dict[str, object]:
    return {"ATTORNEY_VISIBILITY": "own"}  # where the most depends on whose a lead is


def test_no_sequence_of_events_loses_a_lead_or_leaves_it_with_somebody_who_cannot_have_it(
    app: Flask, tmp_path: Path
) -> None:
    with app.app_context():
        live = Path(str(db.engine.url.database))
        db.engine.dispose()
        db.event.listen(db.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    empty = tmp_path / "empty"
    shutil.copy(live, empty)
    run_state_machine_as_test(
        lambda: Firm(app, empty, live),
        settings=examples(
            max_examples=50 if LONG else 8,
            stateful_step_count=40,
            deadline=None,
            phases=[Phase.generate],  # a failure says its steps; to shrink them takes minutes
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
