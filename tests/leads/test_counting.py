"""The numbers of leads are those that a count gives, whatever changes leads, on every engine."""

from __future__ import annotations

import io
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from leadintake.assignment import counters
from leadintake.assignment.absences import absences
from leadintake.assignment.counters import COUNTS, UNASSIGNED
from leadintake.assignment.service import assignment
from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.auth.people.service import users
from leadintake.core import chores
from leadintake.core.actor import OPERATOR
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Refusal
from leadintake.documents.service import documents
from leadintake.leads import backfill, counting
from leadintake.leads.distribution import attention, workload
from leadintake.leads.distribution.handover import handover
from leadintake.leads.intake.service import Submission, intake
from leadintake.leads.intake.spam import SpamSignals
from leadintake.leads.models import Lead
from leadintake.leads.outcomes import service as outcomes
from leadintake.leads.quarantine.service import quarantine
from leadintake.leads.screens.service import screens
from leadintake.leads.service import leads
from leadintake.leads.status import Gate, LeadStatus, Outcome
from tests.factories import LeadFactory, UserFactory
from tests.support.client import PDF
from tests.support.leads import together
from tests.support.numbers import counted, numbers_are_right, stored

pytestmark = pytest.mark.every_engine
ROUNDS, TRIES = 4, 6
WRONG = sa.update(COUNTS).values(pending=COUNTS.c.pending + 5)


def submit(email: str, *reasons: str) -> Lead:
    """Take a submission in; with reasons it is suspicious."""
    file = io.BytesIO(PDF)
    values = {"first_name": "Jane", "last_name": "Doe", "email": email}
    signals = SpamSignals(reasons)
    resume = documents.judge("resume.pdf", file)
    return intake.submit(Submission(values, resume, None, signals=signals), file)[0]


def is_id(value: object) -> bool:
    """Whether a parameter of a statement is the id of a user, as each driver is given it."""
    return isinstance(value, uuid.UUID) or (isinstance(value, str) and len(value) == 32)


class Verbs:
    """All that changes where a lead counts, each with a lead and a person drawn at random."""

    def __init__(self, app: Flask, given: Callable[..., Any], drawn: random.Random) -> None:
        self.app, self.drawn = app, drawn
        self.manager = given(UserFactory, "manager").id
        self.people = [given(UserFactory, name=f"Attorney {number}").id for number in range(3)]
        self.ids: list[uuid.UUID] = []

    def person(self) -> uuid.UUID:
        return self.drawn.choice(self.people)

    def boss(self) -> User:
        return db.session.get_one(User, self.manager)

    def edit(self, act: Callable[[Lead], object], **how: bool) -> None:
        with leads.edit(self.drawn.choice(self.ids), OPERATOR, lock_assignment=True, **how) as lead:
            act(lead)

    def submit(self) -> None:
        self.ids.append(submit(f"jane{self.drawn.randrange(5)}@example.com").id)

    def submit_spam(self) -> None:
        self.ids.append(submit("spam@example.com", "A field that nobody sees was filled in.").id)

    def hand_over(self) -> None:
        to = self.drawn.choice([*self.people, None])
        self.edit(lambda lead: leads.assign(lead, to, actor=self.boss()))

    def take(self) -> None:
        taker = self.person()
        self.edit(lambda lead: leads.assign(lead, taker, actor=db.session.get_one(User, taker)))

    def decline(self) -> None:
        def act(lead: Lead) -> None:
            if lead.assigned_to is not None:
                handover.decline(lead, "Busy.", actor=lead.assigned_to)

        self.edit(act)

    def reach_out(self) -> None:
        with leads.edit(self.drawn.choice(self.ids), OPERATOR) as lead:
            leads.change_status(lead, LeadStatus.REACHED_OUT, actor=self.boss())

    def end(self) -> None:
        outcome = self.drawn.choice([*Outcome, None])
        self.edit(lambda lead: outcomes.change(lead, outcome, None, actor=self.boss()))

    def delete(self) -> None:
        self.edit(lambda lead: leads.delete(lead, actor=self.boss()))

    def restore(self) -> None:
        self.edit(lambda lead: leads.restore(lead, actor=self.boss()), deleted=True)

    def release(self) -> None:
        self.edit(lambda lead: quarantine.release(lead, actor=self.boss()), quarantined=True)

    def discard(self) -> None:
        self.edit(lambda lead: quarantine.discard(lead, actor=self.boss()), quarantined=True)

    def screen(self) -> None:
        out = self.person()
        self.edit(lambda lead: screens.set(lead, out, "Her cousin.", actor=self.boss()))

    def deactivate(self) -> None:
        users.deactivate(users.get_to_change(self.person()), actor=OPERATOR)

    def activate(self) -> None:
        users.activate(users.get_to_change(self.person()), actor=OPERATOR)

    def go_away(self) -> None:
        absences.set(self.person(), now().date(), None, None, actor=self.boss())

    def come_back(self) -> None:
        for absence in absences.coming(self.person()):
            absences.end(absence, actor=self.boss())

    def all_of_them(self) -> Iterator[Callable[[], None]]:
        names = [name for name in vars(Verbs) if name not in NO_VERBS and not name.startswith("_")]
        yield from (getattr(self, name) for name in names)


