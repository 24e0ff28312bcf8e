"""flask leads: what an operator at the machine sees, in each format, and how a mistake is told."""

from __future__ import annotations

import csv
import io
import json

import pytest

from leadintake.core.db.types import new_id
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, UserFactory


@pytest.fixture
def run(app):
    """Run `flask leads …`."""
    return lambda *words: app.test_cli_runner().invoke(args=["leads", *map(str, words)])


@pytest.fixture
def amara(given):
    return given(UserFactory, email="amara@firm.example.com", name="Amara")


def failed(result, *words: str) -> bool:
    """Whether it ended with status 1 and one line on standard error, which has these words."""
    lines = result.stderr.splitlines()
    assert (result.exit_code, result.stdout, len(lines)) == (1, "", 1), result.output
    return all(word in lines[0] for word in words)


def test_the_list_is_the_newest_first_in_each_format(run, given, amara):
    first = given(LeadFactory, first_name="Zoë", last_name="山田", assigned_to=amara)
    second = given(LeadFactory, "reached_out", email="=1@example.com")
    given(LeadFactory, "deleted")
    rows = json.loads(run("list", "--format", "json").stdout)
    assert [row["id"] for row in rows] == [str(second.id), str(first.id)]
    assert (rows[1]["last_name"], rows[1]["assigned_to"], rows[0]["assigned_to"]) == (
        "山田",
        amara.email,
        None,
    )
    table = run("list")
    assert table.exit_code == 0
    for text in (first.reference, "Zoë 山田", amara.name, "REACHED_OUT"):
        assert text in table.stdout
    written = list(csv.DictReader(io.StringIO(run("list", "--format", "csv").stdout)))
    assert [row["id"] for row in written] == [row["id"] for row in rows]
    assert written[0]["email"] == "'=1@example.com"


@pytest.mark.parametrize("width", ["80", ""])
def test_what_names_a_lead_is_never_broken_however_long_the_rest(run, given, monkeypatch, width):
    if width:
        monkeypatch.setenv("COLUMNS", width)
    long = {"first_name": "x" * 100, "last_name": "山" * 100, "email": f"{'l' * 64}@{'d' * 60}.example.com"}
    lead = given(LeadFactory, **long, assigned_to=given(UserFactory, email=f"{'a' * 60}@firm.example.com"))
    listed = run("list").stdout
    assert lead.reference in listed
    assert max(map(len, listed.splitlines())) <= int(width or "200")
    assert str(lead.id) in run("show", lead.id).stdout


def test_a_lead_has_many_names_in_a_command(run, given):
    lead = given(LeadFactory)
    names = (str(lead.id), str(lead.id)[:13], str(lead.id)[:-2].upper(), lead.reference.lower())
    for name in names:
        assert lead.email in run("show", name).stdout, name
    other = given(LeadFactory)
    assert lead.email in run("show", f"{str(lead.id)[:13]}.{str(lead.id)[-4:]}").stdout
    both = next(n for n in range(36, 0, -1) if str(lead.id)[:n] == str(other.id)[:n])
    several = run("show", str(lead.id)[:both])
    assert several.exit_code == 2
    assert str(lead.id) in several.stderr
    assert str(other.id) in several.stderr
    for wrong in ("0000aaaa", "x", "", "01a", f"{str(lead.id)[:13]}.zzzz"):
        assert run("show", wrong).exit_code == 2, wrong


def test_a_table_says_how_many_it_leaves_out(run, given):
    for _ in range(3):
        given(LeadFactory)
    assert run("list", "--limit", "2").stderr == "2 of 3; use --limit to see more.\n"
    assert run("list", "--limit", "2", "--format", "json").stderr == ""
    assert run("list").stderr == ""


def test_the_list_may_be_of_one_status_and_shorter(run, given):
    pending, reached = given(LeadFactory), given(LeadFactory, "reached_out")
    for status, lead in (("PENDING", pending), ("REACHED_OUT", reached)):
        (row,) = json.loads(run("list", "--status", status, "--format", "json").stdout)
        assert row["id"] == str(lead.id)
    assert len(json.loads(run("list", "--limit", "1", "--format", "json").stdout)) == 1


def test_an_empty_list_is_said_in_words_to_a_person(run):
    assert "no such lead" in run("list").stdout
    assert json.loads(run("list", "--format", "json").stdout) == []


