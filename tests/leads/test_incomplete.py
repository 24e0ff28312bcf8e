"""Leads without a resume, an e-mail address, or both: everything that reads leads can read them."""

from __future__ import annotations

import csv
import json

import pytest
import sqlalchemy as sa
from flask_migrate import downgrade, upgrade

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads import backfill
from leadintake.leads.intake.corrections import CorrectionClosed, corrections
from leadintake.leads.models import Lead, Screen
from tests.factories import LeadFactory, ScreenFactory
from tests.support.outbox import deliver

BARE = {"resume": None, "email": None, "phone": "+12025550123", "source": "staff"}


@pytest.fixture
def bare(given, amara):
    return given(LeadFactory, last_name="Bare", assigned_to=amara, **BARE)


@pytest.mark.every_engine
def test_lists_and_searches_have_it_with_nulls(client, bare, amara):
    reader = client.sign_in(amara)
    for query in ("", "?q=bare", "?sort=email", "?q=2025550123", "?sort=-email&count=true"):
        items = reader.get(f"/internal/leads{query}").json["items"]
        assert [(one["email"], one["resume"], one["source"]) for one in items] == [(None, None, "staff")]
    detail = reader.get(f"/internal/leads/{bare.id}").json
    assert (detail["email"], detail["resume"], detail["duplicates"]) == (None, None, [])
    lines = [*csv.DictReader(reader.get("/internal/leads.csv").text.splitlines())]
    assert [(one["email"], one["resume"], one["phone"]) for one in lines] == [("", "", "'+12025550123")]


@pytest.mark.every_engine
def test_a_walk_in_the_order_of_addresses_has_each_once(client, given, amara):
    made = [given(LeadFactory, **({"email": None} if number % 2 else {})) for number in range(7)]
    reader = client.sign_in(amara)
    for sort in ("email", "-email"):
        address, seen = f"/internal/leads?sort={sort}&limit=2", []
        while address:
            page = reader.get(address)
            seen += [item["id"] for item in page.json["items"]]
            cursor = page.json["next_cursor"]
            address = cursor and f"/internal/leads?sort={sort}&limit=2&cursor={cursor}"
        assert sorted(seen) == sorted(str(lead.id) for lead in made)


def test_there_is_no_file_to_download(client, bare, amara):
    reader = client.sign_in(amara)
    for address in (f"/internal/leads/{bare.id}/resume", f"/desk/leads/{bare.id}/resume/text"):
        answer = reader.get(address)
        assert answer.status_code == 404
        assert "This lead has no resume." in answer.text


def test_the_desk_says_what_it_does_not_have(client, bare, max_):
    reader = client.sign_in(max_)
    for address in (
        f"/desk/leads/{bare.id}",
        "/desk",
        "/desk/leads.csv",
        f"/desk/leads/{bare.id}/explanation",
    ):
        answer = reader.get(address)
        assert answer.status_code == 200, address
        assert "None" not in answer.text.replace("If-None-Match", "").replace("None yet", "")
    page = reader.get(f"/desk/leads/{bare.id}").text
    assert "No resume." in page
    assert "no e-mail address" in page
    assert "no e-mail address" in reader.get("/desk").text
    assert reader.delete(f"/internal/leads/{bare.id}").status_code == 204
    assert "None" not in reader.get("/desk/deleted").text


def test_two_without_an_address_are_two_prospects(client, given, bare, bruno, amara, rows):
    """They are no duplicates, have not each other's screens, and neither is a returning prospect."""
    other = given(LeadFactory, assigned_to=bruno, **BARE)
    given(ScreenFactory, lead_id=other.id, user=amara)
    assert bare.mailbox
    assert bare.mailbox != other.mailbox
    reader = client.sign_in(bruno)
    assert reader.get(f"/internal/leads/{bare.id}").json["duplicates"] == []
    assert [screen.lead_id for screen in rows(Screen)] == [other.id]


def test_its_mails_are_sent(app, client, bare, bruno, max_):
    assert (
        client.sign_in(max_)
        .put(f"/internal/leads/{bare.id}/assignee", json={"user_id": str(bruno.id)})
        .status_code
        == 200
    )
    assert deliver(app) == 1


def test_commands_show_it(app, bare):
    for words in (["show", str(bare.id)], ["list"], ["explain", str(bare.id)], ["export"]):
        result = app.test_cli_runner().invoke(args=["leads", *words])
        assert result.exit_code == 0, result.output
    shown = json.loads(
        app.test_cli_runner().invoke(args=["leads", "show", str(bare.id), "--format", "json"]).output
    )
    assert (shown[0]["email"], shown[0]["resume"], shown[0]["warnings"]) == (None, None, [])


def test_a_worker_of_the_version_before_left_no_mailbox(app, bare):
    with app.app_context():
        with transaction():
            db.session.execute(sa.update(Lead).values(mailbox=None))
        assert backfill.fill_mailboxes()
        assert not backfill.fill_mailboxes()


def test_it_has_no_page_of_thanks_to_correct_an_address_on(app, bare):
    with app.app_context(), pytest.raises(CorrectionClosed):
        corrections.require(bare.id)


@pytest.mark.every_engine
def test_the_migration_changes_no_row_and_is_refused_back_while_one_is_incomplete(app, given, rows, caplog):
    whole = given(LeadFactory)
    with app.app_context():
        downgrade(revision="0022")
        db.engine.dispose()
        upgrade()
        db.engine.dispose()
        if db.engine.dialect.name == "sqlite":
            with db.engine.connect() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]
                assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    bare = given(LeadFactory, **BARE)
    assert [(lead.id, lead.email, lead.source) for lead in rows(Lead)] == [
        (whole.id, whole.email, "form"),
        (bare.id, None, "staff"),
    ]
    with app.app_context(), pytest.raises(SystemExit):
        downgrade(revision="0022")
    assert "Some leads have no resume" in caplog.text
    with app.app_context():
        upgrade()  # what was taken back before it
