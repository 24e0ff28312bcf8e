"""The confirmation in the prospect's language; everything to the firm's people in English."""

from __future__ import annotations

import email
import email.policy

import pytest

from leadintake.core.i18n.languages import LANGUAGES
from leadintake.notifications.channels.letters import compose
from leadintake.notifications.messages import SUBJECTS, render
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.client import filled
from tests.support.letterhead import letterhead

ENGLISH, SPANISH = "We received your information", "Recibimos sus datos"
NASTY = '<script>alert(1)</script> & "O\'Neill"'


@pytest.fixture
def settings() -> dict[str, object]:
    return {"LANGUAGES": ["en", "es", "es-MX", "fr"]}


def confirmation(rows) -> Notification:
    return next(owed for owed in rows(Notification) if owed.kind == "prospect_confirmation")


@pytest.mark.parametrize(
    ("preferred", "accepts", "address", "subject"),
    [
        (None, None, "", ENGLISH),
        (None, "es", "", SPANISH),
        (None, "en", "?lang=es", SPANISH),
        (None, "es", "?lang=en", ENGLISH),
        ("en", "es", "", ENGLISH),
        ("es", None, "", SPANISH),
        ("es-MX", "en", "", SPANISH),
        ("fr", "es", "", SPANISH),
        ("fr", "fr", "", ENGLISH),
    ],
)
def test_it_speaks_the_language_preferred_else_that_of_the_page(
    client, given, rows, preferred, accepts, address, subject
):
    given(UserFactory)
    headers = {"Accept-Language": accepts} if accepts else {}
    sent = client.post(f"/public/leads{address}", data=filled(language=preferred), headers=headers)
    assert sent.status_code == 201
    assert confirmation(rows).subject.partition(":")[0] == subject


def test_in_spanish_every_word_of_it_is_and_its_link_leads_to_a_spanish_page(app, client, given, rows):
    given(UserFactory)
    client.submit(language="es")
    owed = confirmation(rows)
    assert owed.text.startswith(
        "Hola, Jane:\n\nGracias. Sus datos y su currículum ya llegaron a Our Law Firm.\n"
    )
    assert f"/unsubscribe/{owed.id}?lang=es\n" in owed.text
    assert '<html lang="es" dir="ltr">' in owed.html
    for word in ("Thank", "your", "Please", "Hello"):
        assert word not in owed.text + owed.html
    with app.app_context():
        message = email.message_from_bytes(compose(owed).as_bytes(), policy=email.policy.default)
    assert message["Subject"].partition(":")[0] == SPANISH
    assert message["List-Unsubscribe"].endswith(f"/unsubscribe/{owed.id}>")


def test_in_english_it_reads_as_ever(app):
    with app.app_context():
        bare = letterhead("Firm", address="", phone="")
        words = {
            "letterhead": bare,
            "name": "",
            "reference": "4711",
            "unsubscribe": "https://intake.example/u",
        }
        assert render("prospect_confirmation", **words).text == (
            "Hello,\n\nThank you. Firm has received your information and your resume.\n\n"
            "What happens next: one of our attorneys will read it and write to you at this address.\n"
            "Your reference number is 4711.\n\n"
            "Sending us your information does not make us your attorneys yet. "
            "Please do not send anything confidential until we have spoken.\n\n"
            "If you did not send us anything, somebody typed your address by mistake. "
            "You need not do anything.\n\n"
            "You do not want mails about this form? Open https://intake.example/u\n\n-- \nFirm\n"
        )


def test_the_firms_people_are_written_to_in_english(client, given, rows):
    given(UserFactory)
    assert client.post("/public/leads?lang=es", data=filled(language="es")).status_code == 201
    (alert,) = [owed for owed in rows(Notification) if owed.kind == "attorney_alert"]
    assert alert.subject.partition(":")[0] == SUBJECTS["attorney_alert"]
    assert "sent their information" in alert.text
    assert '<html lang="en" dir="ltr">' in alert.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_subject_is_a_constant_and_names_are_text_in_every_language(app, language):
    with app.app_context():
        words = {
            "letterhead": letterhead(f"100% {NASTY}"),
            "name": NASTY,
            "reference": NASTY,
            "unsubscribe": NASTY,
        }
        said = render("prospect_confirmation", language=language, **words)
    assert said.subject == {"en": ENGLISH, "es": SPANISH}[language]
    assert "<script" not in said.html
    assert NASTY in said.text
    assert "100% " in said.text
