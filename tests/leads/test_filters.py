"""Filters of the list: each alone, together, and the search over names and addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from leadintake.core.db.types import new_id
from leadintake.leads import matches
from tests.factories import LeadFactory, ScreenFactory, UserFactory
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
    "apart": ("Kvwx", "Vwxj", "apart@example.com"),
    "emoji": ("🧑🏽‍⚖️", "Judge", "judge@example.com"),
}
QUESTIONS = {
    "JÜRGEN": {"straße"}, "strasse": {"straße"}, "STRASSE": {"straße"}, "traß": {"straße"},
    "ju\u0308rgen": {"straße"}, "gströ": {"mueller"}, "gstro": {"mueller"}, "o'brien": {"mueller"},
    "O\u2019Brien": {"mueller"}, "OBrien": {"mueller"}, "brien-m": {"mueller"}, "brien\u2011mueller": set(),
    "Muller, O'Brien,": {"mueller"}, ",": set(), "OBrien Muller": {"mueller"}, "muller, obrien": {"mueller"},
    "obrienmuller": {"mueller"}, "Juergen": {"straße"},
    "набок": {"russian"}, "ВЛАДИМИР": {"russian"}, "山": {"japanese"}, "太郎 山田": {"japanese"},
    "山田 太郎": {"japanese"}, "bücher": {"japanese"}, "حدا": {"arabic"}, "οδυσσευς": {"greek"},
    "100%": {"percent"}, "%": {"percent"}, "_": {"percent"}, "e_t": {"percent"}, "a_b%c": {"percent"},
    "100": {"percent", "plain"}, "\\": {"slash"}, "/": {"slash"}, "back\\": {"slash"}, "r/w": {"slash"},
    '"jj"': {"quote"}, "d'arc;": {"quote"}, "--": set(), "'": set(), "\u2019": set(), "\u00b4": set(),
    "山田": {"japanese"}, "太": {"japanese"}, "田太": set(), "ng": {"mueller", "percent", "plain"},
    "ul": {"wide", "mueller"},
    "q": set(), "jj": {"quote"}, "ἰθ": {"greek"}, "ιθακη": {"greek"}, "ng ob": {"mueller"}, "ng ful": set(),
    "full": {"wide"}, "\uff26\uff35\uff2c\uff2c": {"wide"}, "fine": {"wide"}, "⚖": {"emoji"}, "🧑": {"emoji"},
    "taro@": {"japanese"}, "@example.com jane": {"quote"}, "jürgen juergen@": {"straße"},
    "kvwx vwxj": {"apart"}, "kvwxj": set(),
    "nobody": set(), "straße taro": set(), "*": set(), "?": set(), "%%": set(), "' OR 1=1": set(),
    "example.com": set(NAMES) - {"japanese"}, "EXAMPLE": set(NAMES), "  ": set(NAMES), "": set(NAMES),
}  # fmt: skip


@pytest.fixture
def by_index(monkeypatch):
    """Have no list be so short that the index is not asked."""
    monkeypatch.setattr(matches, "_is_short", lambda *_: False)


@pytest.mark.every_engine
def test_the_search_finds_any_part_in_any_case_and_script_and_takes_signs_literally(given, found):
    _find_all(given, found)


@pytest.mark.every_engine
def test_the_index_finds_the_same(given, found, by_index):
    _find_all(given, found)


def _find_all(given, found) -> None:
    ids = {}
    for number, (label, (first, last, email)) in enumerate(NAMES.items()):
        names = {"first_name": first, "last_name": last, "email": email}
        ids[str(given(LeadFactory, **names, reference=f"9999-99{number:02}").id)] = label
    for question, wanted in QUESTIONS.items():
        assert {ids[one] for one in found(f"q={quote(question)}")} == wanted, question


@pytest.mark.every_engine
def test_the_index_shows_nobody_what_is_hidden_from_them(given, found, by_index, amara):
    names = {"first_name": "Hidden", "last_name": "Ng"}
    seen = given(LeadFactory, **names)
    given(LeadFactory, "deleted", **names)
    given(LeadFactory, "quarantined", **names)
    given(ScreenFactory, lead_id=given(LeadFactory, **names).id, user=amara)
    for question in ("hidden", "hi", "ng, hidden"):
        assert found(f"q={question}") == {str(seen.id)}
    assert found("q=hidden&status=REACHED_OUT") == set()


@pytest.mark.every_engine
def test_what_was_submitted_can_be_found_by_all_of_it(client, given, found, browser):
    sent = {"first_name": "Ze\u0301lie", "last_name": "\ufdfa" * 100, "email": "Zelie@BÜCHER.example"}
    lead = browser().submit(**sent).json["id"]
    assert found(f"q={quote('ZÉLIE')}") == {lead}
    # Each of these letters unfolds to eighteen; the address is found all the same.
    assert found(f"q={quote('zelie@bücher.example')}") == {lead}
    assert found("q=" + quote("\ufdfa zélie")) == {lead}
