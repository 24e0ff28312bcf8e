"""The disclaimer: which one a prospect read is known for ever."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from leadintake.core.db.database import db
from leadintake.leads.disclaimers import Disclaimer
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.service import leads
from tests.factories import LeadFactory, UserFactory
from tests.support.html import Page
from tests.support.leads import together

ENGLISH = (
    "<p>Sending us your information does not make us your attorneys yet. "
    "Please do not send anything confidential until we have spoken.</p>"
)


def version_on(client, address: str = "/") -> str:
    """The version that the form carries."""
    return Page(client.get(address).text).inputs()["disclaimer"]["value"]


def submitted(rows) -> list[str]:
    return [event.detail for event in rows(LeadEvent) if event.action == "submitted"]


def of_the_firm(app, words: str) -> None:
    """Give the firm a disclaimer of its own."""
    file = Path(app.instance_path) / "templates" / "texts" / "disclaimer.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(words)
    app.jinja_env.cache.clear()


def test_the_version_is_the_hash_of_language_and_text(client):
    assert version_on(client) == hashlib.sha256(f"en{ENGLISH}".encode()).hexdigest()[:12]
    assert ENGLISH in client.get("/").text
    spanish = Page(client.get("/?lang=es").text)
    assert "todavía no nos convierte en sus abogados" in spanish.all("form")[0].text
    assert version_on(client, "/?lang=es") != version_on(client)


def test_a_lead_keeps_the_version_and_the_text_is_kept_once(app, client, rows):
    shown = {language: version_on(client, f"/?lang={language}") for language in ("en", "es")}
    for language in ("en", "es", "es"):
        assert client.submit(disclaimer=shown[language]).status_code == 201
    assert [lead.disclaimer_version for lead in rows(Lead)] == [shown["en"], shown["es"], shown["es"]]
    kept = {row.version: row for row in rows(Disclaimer)}
    assert {version: row.language for version, row in kept.items()} == {shown["en"]: "en", shown["es"]: "es"}
    assert kept[shown["en"]].text == ENGLISH
    for row in kept.values():
        assert hashlib.sha256(f"{row.language}{row.text}".encode()).hexdigest()[:12] == row.version
    with app.app_context():
        lead = db.session.get(Lead, rows(Lead)[0].id)
        assert leads.disclaimer_of(lead).text == ENGLISH


def test_the_history_says_which_one_was_shown(client, rows):
    version = version_on(client)
    client.submit(disclaimer=version)
    client.submit()
    assert submitted(rows) == [f"with resume.pdf, shown disclaimer {version}", "with resume.pdf"]


@pytest.mark.parametrize(
    "value", ["", "0" * 12, "x", "A" * 12, "0" * 11 + "\n", "é" * 12, "0" * 5000, "<script>"]
)
def test_what_is_no_version_of_ours_is_ignored(app, client, rows, value):
    assert client.submit(disclaimer=value).status_code == 201
    (lead,) = rows(Lead)
    assert lead.disclaimer_version is None
    assert rows(Disclaimer) == []
    with app.app_context():
        assert leads.disclaimer_of(lead) is None


def test_given_twice_the_first_counts_and_nothing_is_refused(client, rows):
    version = version_on(client)
    assert client.submit(disclaimer=[version, "x"]).status_code == 201
    assert rows(Lead)[0].disclaimer_version == version


def test_another_disclaimer_is_no_other_submission(client, rows):
    first = client.submit("k", disclaimer=version_on(client))
    again = client.submit("k", disclaimer=version_on(client, "/?lang=es"))
    assert (again.status_code, again.json) == (201, first.json)
    assert len(rows(Disclaimer)) == 1


def test_a_disclaimer_of_the_firm_has_a_version_of_its_own(app, client, rows):
    before = version_on(client)
    of_the_firm(app, "<p>No   lawyer\nyet, says {{ config.FIRM_NAME }}.</p>")
    after = version_on(client)
    assert after != before
    client.submit(disclaimer=after)
    (kept,) = rows(Disclaimer)
    assert kept.text == "<p>No lawyer yet, says Our Law Firm.</p>"
    of_the_firm(app, "<p>No lawyer yet,\n\nsays {{ config.FIRM_NAME }}.</p>")
    assert version_on(client) == after, "white space is no other text"


def test_a_page_opened_before_the_text_changed_still_tells_what_was_read(app, client, rows):
    old = version_on(client)
    client.submit(disclaimer=old)
    never_sent = version_on(client, "/?lang=es")
    of_the_firm(app, "<p>Other words.</p>")
    client.submit(disclaimer=old)
    client.submit(disclaimer=never_sent)
    assert [lead.disclaimer_version for lead in rows(Lead)] == [old, old, None]


def test_a_form_with_mistakes_carries_the_version_that_it_shows(client):
    answer = client.submit(accept="text/html", email="x", disclaimer="gone")
    assert Page(answer.text).inputs()["disclaimer"]["value"] == version_on(client)


def test_nothing_is_kept_of_a_submission_that_was_refused(client, rows):
    assert client.submit(email="x", disclaimer=version_on(client)).status_code == 422
    assert rows(Disclaimer) == []


def test_the_command_line_shows_the_version(app, client, given):
    version = version_on(client)
    lead = client.submit(disclaimer=version).json["id"]
    run = app.test_cli_runner().invoke
    assert version in run(args=["leads", "show", lead]).stdout
    (row,) = json.loads(run(args=["leads", "show", lead, "--format", "json"]).stdout)
    assert row["disclaimer"] == version
    (row,) = json.loads(run(args=["leads", "show", str(given(LeadFactory).id), "--format", "json"]).stdout)
    assert row["disclaimer"] is None


@pytest.mark.every_engine
def test_many_first_submissions_at_once_keep_one_text(app, browser, client, given, rows):
    given(UserFactory)
    version = version_on(client)
    answers = together(*[lambda: browser().submit(disclaimer=version)] * 8)
    assert [answer.status_code for answer in answers] == [201] * 8
    assert {lead.disclaimer_version for lead in rows(Lead)} == {version}
    assert len(rows(Disclaimer)) == 1
