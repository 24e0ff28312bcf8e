"""flask demo: everything ready to try, without starting the server."""

from __future__ import annotations

import os
import re
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadintake.assignment.models import AssignmentDecision
from leadintake.audit.models import AuditEntry
from leadintake.auth.models import User
from leadintake.demo import cli as demo_command
from leadintake.demo.people import ATTORNEYS, PROSPECTS, RESUMES, resume_of
from leadintake.documents.models import Document
from leadintake.documents.service import documents
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.status import LeadStatus
from leadintake.notifications.mailboxes import mailboxes
from leadintake.notifications.models import Notification, Status
from tests.support.numbers import numbers_are_right

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LINE = re.compile(r"^\s+(admin|manager|attorney|viewer)\s+(\S+@\S+)\s+(\S+)\s", re.MULTILINE)


@pytest.fixture
def started(monkeypatch) -> list:
    """What the server would have been started with."""
    calls = []

    def execve(*arguments):
        calls.append(arguments)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(demo_command, "_refuse_taken_port", lambda *_address: None)
    for name in ("LEADINTAKE_PUBLIC_URL", "LEADINTAKE_PUBLIC_URL_FILE"):
        monkeypatch.delenv(name, raising=False)
    return calls


@pytest.fixture
def run(app, started):
    def invoke(*options: str):
        return app.test_cli_runner().invoke(args=["demo", *options])

    return invoke


def test_a_port_that_is_taken_is_refused_before_anything_is_made(app, rows):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = app.test_cli_runner().invoke(args=["demo", "--port", str(port)])
    assert refused.exit_code == 1
    assert f"Port {port} of 127.0.0.1 is taken" in refused.stderr
    assert "--port" in refused.stderr
    assert rows(User) == []


def passwords_in(output: str) -> dict[str, str]:
    return {email: password for _, email, password in LINE.findall(output)}


def test_it_makes_people_and_leads_and_prints_how_to_get_in(run, client, rows):
    result = run()
    assert result.exit_code == 0, result.output
    printed = passwords_in(result.stdout)
    assert set(printed) == {email for email, _, _ in ATTORNEYS}
    for user in rows(User):
        client.sign_in(user, printed[user.email])
    assert len(rows(Lead)) == len(rows(Document)) == len(PROSPECTS)
    assert {lead.email for lead in rows(Lead)} == {prospect.email for prospect in PROSPECTS}
    assert [lead.in_quarantine for lead in rows(Lead) if not lead.assignee_id] == [True]
    assert "http://127.0.0.1:8000/" in result.stdout


def test_a_second_start_makes_nothing_twice_and_new_passwords(run, client, rows):
    first, second = (passwords_in(run().stdout) for _ in range(2))
    assert set(first) == set(second)
    assert not set(first.values()) & set(second.values())
    assert len(rows(User)) == len(ATTORNEYS)
    assert len(rows(Lead)) == len(rows(Document)) == len(PROSPECTS)
    amara = next(user for user in rows(User) if user.email.startswith("amara"))
    old = client.post("/internal/session", json={"email": amara.email, "password": first[amara.email]})
    assert old.status_code == 401
    client.sign_in(amara, second[amara.email])


def of_prospect(leads: list[Lead], **values: str) -> Lead:
    """The only lead with these values."""
    (found,) = [lead for lead in leads if all(getattr(lead, name) == value for name, value in values.items())]
    return found


def test_the_leads_are_of_different_ages_and_states(run, rows):
    run()
    leads = rows(Lead)
    ages = {lead.email: datetime.now(UTC) - lead.created_at for lead in leads}
    assert ages["taro@demo.example.com"] < HOUR < ages["noor@demo.example.com"] < DAY
    assert ages["lucia@demo.example.com"] > 3 * DAY
    waiting = [lead for lead in leads if lead.status is LeadStatus.PENDING and not lead.in_quarantine]
    assert len(waiting) == 5
    assert of_prospect(leads, practice_area="employment").status is LeadStatus.REACHED_OUT
    assert of_prospect(leads, email="joan@demo.example.com").in_quarantine


def test_a_returning_prospect_goes_to_the_attorney_who_knows_her(run, rows):
    run()
    first, again = (
        of_prospect(rows(Lead), last_name="Doe", practice_area=a) for a in ("employment", "estate")
    )
    assert first.email != again.email == "Jane@demo.example.com"
    assert again.assignee_id == first.assignee_id


def test_one_confirmation_was_refused_for_good_and_all_others_were_sent(app, run, rows):
    run()
    failed = [one for one in rows(Notification) if one.status is Status.FAILED]
    assert [(one.recipient, one.kind) for one in failed] == [
        ("zoe@demo.example.com", "prospect_confirmation")
    ]
    with app.app_context():
        assert mailboxes.has_refused("zoe@demo.example.com", failed[0].lead_id)
    assert {one.status for one in rows(Notification)} == {Status.SENT, Status.FAILED}