def test_show_tells_a_lead_and_its_history(run, client, amara):
    lead = client.submit().json["id"]
    shown = run("show", lead)
    assert shown.exit_code == 0
    assert all(
        text in shown.stdout for text in (lead, "jane@example.com", "submitted", "assigned", "prospect")
    )
    (row,) = json.loads(run("show", lead, "--format", "json").stdout)
    assert (row["id"], row["email"], row["resume"]) == (lead, "jane@example.com", "resume.pdf")


def test_explain_tells_why_this_attorney(run, client, amara):
    lead = client.submit().json["id"]
    (row,) = json.loads(run("explain", lead, "--format", "json").stdout)
    assert (row["assigned_to"], row["strategy"]) == (amara.email, "least_open")
    assert row["reason"] == "Amara had 0 open leads, the lightest load of 1."
    assert "lightest load" in run("explain", lead).stdout


def test_explain_tells_why_nobody(run, client):
    (row,) = json.loads(run("explain", client.submit().json["id"], "--format", "json").stdout)
    assert (row["assigned_to"], row["reason"]) == (None, "Nobody's role works on leads.")


def test_reassign_hands_a_lead_over_and_tells_the_new_owner(run, given, rows, amara):
    lead = given(LeadFactory)
    done = run("reassign", lead.id, "Amara@Firm.example.com")
    assert (done.exit_code, done.stderr) == (0, "")
    assert str(lead.id) in done.stdout
    assert (rows(Lead)[0].assignee_id, rows(Lead)[0].version) == (amara.id, 2)
    assert [(owed.kind, owed.recipient) for owed in rows(Notification)] == [("attorney_alert", amara.email)]
    assert [(event.actor, event.detail) for event in rows(LeadEvent)] == [("operator", f"to {amara.email}")]


def test_what_is_not_there_is_said_in_one_line(run, given, amara):
    gone = given(LeadFactory, "deleted").id
    for lead in (new_id(), gone):
        assert failed(run("show", lead), "no such lead")
        assert failed(run("explain", lead), "no such lead")
        assert failed(run("reassign", lead, amara.email), "no such lead")


def test_who_cannot_have_a_lead_is_said_in_one_line(run, given, rows):
    lead = given(LeadFactory)
    assert failed(run("reassign", lead.id, "nobody@firm.example.com"), "nobody@firm.example.com")
    for trait in ("viewer", "inactive"):
        assert failed(run("reassign", lead.id, given(UserFactory, trait).email), "active")
    assert rows(Lead)[0].assignee_id is None
    assert rows(Notification) == []


@pytest.mark.parametrize(
    "words",
    [
        ("show", "1"), ("show",), ("list", "--status", "DONE"), ("list", "--format", "xml"),
        ("list", "--limit", "0"),
        ("reassign", "0190f0c1-7b1e-7c3a-9d2e-0123456789ab"), ("nothing",), ("export", "--status", "x"),
    ],
)  # fmt: skip
def test_a_command_written_wrongly_ends_with_status_2(run, words):
    result = run(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_export_writes_every_lead_as_csv(run, given, amara):
    kept = [given(LeadFactory, last_name=odd, assigned_to=amara) for odd in ("=1", 'two\nlines "x"', "山田")]
    given(LeadFactory, "deleted")
    done = given(LeadFactory, "reached_out")
    rows = list(csv.DictReader(io.StringIO(run("export").stdout, newline=""), strict=True))
    assert [row["id"] for row in rows] == [str(done.id), *(str(lead.id) for lead in reversed(kept))]
    assert rows[3]["last_name"] == "'=1"
    assert rows[1]["last_name"] == "山田"
    only = list(csv.DictReader(io.StringIO(run("export", "--status", "REACHED_OUT").stdout, newline="")))
    assert [row["id"] for row in only] == [str(done.id)]


class TestWhereAttorneysSeeTheirOwn:
    """The operator sees everything whatever attorneys may see."""

    @pytest.fixture
    def settings(self):
        return {"ATTORNEY_VISIBILITY": "own"}

    def test_the_operator_sees_all(self, run, given, amara):
        given(LeadFactory, assigned_to=amara)
        given(LeadFactory)
        assert len(json.loads(run("list", "--format", "json").stdout)) == 2


def test_as_json_a_lead_comes_with_its_history(app, client, given):
    given(UserFactory)
    lead_id = client.submit().json["id"]
    shown = app.test_cli_runner().invoke(args=["leads", "show", lead_id, "--format", "json"])
    (lead,) = json.loads(shown.stdout)
    assert [event["action"] for event in lead["history"]] == ["assigned", "submitted"]
