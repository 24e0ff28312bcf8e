"""PUT /internal/leads/{id}/outcome: how it ended, by its attorney or a manager, on record."""

from __future__ import annotations

import contextlib
import random
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from leadintake.assignment.models import AssignmentDecision
from leadintake.assignment.policy import Policy
from leadintake.audit.models import AuditEntry
from leadintake.core.actor import OPERATOR
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Refusal
from leadintake.core.hooks import When
from leadintake.leads.distribution.handover import handover
from leadintake.leads.events import LeadOutcomeChanged, lead_outcome_changed
from leadintake.leads.follow_ups import service as follow_ups
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.service import leads
from leadintake.leads.status import LeadStatus, Outcome
from leadintake.leads.tags import service as tags
from leadintake.notifications.models import Notification
from tests.factories import AbsenceFactory, LeadFactory, UserFactory
from tests.leads.test_counting import Verbs
from tests.support.numbers import numbers_are_right
from tests.support.outbox import BEGINNING, delivered, round_of_a_worker


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara")


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, assigned_to=amara)


def end(client, lead, outcome: object = "hired", note: object = None, **headers: str):
    """Set the outcome."""
    body = {"outcome": outcome} | ({} if note is None else {"note": note})
    return client.put(f"/internal/leads/{lead.id}/outcome", json=body, headers=headers)


@pytest.mark.every_engine
@pytest.mark.parametrize("who", ["assignee", "manager"])
def test_who_has_the_lead_or_looks_after_all_sets_it(app, browser, given, rows, amara, lead, who):
    heard: list[LeadOutcomeChanged] = []
    lead_outcome_changed.connect(app, heard.append, when=When.AFTER_COMMIT)
    user = amara if who == "assignee" else given(UserFactory, who)
    client = browser().sign_in(user)
    answer = end(client, lead, "hired", "  Signed on Monday. ", **{"If-Match": '"1"'})
    assert answer.status_code == 200
    assert answer.json == client.get(f"/internal/leads/{lead.id}").json
    told = answer.json
    assert (told["outcome"], told["outcome_note"], told["version"]) == ("hired", "Signed on Monday.", 2)
    assert told["outcome_at"].endswith("Z")
    assert answer.headers["ETag"].startswith('"2.')
    (event,) = rows(LeadEvent)
    assert (event.actor, event.action, event.detail) == (
        user.email,
        "outcome_set",
        "hired: Signed on Monday.",
    )
    entry = next(one for one in rows(AuditEntry) if one.action == "lead.outcome_set")
    assert (entry.subject_id, entry.detail) == (lead.id, '{"outcome":"hired"}')
    assert heard == [LeadOutcomeChanged(lead.id, None, Outcome.HIRED, user.email)]


@pytest.mark.parametrize("who", ["other", "viewer"])
def test_nobody_else_may(browser, given, rows, lead, who):
    user = given(UserFactory) if who == "other" else given(UserFactory, who)
    assert end(browser().sign_in(user), lead).status_code == 403
    assert (rows(Lead)[0].version, rows(LeadEvent)) == (1, [])


def test_the_same_again_is_a_harmless_200_and_another_note_is_not_another_outcome(
    app, browser, rows, lead, amara
):
    heard: list[LeadOutcomeChanged] = []
    lead_outcome_changed.connect(app, heard.append, when=When.AFTER_COMMIT)
    client = browser().sign_in(amara)
    first, again = (end(client, lead, "other", "A note.") for _ in range(2))
    assert (again.status_code, again.json) == (200, first.json)
    other = end(client, lead, "other", "Another.")
    assert (other.json["version"], other.json["outcome_at"]) == (3, first.json["outcome_at"])
    assert [event.detail for event in rows(LeadEvent)] == ["other: A note.", "other: Another."]
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"outcome": "lost"}, "outcome"),
        ({}, "outcome"),
        ({"outcome": "hired", "note": "x" * 501}, "note"),
        ({"outcome": "hired", "note": "a\u202eb"}, "note"),
        ({"outcome": "hired", "more": 1}, "more"),
    ],
)
def test_a_wrong_body_is_422_and_names_its_member(browser, rows, lead, amara, body, member):
    answer = browser().sign_in(amara).put(f"/internal/leads/{lead.id}/outcome", json=body)
    assert (answer.status_code, [*answer.json["errors"]]) == (422, [member])
    assert rows(Lead)[0].outcome is None