NO_VERBS = {"person", "boss", "edit", "all_of_them"}


@pytest.mark.parametrize("seed", range(2))
def test_after_each_change_the_numbers_are_those_of_the_leads(app, given, seed):
    verbs = Verbs(app, given, random.Random(seed))
    done: set[str] = set()
    with app.app_context():
        for _ in range(ROUNDS):
            every = list(verbs.all_of_them())
            verbs.drawn.shuffle(every)
            for verb in [verbs.submit, verbs.submit_spam, verbs.submit, *every]:
                for _ in range(TRIES):
                    try:
                        with transaction():
                            verb()
                        done.add(verb.__name__)
                        break
                    except Refusal:
                        assert numbers_are_right(), f"{verb.__name__}, refused"
                assert numbers_are_right(), (verb.__name__, stored(), counted())
            chores.run_worker_ticks(app)
            assert numbers_are_right(), "a worker's round"
        assert done == {verb.__name__ for verb in verbs.all_of_them()}
        assert attention.count_states() == {
            name: sum(number for (_, kind), number in counted().items() if kind == name)
            for name in ("waiting", "pending", "quarantined")
        }


class Undone(Exception):
    """What happened before is rolled back."""


def assign_and_fail(lead_id: uuid.UUID, owner: uuid.UUID) -> None:
    with leads.edit(lead_id, OPERATOR, lock_assignment=True) as lead:
        leads.assign(lead, owner, actor=OPERATOR)
    raise Undone


def reach_out_and_fail_in_a_savepoint(lead_id: uuid.UUID) -> None:
    with db.session.begin_nested():
        db.session.get_one(Lead, lead_id).status = LeadStatus.REACHED_OUT
        db.session.flush()
        raise Undone


def test_what_is_refused_or_undone_does_not_count(app, given):
    owner, lead = given(UserFactory).id, given(LeadFactory)
    with app.app_context():
        before = stored()
        with pytest.raises(Undone), transaction():
            assign_and_fail(lead.id, owner)
        assert stored() == before == {(UNASSIGNED, name): 1 for name in ("listed", "pending", "waiting")}
        with transaction():
            LeadFactory()
            with pytest.raises(Undone):
                reach_out_and_fail_in_a_savepoint(lead.id)
        assert stored() == {(UNASSIGNED, name): 2 for name in ("listed", "pending", "waiting")}
        with transaction():
            with db.session.begin_nested():
                db.session.get_one(Lead, lead.id).status = LeadStatus.REACHED_OUT
            LeadFactory()
        assert numbers_are_right()
        with transaction():
            db.session.delete(db.session.get_one(Lead, lead.id))
        assert numbers_are_right()