def test_all_times_of_a_lead_are_about_its_own(run, rows):
    run()
    received = {lead.id: lead.created_at for lead in rows(Lead)}
    for row in [*rows(LeadEvent), *rows(Notification), *rows(AssignmentDecision)]:
        if row.lead_id and getattr(row, "action", "") != "reached_out":
            assert abs(row.created_at - received[row.lead_id]) < timedelta(minutes=1), row
    entries = sorted(rows(AuditEntry), key=lambda entry: entry.number)
    past = [entry.created_at for entry in entries if entry.action != "user.password_set"]
    assert past == sorted(past)


def test_what_was_moved_into_the_past_passes_every_check(app, run):
    run()
    verified = app.test_cli_runner().invoke(args=["audit", "verify"])
    assert verified.exit_code == 0, verified.output
    with app.app_context():
        assert numbers_are_right()
    examined = app.test_cli_runner().invoke(args=["doctor"])
    wrong = set(re.findall(r"^(\w[\w ]*?) +wrong ", examined.stdout, re.MULTILINE))
    assert wrong <= {"durability", "worker"}, examined.output  # of a test: a disk in memory, no server


@pytest.mark.parametrize("name", sorted(path.name for path in RESUMES.iterdir()))
def test_each_resume_is_small_and_accepted_without_a_warning(app, name):
    path = RESUMES / name
    assert path.stat().st_size <= 40_000
    with path.open("rb") as file, app.app_context():
        verdict = documents.judge(name, file)
    assert verdict.kind.extension == path.suffix
    assert not verdict.flags


def test_it_becomes_the_default_server_with_a_worker(run, started, monkeypatch):
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    run("--port", "8123")
    ((program, command, environment),) = started
    assert program == sys.executable
    assert command[1:3] == ["-m", "granian"]
    joined = " ".join(command)
    assert "--interface wsgi --http 1 --blocking-threads 64 --host 127.0.0.1 --port 8123 wsgi:app" in joined
    assert Path(command[command.index("--log-config") + 1]).name == "granian.json"
    assert "FLASK_RUN_FROM_CLI" not in environment  # or the server would think itself a command
    assert environment["LEADINTAKE_PUBLIC_URL"] == "http://127.0.0.1:8123"


def test_an_installed_package_is_served_by_its_factory(run, started, monkeypatch):
    from leadintake.demo import cli

    class Elsewhere(type(cli.Path())):
        def exists(self, **options):
            return self.name != "wsgi.py" and super().exists(**options)

    monkeypatch.setattr(cli, "Path", Elsewhere)
    run()
    ((_, command, _),) = started
    assert command[-2:] == ["leadintake.serving:serve", "--factory"]


def test_the_links_in_the_first_mails_lead_to_the_demo(run, rows):
    run("--port", "8123")
    alerts = [one.text for one in rows(Notification) if one.kind in ("attorney_alert", "returning_alert")]
    assert len(alerts) == len(PROSPECTS) - 1  # nobody is told of one in quarantine
    assert all("http://127.0.0.1:8123/desk/leads/" in text for text in alerts)


@pytest.mark.parametrize("name", ["LEADINTAKE_PUBLIC_URL", "LEADINTAKE_PUBLIC_URL_FILE"])
def test_a_public_url_that_was_given_stays(run, rows, started, monkeypatch, name):
    monkeypatch.setenv(name, "https://intake.firm.example")
    run("--port", "8123")
    ((_, _, environment),) = started
    given = {key for key in environment if key.startswith("LEADINTAKE_PUBLIC_URL")}
    assert given == {name}  # both at once would stop the server
    assert not any(":8123" in one.text for one in rows(Notification))


class TestInProduction:
    """Never there."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {
            "ENVIRONMENT": "production",
            "MAIL_FOLDER": "mail",
            "SECRET_KEY": "k" * 32,
            "PUBLIC_URL": "https://intake.firm.example",
        }

    def test_it_refuses_in_one_line_and_makes_nobody(self, run, rows, started):
        result = run()
        assert result.exit_code == 1
        assert "does not run in production" in result.stderr
        assert result.stdout == ""
        assert rows(User) == []
        assert started == []


def test_changed_leads_of_an_earlier_demo_stop_it_in_one_line(run, monkeypatch, started):
    run()
    changed = tuple(replace(prospect, last_name="Else") for prospect in PROSPECTS)
    monkeypatch.setattr("leadintake.demo.cli.PROSPECTS", changed)
    result = run()
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert len(started) == 1


@pytest.mark.parametrize("name", ["Jane Doe", "\u592a\u90ce \u5c71\u7530", "a) Tj (b \\"])
def test_a_resume_is_a_pdf_whose_table_points_at_its_objects(name):
    data = resume_of(name)
    assert data.startswith(b"%PDF-1.4\n")
    assert data.endswith(b"%%EOF\n")
    start = int(data.split(b"startxref\n")[1].split()[0])
    assert data[start:].startswith(b"xref\n0 6\n")
    offsets = [int(line.split()[0]) for line in data[start:].splitlines()[3:8]]
    assert [data[offset:].split()[0] for offset in offsets] == [b"1", b"2", b"3", b"4", b"5"]