def test_an_outdated_version_is_412(browser, rows, lead, amara):
    assert end(browser().sign_in(amara), lead, **{"If-Match": '"7"'}).status_code == 412
    assert rows(Lead)[0].outcome is None


class TestNoLongerOpen:
    """A pending lead with an outcome is no work any more."""

    @pytest.mark.every_engine
    def test_it_counts_nowhere_until_it_is_taken_back(self, app, browser, lead, amara):
        client = browser().sign_in(amara)
        for outcome in ("conflict", None):
            end(client, lead, outcome)
            report = browser().sign_in(amara).get("/internal/leads?status=PENDING&outcome=none&count=true")
            assert report.json["total"] == (0 if outcome else 1)
            with app.app_context():
                assert numbers_are_right()

    def test_it_makes_room_for_another(self, app, browser, client, given, rows, lead, amara):
        app.extensions["leadintake.policy"] = Policy(capacity=1)
        client.submit()
        assert [one.assignee_id for one in rows(Lead)] == [amara.id, None]
        end(browser().sign_in(amara), lead, "no_capacity")
        round_of_a_worker(app)
        assert [one.assignee_id for one in rows(Lead)] == [amara.id, amara.id]

    def test_it_stays_with_its_attorney_who_leaves(self, app, browser, given, rows, lead, amara):
        given(UserFactory, name="Bruno")
        end(browser().sign_in(amara), lead)
        given(AbsenceFactory, user=amara, first_day=now().date())
        round_of_a_worker(app)
        assert rows(Lead)[0].assignee_id == amara.id

    def test_nobody_declines_it(self, browser, rows, lead, amara):
        client = browser().sign_in(amara)
        assert "decline" not in end(client, lead).json["allowed"]
        answer = client.post(f"/internal/leads/{lead.id}/decline", json={"reason": "Busy."})
        assert (answer.status_code, answer.json["detail"]) == (
            409,
            "This lead has an outcome. Take that back first.",
        )

    def test_one_that_waits_for_an_attorney_waits_no_more(self, app, browser, client, given, rows):
        manager = given(UserFactory, "manager")
        client.submit()
        (waiting,) = rows(Lead)
        end(browser().sign_in(manager), waiting, "not_our_field")
        with time_machine.travel(now() + timedelta(days=3)):
            assert [one.kind for one in delivered(app)] == ["prospect_confirmation"]
        given(UserFactory)
        round_of_a_worker(app)
        assert rows(Lead)[0].assignee_id is None
        assert len(rows(Notification)) == 2

    @pytest.mark.every_engine
    def test_taken_back_it_is_open_and_handed_on_where_its_attorney_is_away(
        self, app, browser, given, rows, lead, amara
    ):
        end(browser().sign_in(amara), lead, "not_reached", "Rang twice.")
        bruno = given(UserFactory, name="Bruno")
        given(AbsenceFactory, user=amara, first_day=now().date())
        answer = end(browser().sign_in(given(UserFactory, "manager")), lead, None, "ignored")
        told = answer.json
        assert (told["outcome"], told["outcome_note"], told["outcome_at"]) == (None, None, None)
        assert told["assigned_to"]["id"] == str(bruno.id)
        assert [event.action for event in rows(LeadEvent)][:2] == ["outcome_set", "outcome_removed"]
        with app.app_context():
            assert numbers_are_right()

    def test_its_attorney_may_still_take_back_that_the_prospect_was_reached(self, browser, lead, amara):
        client = browser().sign_in(amara)
        client.patch(f"/internal/leads/{lead.id}", json={"status": "REACHED_OUT"})
        end(client, lead, "withdrew")
        assert "reopen" in client.get(f"/internal/leads/{lead.id}").json["allowed"]
        assert client.patch(f"/internal/leads/{lead.id}", json={"status": "PENDING"}).status_code == 200