def test_a_decision_sees_what_its_own_transaction_changed(app, given):
    owner = given(UserFactory).id
    with app.app_context(), transaction():
        LeadFactory(assigned_to=db.session.get_one(User, owner))
        db.session.flush()
        assert assignment.begin(workload.count_recent_leads).open_leads[owner] == 1
    with app.app_context():
        assert assignment.begin(workload.count_recent_leads).open_leads[owner] == 1


def test_many_at_the_same_moment_lose_no_number(app, given):
    people = [given(UserFactory).id for _ in range(3)]
    made = [given(LeadFactory).id for _ in range(8)]

    def change(number: int) -> None:
        """Assign, hand over and reach out, in an order of one's own."""
        drawn = random.Random(number)
        with app.app_context():
            for _ in range(6):
                lead_id, to = drawn.choice(made), drawn.choice([*people, None])
                try:
                    with transaction():
                        if drawn.random() < 0.3:
                            submit(f"jane{number}@example.com")
                        elif drawn.random() < 0.7:
                            with leads.edit(lead_id, OPERATOR, lock_assignment=True) as lead:
                                leads.assign(lead, to, actor=OPERATOR)
                        else:
                            with leads.edit(lead_id, OPERATOR) as lead:
                                leads.change_status(lead, LeadStatus.REACHED_OUT, actor=OPERATOR)
                except Refusal:
                    db.session.rollback()
            db.session.remove()

    together(*[lambda number=number: change(number) for number in range(6)])
    with app.app_context():
        assert numbers_are_right()
        assert sum(number for (_, name), number in stored().items() if name == "listed") > len(made)


def test_wrong_numbers_are_found_and_put_right(app, given):
    owner = given(UserFactory)
    given(LeadFactory, assigned_to=owner)
    given(LeadFactory, "quarantined")
    with app.app_context():
        assert counting.check() is counting.probe() is None
        with transaction():
            db.session.execute(WRONG.where(COUNTS.c.id == owner.id))
            db.session.execute(sa.delete(COUNTS).where(COUNTS.c.id == UNASSIGNED))
        with pytest.raises(RuntimeError, match="2 people"):
            counting.check()
        assert not numbers_are_right()
        note = counting.probe()
        assert note is not None
        assert "2" in note
        assert numbers_are_right()
        assert counting.probe() is None


def test_the_doctor_says_that_it_put_them_right(app, given):
    given(LeadFactory, assigned_to=given(UserFactory))
    with app.app_context(), transaction():
        db.session.execute(WRONG)
    runner = app.test_cli_runner()
    assert "corrected the numbers of leads" in runner.invoke(args=["doctor"]).output.replace("\n", " ")
    assert "corrected the numbers of leads" not in runner.invoke(args=["doctor"]).output.replace("\n", " ")
    with app.app_context():
        assert numbers_are_right()


def test_leads_that_a_process_of_the_version_before_wrote_are_counted_by_a_worker(app, given):
    row = given(LeadFactory)
    with app.app_context():
        with transaction():
            db.session.execute(sa.update(Lead.__table__).values(status=LeadStatus.REACHED_OUT))
        assert stored()[UNASSIGNED, "pending"] == 1
        assert counting.run_chore(lambda: False) == {"corrected": 1}
        assert numbers_are_right()
        assert counting.run_chore(lambda: False) == {"corrected": 0}
        with transaction():  # it does not know of the outcome, and says that another lead is open
            db.session.execute(sa.update(Lead.__table__).values(outcome=Outcome.HIRED))
            db.session.execute(sa.update(COUNTS).values(pending=COUNTS.c.pending + 1))
            db.session.execute(sa.update(Lead.__table__).values(status=LeadStatus.PENDING))
        assert counting.run_chore(lambda: False) == {"corrected": 1}
        assert numbers_are_right()
        with transaction():
            db.session.execute(sa.update(Lead.__table__).values(outcome=None))
        with transaction():  # it let one in, and said so by the time alone
            db.session.execute(
                sa.update(Lead.__table__)
                .where(Lead.__table__.c.id == row.id)
                .values(gate=Gate.QUARANTINE, status=LeadStatus.PENDING)
            )
        counting.correct_numbers()
        backfill.correct_gates()
        assert numbers_are_right()
        assert stored() == {(UNASSIGNED, name): 1 for name in ("listed", "pending", "waiting")}


