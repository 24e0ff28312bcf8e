"""flask assignment simulate: the leads of the past under another policy; no row changes."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from leadintake.assignment.models import AssignmentDecision
from leadintake.assignment.policy import Policy
from leadintake.core.actor import OPERATOR
from leadintake.core.db.database import Model, db
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead
from leadintake.leads.service import leads
from leadintake.leads.status import LeadStatus
from tests.factories import LeadFactory, UserFactory

MORNING = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def people(given):
    return [given(UserFactory, name=name) for name in ("Amara", "Bruno", "Chiara")]


def reach_out(app, lead_id: str) -> None:
    """Record that a prospect was reached."""
    with app.app_context(), transaction():
        leads.change_status(
            leads.get(uuid.UUID(lead_id), reader=OPERATOR), LeadStatus.REACHED_OUT, actor=OPERATOR
        )


@pytest.fixture
def past(app, client, people):
    """Twelve leads in turn, an hour apart, every other of the family; each is closed after ninety minutes."""
    app.extensions["leadintake.policy"] = Policy(strategy="round_robin")
    ids: list[str] = []
    with time_machine.travel(MORNING, tick=False) as clock:
        for number in range(12):
            areas = {"practice_area": "family"} if number % 2 else {}
            ids.append(client.submit(email=f"p{number}@example.com", **areas).json["id"])
            clock.shift(timedelta(minutes=30))
            if number:
                reach_out(app, ids[number - 1])
            clock.shift(timedelta(minutes=30))
    return ids


def simulated(app, tmp_path, policy: str, *more: str):
    file = tmp_path / "new.toml"
    file.write_text(policy, encoding="utf-8")
    done = app.test_cli_runner().invoke(
        args=["assignment", "simulate", "--policy", str(file), *more, "--format", "json"]
    )
    assert done.exit_code == 0, done.output
    return {row["user"]: (row["was"], row["would_be"], row["difference"]) for row in json.loads(done.stdout)}


def everything(app) -> dict[str, list[object]]:
    """Every row of every table."""
    with app.app_context(), db.engine.connect() as connection:
        tables = sorted(Model.metadata.tables.items())
        return {
            name: connection.execute(sa.select(table).order_by(*table.primary_key)).all()
            for name, table in tables
        }


def test_the_same_policy_gives_the_same_attorneys(app, tmp_path, past, people):
    found = simulated(app, tmp_path, 'strategy = "round_robin"')
    assert found == {one.email: (4, 4, "+0") for one in people}


def test_weights_areas_and_bounds_change_who_gets_what_and_no_row(app, tmp_path, past, people):
    before = everything(app)
    amara, bruno, chiara = (one.email for one in people)
    weighted = f'strategy = "round_robin"\n[attorneys."{amara}"]\nweight = 2'
    assert simulated(app, tmp_path, weighted) == {
        amara: (4, 6, "+2"), bruno: (4, 3, "-1"), chiara: (4, 3, "-1"),
    }  # fmt: skip
    only = "\n".join(
        f'[attorneys."{email}"]\npractice_areas = ["{area}"]'
        for email, area in ((amara, "family"), (bruno, "business"), (chiara, "business"))
    )
    assert simulated(app, tmp_path, f'strategy = "round_robin"\n{only}')[amara][1] >= 6
    bounded = 'strategy = "least_open"\nper_day = 2\ntimezone = "UTC"'
    assert simulated(app, tmp_path, bounded)["nobody"] == (0, 6, "+6")
    assert everything(app) == before


def test_loads_follow_what_is_simulated_and_leads_close_when_they_did(app, tmp_path, past, people):
    capacity = f'strategy = "round_robin"\n[attorneys."{people[0].email}"]\ncapacity = 1\nweight = 100'
    found = simulated(app, tmp_path, capacity)
    # At most two leads are open at a time, the newest and the one before: she gets every other one.
    assert found[people[0].email] == (4, 6, "+2")


def test_what_waits_is_given_out_as_soon_as_somebody_can_take_it(app, tmp_path, past, people):
    afternoon = 'strategy = "round_robin"\nhours = ["mon 12:00-24:00"]'
    assert simulated(app, tmp_path, afternoon) == {one.email: (4, 4, "+0") for one in people}


def test_only_so_many_leads_are_replayed_and_those_before_weigh_as_they_did(
    app, tmp_path, past, people, given, rows
):
    assert sum(was for was, *_ in simulated(app, tmp_path, "", "--last", "5").values()) == 5
    decided = rows(AssignmentDecision)
    for _ in range(3):  # old ones, open still: never decided on record
        given(LeadFactory, assigned_to=people[0], created_at=MORNING - timedelta(days=1))
    found = simulated(app, tmp_path, 'strategy = "least_open"')
    assert found[people[0].email][1] == 0, "three open leads weigh on her from the beginning"
    assert len(decided) == 12


def test_a_returning_prospect_returns_to_whom_the_simulation_gave_them(app, client, tmp_path, people, rows):
    app.extensions["leadintake.policy"] = Policy(strategy="round_robin")
    amara, bruno, chiara = people
    with time_machine.travel(MORNING):  # a Monday at nine
        for email in ("jane@example.com", "other@example.com", "jane@example.com"):
            client.submit(email=email)
    assert [lead.assignee_id for lead in rows(Lead)] == [amara.id, bruno.id, amara.id]
    hours = 'hours = ["tue 09:00-17:00"]'
    found = simulated(app, tmp_path, f'strategy = "round_robin"\n[attorneys."{amara.email}"]\n{hours}')
    assert found[amara.email][1] == 0
    assert {found[one.email][1] for one in (bruno, chiara)} == {1, 2}


def test_a_random_policy_simulates_the_same_every_time(app, tmp_path, past):
    found = [simulated(app, tmp_path, 'strategy = "random"') for _ in range(2)]
    assert found[0] == found[1]


def test_a_bad_policy_is_refused_in_one_line_and_no_leads_are_no_failure(app, tmp_path, given):
    file = tmp_path / "new.toml"
    file.write_text('strategy = "x"', encoding="utf-8")
    command = ["assignment", "simulate", "--policy", str(file)]
    done = app.test_cli_runner().invoke(args=command)
    assert (done.exit_code, "'x' is not one of" in done.output) == (1, True)
    file.write_text("", encoding="utf-8")
    done = app.test_cli_runner().invoke(args=command)
    assert (done.exit_code, "No lead came yet" in done.output) == (0, True)
