"""What a prospect's name may be: any script, as people write it, and nothing that cannot be shown."""

from __future__ import annotations

import unicodedata

import pytest

from leadintake.leads.models import Lead
from tests.support.leads import good_parts, nothing_is_kept, part, post_parts

FIELDS = ("first_name", "last_name")


IN_ANY_SCRIPT = (
    "José", "山田太郎", "Владимир", "محمد", "אברהם", "ปรีชา", "देवनागरी", "한국어", "Ὀδυσσεύς",
    "O\u2019Brien-Smith", 'Jane "JJ" Doe', "Robert'); DROP TABLE leads;--", "<b>Bold</b>", "=1+1", "{{7*7}}",
    "🧑🏽‍⚖️ Judge", "𐎠𐎡", "%s%n", "\\", "a\u200cb", "X Æ A-12", "null", "None", "0",
)  # fmt: skip
CANNOT_BE_SHOWN = (
    "\x00", "\x01", "\x07", "\x08", "\t", "\n", "\r\n", "\x1b", "\x1f", "\x7f", "\x80", "\x85", "\x9f",
    "\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
    "\u2066", "\u2067", "\u2068", "\u2069", "\ufffd",
)  # fmt: skip
NOT_UTF8 = (b"Jos\xe9", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"caf\xc3")
CANNOT_BE_SEEN = (
    None, "", "   ", "\u3000", "\u200b", "\u200d\u200c", "\u00ad", "\ufeff", "\u2060", "\u0301", "\ufe0f",
    "\u200b \u200b", "\u180e", "\U000e0041\U000e0042",
)  # fmt: skip


@pytest.mark.every_engine
def test_a_name_in_any_script_comes_back_as_it_was_written(client, rows):
    for name in IN_ANY_SCRIPT:
        answer = client.submit(first_name=name, last_name=name)
        assert answer.status_code == 201, answer.text
        assert answer.json["first_name"] == answer.json["last_name"] == name
    assert {(lead.first_name, lead.last_name) for lead in rows(Lead)} == {
        (name, name) for name in IN_ANY_SCRIPT
    }


@pytest.mark.parametrize("field", FIELDS)
def test_a_decomposed_name_is_kept_in_its_composed_form(client, rows, field):
    decomposed = unicodedata.normalize("NFD", "Zoë Ångström 각")
    answer = client.submit(**{field: decomposed})
    assert answer.status_code == 201
    assert decomposed != answer.json[field] == "Zoë Ångström 각"
    assert getattr(rows(Lead)[0], field) == "Zoë Ångström 각"


@pytest.mark.parametrize("field", FIELDS)
def test_white_space_around_a_name_is_trimmed(client, field):
    for around in (" ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2003"):
        answer = client.submit(**{field: f"{around}Mary Ann{around}"})
        assert answer.status_code == 201
        assert answer.json[field] == "Mary Ann"


@pytest.mark.parametrize("field", FIELDS)
def test_a_name_that_cannot_be_shown_as_it_is_written_is_refused(client, app, rows, field):
    for bad in CANNOT_BE_SHOWN:
        answer = client.submit(**{field: f"Jane{bad}Doe"})
        assert answer.status_code == 422, ascii(bad)
        assert list(answer.json["errors"]) == [field], ascii(bad)
    assert nothing_is_kept(app, rows)


@pytest.mark.parametrize("field", FIELDS)
def test_invalid_utf8_is_refused_not_guessed(client, app, rows, field):
    for raw in NOT_UTF8:
        answer = post_parts(client, *good_parts(**{field: part(field, raw)}).values())
        assert answer.status_code == 422, raw
        assert list(answer.json["errors"]) == [field], raw
    assert nothing_is_kept(app, rows)


@pytest.mark.every_engine
@pytest.mark.parametrize("field", FIELDS)
def test_a_hundred_characters_after_composition_fit_and_one_more_does_not(client, rows, field):
    letters = ("x", "é", "山", "🧑", "e\u0301")
    for letter in letters:
        fits = client.submit(**{field: f"  {letter * 100}  "})
        assert fits.status_code == 201, letter
        assert len(fits.json[field]) == 100
        too_long = client.submit(**{field: letter * 101})
        assert too_long.status_code == 422
        assert "100" in too_long.json["errors"][field][0]
    assert len(rows(Lead)) == len(letters)


def test_a_name_that_grows_past_a_hundred_when_composed_is_refused(client, rows):
    # U+0958 is one character as typed and two in NFC: it is a composition exclusion.
    assert list(client.submit(first_name="\u0958" * 51).json["errors"]) == ["first_name"]
    assert client.submit(first_name="\u0958" * 50).status_code == 201
    assert [len(lead.first_name) for lead in rows(Lead)] == [100]


@pytest.mark.parametrize("field", FIELDS)
def test_a_name_that_nobody_can_see_is_no_name(client, app, rows, field):
    for nothing in CANNOT_BE_SEEN:
        answer = client.submit(**{field: nothing})
        assert answer.status_code == 422, ascii(nothing)
        assert list(answer.json["errors"]) == [field], ascii(nothing)
    assert nothing_is_kept(app, rows)


def test_letters_that_are_drawn_as_nothing_are_no_name(client, app, rows):
    for blank in ("\u3164", "\u115f", "\u1160", "\uffa0", "\u2800"):
        assert client.submit(first_name=blank).status_code == 422, ascii(blank)
    assert nothing_is_kept(app, rows)


def test_a_file_in_the_place_of_a_text_is_refused(client, app, rows):
    for field in ("first_name", "last_name", "email", "practice_area", "language", "submission_id"):
        answer = post_parts(client, *good_parts(**{field: part(field, "Jane\r\n", "name.txt")}).values())
        assert answer.status_code == 422, answer.text
        assert "Please send this as text, not as a file." in answer.json["errors"][field]
    assert nothing_is_kept(app, rows)
