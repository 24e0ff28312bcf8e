"""What python -m benchmarks grow makes is a database like any other."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from benchmarks import grow
from leadintake.audit.models import AuditEntry
from leadintake.audit.verification import verify
from leadintake.core import checks
from leadintake.core.db.database import db
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification, Status

LEADS = 200
OF_THE_DATA = ("database", "revision", "storage", "storage owner", "documents", "intake", "recipients")
"""The doctor's rows about what is there; the others are about the machine and who runs on it."""


@pytest.fixture
def grown(app):
    """An application among some leads."""
    grow.add_people(app)
    grow.add_leads(app, LEADS)
    return app


@pytest.fixture
def ada(grown):
    """Its administrator's client."""
    client = grown.test_client()
    who = {"email": grow.ADMINISTRATOR, "password": grow.PASSWORD}
    assert client.post("/internal/session", json=who).status_code == 200
    return client


@pytest.mark.every_engine
def test_the_product_takes_it_as_its_own(grown, ada):
    page = ada.get("/internal/leads?count=true").json
    assert page["total"] == LEADS
    newest = page["items"][0]
    lead = ada.get(f"/internal/leads/{newest['id']}").json
    assert lead["reference"] == newest["reference"]
    history = ada.get(f"/internal/leads/{newest['id']}/history").json["items"]
    assert [event["action"] for event in history] == ["reached_out", "assigned", "submitted"]
    messages = ada.get(f"/internal/leads/{newest['id']}/notifications").json["items"]
    assert {(message["kind"], message["status"]) for message in messages} == {
        ("attorney_alert", "sent"),
        ("prospect_confirmation", "sent"),
    }
    assert ada.get(f"/internal/leads/{newest['id']}/resume").data == grow.RESUME
    found = ada.get("/internal/leads?q=quixotica").json["items"]
    assert [lead["last_name"] for lead in found] == ["Quixotica"]
    with grown.app_context():
        assert verify().number == db.session.scalar(sa.select(sa.func.max(AuditEntry.number)))
        states = {finding.part: finding.state for finding in checks.findings()}
    assert {states[part] for part in OF_THE_DATA} == {"ok"}, states


def test_some_own_many_and_some_messages_failed(grown, rows):
    by_owner: dict[str, int] = {}
    for lead in rows(Lead):
        by_owner[lead.assignee_id] = by_owner.get(lead.assignee_id, 0) + 1
    assert len(by_owner) == grow.ATTORNEYS
    assert max(by_owner.values()) > LEADS / 2
    failed = [message for message in rows(Notification) if message.status is Status.FAILED]
    assert [message.kind for message in failed] == ["prospect_confirmation"]


def test_each_decision_says_why_its_attorney(grown, rows):
    explained = grown.test_cli_runner().invoke(args=["leads", "explain", rows(Lead)[0].reference])
    assert explained.exit_code == 0, explained.output


def test_the_command_makes_an_empty_database_ready(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LEADINTAKE_INSTANCE_PATH", str(tmp_path))
    command = ["--leads", "20", f"sqlite:///{tmp_path / 'grown.sqlite3'}"]
    assert grow.main(command) == 0
    assert grow.PASSWORD in capsys.readouterr().out
    with pytest.raises(SystemExit, match="needs an empty one"):
        grow.main(command)