@pytest.mark.every_engine
def test_the_report_counts_outcomes_of_each_and_of_all(app, browser, given, amara):
    for outcome in ("hired", "hired", "conflict", None):
        given(LeadFactory, assigned_to=amara, outcome=outcome)
    given(LeadFactory, outcome="withdrew")
    given(LeadFactory, "deleted", outcome="withdrew")
    report = browser().sign_in(given(UserFactory, "manager")).get("/internal/assignment/report").json
    (line,) = (one for one in report["items"] if one["user"]["name"] == "Amara")
    some = {name: number for name, number in line["outcomes"].items() if number}
    assert (some, line["outcomes"].keys()) == ({"hired": 2, "conflict": 1}, {*Outcome})
    assert {name for name, number in report["outcomes"].items() if number} == {
        "hired",
        "conflict",
        "withdrew",
    }
    done = app.test_cli_runner().invoke(args=["assignment", "report", "--format", "table"])
    assert "Outcomes: hired 2, conflict 1, withdrew 1." in done.stdout


@pytest.mark.every_engine
def test_the_list_filters_by_outcome(app, browser, given, amara):
    ended, reached, waiting = (
        given(LeadFactory, outcome="hired"),
        given(LeadFactory, "reached_out"),
        given(LeadFactory),
    )
    client = browser().sign_in(amara)

    def found(query: str) -> set[str]:
        answer = client.get(f"/internal/leads?{query}&count=true").json
        assert answer["total"] == len(answer["items"])
        return {item["id"] for item in answer["items"]}

    assert found("outcome=hired") == {str(ended.id)}
    assert found("outcome=none") == {str(reached.id), str(waiting.id)}
    assert found("outcome=none&status=REACHED_OUT") == {str(reached.id)}
    assert client.get("/internal/leads?outcome=lost").status_code == 422
    done = app.test_cli_runner().invoke(args=["leads", "list", "--outcome", "hired", "--format", "csv"])
    assert [line.split(",")[0] for line in done.stdout.splitlines()[1:]] == [str(ended.id)]


def make_here(factory, *traits: str, **values: object) -> object:
    """Make a row in the session, as `given` does in one of its own."""
    return factory(**dict.fromkeys(traits, True), **values)


class TestAFirmWithoutOutcomes:
    """Its leads go to whom they went before there were outcomes."""

    @pytest.fixture
    def history(self, app, tmp_path):
        """Let the same things happen in an empty firm, and tell each decision."""
        with app.app_context():
            live = Path(str(db.engine.url.database))
            db.engine.dispose()
        shutil.copy(live, tmp_path / "empty")

        def happen(seed: int, *, also: bool = False) -> list[tuple[str, int | None]]:
            with app.app_context():
                db.engine.dispose()
            for left in live.parent.glob(f"{live.name}-*"):
                left.unlink()
            shutil.copy(tmp_path / "empty", live)
            app.extensions["leadintake.policy"] = Policy(strategy="least_open", capacity=3)
            with time_machine.travel(BEGINNING, tick=True), app.app_context():
                with transaction():
                    verbs = Verbs(app, make_here, random.Random(seed))
                drawn = random.Random(seed)
                names = [verb.__name__ for verb in verbs.all_of_them() if verb.__name__ != "end"]
                for name in ["submit", *drawn.choices([*names, "submit", "submit"], k=60)]:
                    with contextlib.suppress(Refusal), transaction():
                        getattr(verbs, name)()
                    if also:
                        with (
                            contextlib.suppress(Refusal),
                            transaction(),
                            leads.edit(verbs.ids[-1], OPERATOR) as lead,
                        ):
                            follow_ups.change(lead, now() + timedelta(days=1), None, actor=OPERATOR)
                            tags.change(lead, ["vip"], actor=OPERATOR)
                    handover.run_worker_tick()
                made = db.session.scalars(sa.select(AssignmentDecision).order_by(AssignmentDecision.id))
                numbers = {None: None, verbs.manager: -1} | {one: at for at, one in enumerate(verbs.people)}
                return [(one.cause, one.strategy, numbers[one.user_id]) for one in made]

        return happen

    @pytest.mark.parametrize("seed", range(4))
    def test_assigns_as_before(self, monkeypatch, history, seed):
        found, with_next_steps = history(seed), history(seed, also=True)
        for name, module in [*sys.modules.items()]:
            if name.startswith("leadintake") and name != "leadintake.leads.status":
                if hasattr(module, "where_open"):
                    monkeypatch.setattr(module, "where_open", lambda column, _: column == LeadStatus.PENDING)
                if hasattr(module, "is_open") and name.startswith("leadintake.leads"):
                    monkeypatch.setattr(module, "is_open", lambda state, _: state is LeadStatus.PENDING)
        assert len(found) > 20
        assert history(seed) == found == with_next_steps
