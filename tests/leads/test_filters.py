"""Filters of the list: each alone, together, and the search over names and addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from leadintake.core.db.types import new_id
from tests.factories import LeadFactory, UserFactory
from tests.support.leads import ids_of

LIST = "/internal/leads"
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.fixture
def amara(given):
    return given(UserFactory)


@pytest.fixture
def reader(client, amara):
    return client.sign_in(amara)


@pytest.fixture
def found(reader):
    """The leads a question finds, as a set of their ids; the count and the export agree with it."""

    def ask(query: str) -> set[str]:
        answer = reader.get(f"{LIST}?{query}&count=true&limit=200")
        assert answer.status_code == 200, answer.text
        ids = set(ids_of(answer))
        assert answer.json["total"] == len(ids)
        exported = reader.get(f"/internal/leads.csv?{query}").text.splitlines()[1:]
        assert {line.partition(",")[0] for line in exported} == ids
        return ids

    return ask


def test_by_status(given, found):
    pending, reached = given(LeadFactory), given(LeadFactory, "reached_out")
    assert found("status=PENDING") == {str(pending.id)}
    assert found("status=REACHED_OUT") == {str(reached.id)}


def test_by_assignee(given, found, amara):
    other = given(UserFactory)
    mine, theirs, free = (given(LeadFactory, assigned_to=who) for who in (amara, other, None))
    assert found("assigned_to=me") == {str(mine.id)}
    assert found("assigned_to=none") == {str(free.id)}
    assert found(f"assigned_to={other.id}") == {str(theirs.id)}
    assert found(f"assigned_to={str(other.id).upper()}") == {str(theirs.id)}
    assert found(f"assigned_to={new_id()}") == set()


@pytest.mark.every_engine
def test_by_time_from_the_first_instant_to_before_the_last(given, found):
    tick = timedelta(microseconds=1)
    before, at, after = (given(LeadFactory, created_at=when) for when in (NOON - tick, NOON, NOON + tick))
    assert found("created_from=2026-03-29T12:00:00Z") == {str(at.id), str(after.id)}
    assert found("created_to=2026-03-29T12:00:00Z") == {str(before.id)}
    assert found("created_from=2026-03-29T14:00:00%2B02:00&created_to=2026-03-29T12:00:00.000001Z") == {
        str(at.id)
    }
    assert found("created_from=2026-03-29T13:00:00Z&created_to=2026-03-29T11:00:00Z") == set()


def test_filters_together_must_all_fit(given, found, amara):
    wanted = given(LeadFactory, first_name="Zoë", assigned_to=amara, created_at=NOON)
    given(LeadFactory, "reached_out", first_name="Zoë", assigned_to=amara, created_at=NOON)
    given(LeadFactory, first_name="Zoë", created_at=NOON)
    given(LeadFactory, first_name="Joe", assigned_to=amara, created_at=NOON)
    given(LeadFactory, first_name="Zoë", assigned_to=amara)
    question = "status=PENDING&assigned_to=me&q=zo%C3%AB&created_to=2026-04-01T00:00:00Z"
    assert found(question) == {str(wanted.id)}


NAMES = {
    "straße": ("Jürgen", "Straße", "juergen@example.com"),
    "mueller": ("Ångström", "O'Brien-Müller", "o.brien@example.com"),
    "russian": ("Владимир", "Набоков", "vladimir@example.com"),
    "japanese": ("太郎", "山田", "taro@bücher.example"),
    "arabic": ("نور", "حداد", "noor@example.com"),
    "greek": ("ΟΔΥΣΣΕΥΣ", "Ἰθάκη", "od@example.com"),
    "percent": ("100%", "sure_thing", "a_b%c@example.com"),
    "plain": ("100x", "sureXthing", "aXbYc@example.com"),
    "slash": ("back\\slash", "for/ward", "sl@example.com"),
    "quote": ('Jane "JJ"', "D'Arc; --", "jj@example.com"),
    "wide": ("\uff26\uff55\uff4c\uff4c", "\ufb01ne", "wide@example.com"),
    "emoji": ("🧑🏽‍⚖️", "Judge", "judge@example.com"),
}
QUESTIONS = {
    "JÜRGEN": {"straße"}, "strasse": {"straße"}, "STRASSE": {"straße"}, "traß": {"straße"},
    "ju\u0308rgen": {"straße"}, "gströ": {"mueller"}, "o'brien": {"mueller"}, "brien-m": {"mueller"},
    "набок": {"russian"}, "ВЛАДИМИР": {"russian"}, "山": {"japanese"}, "太郎 山田": {"japanese"},
    "山田 太郎": {"japanese"}, "bücher": {"japanese"}, "حدا": {"arabic"}, "οδυσσευς": {"greek"},
    "100%": {"percent"}, "%": {"percent"}, "_": {"percent"}, "e_t": {"percent"}, "a_b%c": {"percent"},
    "100": {"percent", "plain"}, "\\": {"slash"}, "/": {"slash"}, "back\\": {"slash"}, "r/w": {"slash"},
    '"jj"': {"quote"}, "d'arc;": {"quote"}, "--": {"quote"}, "'": {"mueller", "quote"},
    "full": {"wide"}, "\uff26\uff35\uff2c\uff2c": {"wide"}, "fine": {"wide"}, "⚖": {"emoji"}, "🧑": {"emoji"},
    "taro@": {"japanese"}, "@example.com jane": {"quote"}, "jürgen juergen@": {"straße"},
    "nobody": set(), "straße taro": set(), "*": set(), "?": set(), "%%": set(), "' OR 1=1": set(),
    "example.com": set(NAMES) - {"japanese"}, "EXAMPLE": set(NAMES), "  ": set(NAMES), "": set(NAMES),
}  # fmt: skip


@pytest.mark.every_engine
def test_the_search_finds_any_part_in_any_case_and_script_and_takes_signs_literally(given, found):
    ids = {}
    for label, (first, last, email) in NAMES.items():
        ids[str(given(LeadFactory, first_name=first, last_name=last, email=email).id)] = label
    for question, wanted in QUESTIONS.items():
        assert {ids[one] for one in found(f"q={quote(question)}")} == wanted, question


@pytest.mark.every_engine
def test_what_was_submitted_can_be_found_by_all_of_it(client, given, found, browser):
    sent = {"first_name": "Ze\u0301lie", "last_name": "\ufdfa" * 100, "email": "Zelie@BÜCHER.example"}
    lead = browser().submit(**sent).json["id"]
    assert found(f"q={quote('ZÉLIE')}") == {lead}
    # Each of these letters unfolds to eighteen; the address is found all the same.
    assert found(f"q={quote('zelie@bücher.example')}") == {lead}
    assert found("q=" + quote("\ufdfa zélie")) == {lead}
