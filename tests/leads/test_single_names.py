"""People with one name only: a way to say so, and nobody ever reads a dash for it."""

from __future__ import annotations

import pytest

from leadintake.leads.fields import full_name
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.html import Page

SINGLE = {"first_name": "Suharto", "last_name": "", "one_name": "1"}


@pytest.mark.parametrize("last_name", ["", None, "typed before the box was ticked"])
def test_who_has_one_name_ticks_a_box_and_needs_no_second(client, rows, last_name):
    assert client.submit(**{**SINGLE, "last_name": last_name}).status_code == 201
    (lead,) = rows(Lead)
    assert (lead.first_name, lead.last_name) == ("Suharto", "-")


def test_without_the_box_the_second_name_is_asked_for(client):
    for unticked in (None, "", "false", "0", "no", "off"):
        answer = client.submit(**{**SINGLE, "one_name": unticked})
        assert answer.json["errors"] == {"last_name": ["Enter your last name."]}
    both = client.submit(**{**SINGLE, "first_name": ""})
    assert both.json["errors"] == {"first_name": ["Enter your first name."]}


def test_the_box_stays_ticked_when_the_form_comes_back_and_shows_no_dash(client):
    page = Page(client.submit(accept="text/html", email="no", **SINGLE).text)
    assert "checked" in page.inputs()["one_name"].attributes
    assert page.inputs()["last_name"]["value"] == ""


def test_a_name_that_was_typed_is_kept_under_the_box(client):
    page = Page(client.submit(accept="text/html", email="no", **{**SINGLE, "last_name": "Silva"}).text)
    assert page.inputs()["last_name"]["value"] == "Silva"


def test_a_retry_is_the_same_submission_whichever_way_it_is_said(client, rows):
    for values in (SINGLE, {"first_name": "Suharto", "last_name": "-"}):
        assert client.submit(key="once", **values).status_code == 201
    assert len(rows(Lead)) == 1


def test_people_read_one_word(client, app, given, rows):
    amara = given(UserFactory)
    client.submit(**SINGLE)
    (lead,) = rows(Lead)
    client.sign_in(amara)
    pages = [client.get(address).text for address in ("/desk", f"/desk/leads/{lead.id}")]
    pages.append(app.test_cli_runner().invoke(args=["leads", "list"]).output)
    (alert,) = [owed for owed in rows(Notification) if owed.kind == "attorney_alert"]
    pages += [alert.text, alert.html]
    for page in pages:
        assert "Suharto" in page
        assert "Suharto -" not in page
        assert "Suharto Suharto" not in page


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        ("Suharto", "-", "Suharto"), ("Suharto", "\u2013", "Suharto"), ("Suharto", ".", "Suharto"),
        ("Jane", "Doe", "Jane Doe"), ("Ana", "Díaz-Paz", "Ana Díaz-Paz"), ("Ali", "A.", "Ali A."),
    ],
)  # fmt: skip
def test_a_name_is_shown_as_people_write_it(first, last, shown):
    assert full_name(first, last) == shown
