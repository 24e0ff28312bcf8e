"""Eight processes, hundreds of leads, each database: the rotation is as even as with one.

A thousand leads and more in the long form (`make faults`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from leadintake.assignment import types
from leadintake.assignment.engine import decide
from leadintake.assignment.models import AssignmentDecision, Turn
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.ledger import LONG
from tests.support.server import ROOT

pytestmark = pytest.mark.no_cover  # many requests for few lines, which others count

PROCESSES, EACH = (8, 160) if LONG else (5, 20)
POLICY = """
strategy = "round_robin"
[areas.family]
"""
TERMS = '[attorneys."{email}"]\nweight = {weight}\npractice_areas = ["{area}"]\n'


@pytest.mark.every_engine
def test_a_rotation_among_processes_has_no_gap_and_keeps_to_the_weights(
    app, database_url, given, rows, tmp_path
):
    equal = [given(UserFactory) for _ in range(6)]
    weighted = {given(UserFactory).email: weight for weight in (2, 1, 1)}
    terms = [TERMS.format(email=one.email, weight=1, area="criminal") for one in equal]
    terms += [TERMS.format(email=email, weight=weight, area="family") for email, weight in weighted.items()]
    folder = tmp_path / "instance"
    (folder / "policy.toml").write_text(POLICY + "".join(terms), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEADINTAKE_")}
    crowd = [sys.executable, "-m", "tests.support.crowd", database_url, str(folder)]
    subprocess.run([*crowd, str(PROCESSES), str(EACH)], cwd=ROOT, env=environment, check=True, timeout=300)

    leads = rows(Lead)
    assert len(leads) == PROCESSES * EACH
    got = Counter(lead.assigned_to.email for lead in leads)
    criminal = [got[one.email] for one in equal]
    assert sum(criminal) == PROCESSES * EACH * 4 // 5
    assert max(criminal) - min(criminal) <= 1
    family = sum(got[email] for email in weighted)
    for email, weight in weighted.items():
        assert abs(got[email] - family * weight / 4) <= 1

    decided = rows(AssignmentDecision)
    assert Counter(one.lead_id for one in decided) == Counter(lead.id for lead in leads), "one decision each"
    assert {one.lead_id: one.user_id for one in decided} == {lead.id: lead.assignee_id for lead in leads}
    alerted = Counter(owed.lead_id for owed in rows(Notification) if owed.kind == "attorney_alert")
    assert alerted == Counter(lead.id for lead in leads), "one alert each"
    assert max(turn.number for turn in rows(Turn)) == len(leads), "no turn was given twice"
    for one in decided[::10]:
        kept = types.read(one.record)
        assert decide(kept.situation).user_id == one.user_id