def test_numbers_are_written_in_the_order_of_their_ids_and_before_the_audit_trail(app, given):
    """So no two transactions wait for each other."""
    people = [given(UserFactory).id for _ in range(4)]
    made = [given(LeadFactory).id for _ in people]
    sent: list[tuple[str, object]] = []
    with app.app_context():

        def note(_connection, _cursor, statement, parameters, *_more) -> None:
            sent.append((statement, parameters))

        sa.event.listen(db.engine, "before_cursor_execute", note)
        with transaction():
            audit.record("test.first", actor=OPERATOR)
            for lead_id, person in zip(made, reversed(people), strict=True):
                with leads.edit(lead_id, OPERATOR, lock_assignment=True) as lead:
                    leads.assign(lead, person, actor=OPERATOR)
        sa.event.remove(db.engine, "before_cursor_execute", note)
    written = [statement.partition("(")[0].split()[:3] for statement, _ in sent]
    numbers = [place for place, words in enumerate(written) if words == ["INSERT", "INTO", "lead_counts"]]
    assert len(numbers) == 1
    assert numbers[0] < min(
        place for place, words in enumerate(written) if words[:2] == ["UPDATE", "audit_heads"]
    )
    rows = [
        next(str(value) for value in (row.values() if isinstance(row, dict) else row) if is_id(value))
        for row in sent[numbers[0]][1]
    ]
    assert rows == sorted(rows)
    assert len(rows) == len(people) + 1


def test_two_corrections_of_one_difference_are_made_once(app, given):
    given(LeadFactory)
    with app.app_context():
        with transaction():
            db.session.execute(WRONG)
        differences, seen = counting.find_differences()
        db.session.rollback()
        assert counting.correct_numbers() == 1
        with transaction():
            assert not counters.correct(differences, seen)
        assert numbers_are_right()


def test_a_difference_stays_the_same_while_somebody_changes_leads(app, given):
    owner, lead = given(UserFactory), given(LeadFactory)
    with app.app_context():
        with transaction():
            db.session.execute(WRONG)
        found = counting.find_differences()
        db.session.rollback()
        with transaction():
            with leads.edit(lead.id, OPERATOR, lock_assignment=True) as edited:
                leads.assign(edited, owner.id, actor=OPERATOR)
            LeadFactory(created_at=now() - timedelta(days=1))
        assert counting.find_differences() == found
        db.session.rollback()
        with transaction():
            assert counters.correct(*found)
        assert numbers_are_right()


@pytest.mark.every_server
def test_who_counts_waits_for_nobody(app, given):
    """Beside a change that is not committed yet a correction finds nothing wrong, and ends."""
    owner, lead = given(UserFactory), given(LeadFactory)
    changed, counted_it = threading.Event(), threading.Event()

    def change() -> None:
        with app.app_context(), transaction():
            with leads.edit(lead.id, OPERATOR, lock_assignment=True) as edited:
                leads.assign(edited, owner.id, actor=OPERATOR)
            counters._write()
            changed.set()
            assert counted_it.wait(30)

    def count() -> int:
        assert changed.wait(30)
        try:
            with app.app_context():
                return counting.correct_numbers()
        finally:
            counted_it.set()

    assert together(change, count) == [None, 0]
    with app.app_context():
        assert numbers_are_right()
