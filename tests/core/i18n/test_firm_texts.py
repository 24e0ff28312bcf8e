"""Texts that a firm puts in its own words, whole or broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadintake.core.i18n.firm_texts import TEXTS
from tests.support.leads import thanks_for

BROKEN = ["{% if %}", "{{ nothing.at.all }}", "{{ 1 / 0 }}", "{% include 'away.html' %}", b"\xff"]


@pytest.fixture
def page_of(app) -> dict[str, str]:
    """Where each text is shown."""
    return {"welcome": "/", "disclaimer": "/", "next_steps": thanks_for(app, "7QM4-2XRF")}


@pytest.fixture
def write(app):
    """Put a text of the firm's own into the instance."""

    def put(name: str, words: str | bytes) -> None:
        file = Path(app.instance_path) / "templates" / "texts" / f"{name}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(words if isinstance(words, bytes) else words.encode())

    return put


def doctor(app) -> str:
    """What the doctor finds wrong with the texts."""
    shown = app.test_cli_runner().invoke(args=["doctor", "--format", "json"]).stdout
    return next(row["detail"] for row in json.loads(shown) if row["part"] == "texts")


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_of_the_firm_wins_over_ours(client, write, page_of, name):
    write(name, "<p>Words of {{ config.FIRM_NAME }}.</p>")
    assert "<p>Words of Our Law Firm.</p>" in client.get(page_of[name]).text


def test_a_text_of_the_firm_may_speak_every_language(client, write, app):
    write("welcome", '<p>{% if language() == "es" %}Bienvenida{% else %}{{ _("Thank you") }}{% endif %}</p>')
    assert "<p>Thank you</p>" in client.get("/").text
    assert "<p>Bienvenida</p>" in client.get("/?lang=es").text
    assert doctor(app) == ""


@pytest.mark.parametrize("words", BROKEN)
@pytest.mark.parametrize("name", TEXTS)
def test_a_broken_one_turns_nobody_away_and_is_told_to_the_operator(
    app, client, write, page_of, name, words, capfd
):
    ours = client.get(page_of[name]).text
    app.jinja_env.cache.clear()
    write(name, words)
    capfd.readouterr()
    theirs = client.get(page_of[name])
    assert theirs.status_code == 200
    assert theirs.text.split("<h1")[1].split("<form")[0] == ours.split("<h1")[1].split("<form")[0]
    assert "text_broken" in capfd.readouterr().err
    assert f"texts/{name}.html" in doctor(app)


def test_a_text_that_breaks_in_one_language_is_found(app, write):
    write("welcome", '{% if language() == "es" %}{{ 1 / 0 }}{% endif %}')
    assert doctor(app).startswith("texts/welcome.html cannot be shown (es): ")


def test_a_submission_is_taken_while_a_text_is_broken(client, write):
    write("disclaimer", "{{ 1 / 0 }}")
    assert client.submit(disclaimer="0" * 12).status_code == 201
