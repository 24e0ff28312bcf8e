"""Text that people typed, and cells of tables."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st

from leadintake.core.addresses import BadAddress, mail_address
from leadintake.core.cli.output import safe_cell
from leadintake.core.text import (
    TooLong,
    compose,
    fold_search,
    fold_text,
    fold_texts,
    fold_words,
    has_controls,
    has_controls_in_lines,
    is_invisible,
    normalize_lines,
    normalize_text,
    visible_name,
)
from tests.documents.inspection.examples import examples

fast = examples(200)
ANYTHING = st.text(st.characters(), max_size=60)
NASTY = st.text(st.sampled_from("ab.\\/\x00\u202e\u0301é﷐\ud800\ufffd 履🦊"), max_size=400)


@pytest.fixture
def normalising(monkeypatch) -> list[str]:
    """Every text that is normalised from now on."""
    seen = []

    def normalize(form: str, text: str) -> str:
        seen.append(text)
        return unicodedata.normalize(form, text)

    same = {name: getattr(unicodedata, name) for name in ("category", "combining")}
    monkeypatch.setattr("leadintake.core.text.unicodedata", SimpleNamespace(**same, normalize=normalize))
    return seen


@fast
@given_that(ANYTHING)
def test_what_is_regular_stays_as_it_is(text):
    once = normalize_text(text, 200)
    assert normalize_text(once, 200) == once
    assert once == once.strip()
    assert unicodedata.is_normalized("NFC", once)


def test_two_ways_to_type_a_letter_are_one():
    assert normalize_text(" Zoe\u0308\n", 3) == "Zoë"


@pytest.mark.parametrize("letter", ["x", "é", "e\u0301", "u\u0323\u031b", "\u1112\u1161\u11ab", "🧑"])
def test_a_text_may_be_as_long_as_its_field_however_its_letters_are_typed(letter):
    assert len(normalize_text(f"  {letter * 100}\n", 100)) == 100
    with pytest.raises(TooLong):
        normalize_text(letter * 101, 100)


@pytest.mark.parametrize("work", [lambda text: normalize_text(text, 100), lambda text: compose(text, 100)])
def test_what_is_too_long_for_its_field_is_refused_before_it_is_normalised(normalising, work):
    with pytest.raises(TooLong):
        work("e" + "\u0301" * 400)
    assert normalising == []


@pytest.mark.parametrize(
    "work",
    [
        lambda text: compose(text, len(text)),
        lambda text: fold_text(text, len(text)),
        fold_texts,
        fold_search,
        lambda text: fold_words(text, len(text)),
        visible_name,
        mail_address,
    ],
    ids=["compose", "fold_text", "fold_texts", "fold_search", "fold_words", "visible_name", "mail_address"],
)
def test_no_heap_of_marks_is_ever_sorted(normalising, work):
    for heap in ("\u0301\u0316" * 24_000, "e" + "\u0301" * 24_000 + "\u0316" * 24_000):
        with contextlib.suppress(TooLong, BadAddress):
            work(heap)
    assert all(len(run) <= 1024 for text in normalising for run in re.findall("[\u0301\u0316]+", text))


def test_no_other_module_normalises():
    normalising = re.compile(r"unicodedata\s*\.\s*(is_)?normalize|from unicodedata import[^\n]*normalize")
    sources = (Path(__file__).parents[2] / "leadintake").rglob("*.py")
    asked = {path.name for path in sources if normalising.search(path.read_text())}
    assert asked == {"text.py"}


@pytest.mark.parametrize(
    "char",
    ["\x00", "\t", "\n", "\r", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\ufffd"],
)
def test_what_hides_or_reorders_text_is_found_wherever_it_is(char):
    for text in (char, f"Jane{char}", f"{char}Jane", f"Ja{char}ne"):
        assert has_controls(text)


@pytest.mark.parametrize(
    "text",
    [
        "Jane",
        "O'Brien-Smith",
        "山田",
        "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
        "नरेन्द्र",
        "👩\u200d⚖️",
        "Jane Doe",
        "",
    ],
)
def test_names_of_every_script_have_no_controls(text):
    assert not has_controls(text)


@pytest.mark.parametrize(
    "text", ["", " ", "\u200b", "\u200d\ufeff", "\u00ad", "\u0301", "\u3000", "\u2060 \u200e"]
)
def test_text_that_nobody_would_see_is_invisible(text):
    assert is_invisible(text)


@fast
@given_that(ANYTHING, st.sampled_from("aé山🦊1!"))
def test_text_with_a_visible_character_is_not_invisible(text, visible):
    assert not is_invisible(text + visible)


@fast
@given_that(st.lists(ANYTHING, min_size=1, max_size=3))
def test_each_part_is_found_in_the_whole(parts):
    assert all(fold_texts(part) in fold_texts(*parts) for part in parts)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("STRASSE", "Straße"), ("\uff2a\uff21\uff2e\uff25", "jane"), ("istanbul", "ISTANBUL"), ("ﬁ", "FI")],
)
def test_a_search_does_not_mind_how_a_letter_is_written(typed, kept):
    assert fold_texts(typed) == fold_texts(kept)


@fast
@given_that(st.one_of(ANYTHING, NASTY), st.integers(5, 300))
def test_a_shown_name_is_bounded_plain_and_without_a_path(name, longest):
    shown = visible_name(name, longest)
    assert len(shown) <= longest
    assert not has_controls(shown)
    assert not set(shown) & {"/", "\\"}
    assert visible_name(shown, longest) == shown


@fast
@given_that(st.text("a履.", min_size=1, max_size=400), st.sampled_from([".pdf", ".docx"]))
def test_a_shown_name_keeps_its_extension(stem, extension):
    shown = visible_name(f"{stem}{extension}")
    assert shown.endswith(extension)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "=cmd|'/c calc'!A1", "@SUM(1)", "-1"])
def test_no_cell_begins_as_a_formula(start):
    assert safe_cell(start) == f"'{start}"


@pytest.mark.parametrize("value", ["Jane", "a=b", "'", "1", "Jean-Luc O'Neil", "CV - Jane.pdf", "1999-01-01"])
def test_other_cells_are_as_they_were(value):
    assert safe_cell(value) == value


ALIKE = (
    ("O'Brien", "O\u2019Brien", "O\u00b4Brien", "O\u02bcBRIEN", "OBrien"),
    ("Smith-Jones", "Smith\u2011Jones", "smith \u2013 jones", "Smith Jones"),
    ("Ångström", "A\u030angstro\u0308m", "ANGSTROM", "\u212bngström"),
    ("ﬁne", "\uff26\uff29\uff2e\uff25", "fi\u00adne"),
    ("Straße", "STRASSE"), ("Łukasz Sørensen", "lukasz sorensen"), ("Æsop", "aesop"), ("\uff76\uff9e", "ガ"),
    ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"), ("İstanbul", "istanbul"), ("أحمد", "احمد"),
)  # fmt: skip


@pytest.mark.parametrize("alike", ALIKE, ids=[one[0] for one in ALIKE])
def test_what_people_take_for_the_same_is_searched_alike(alike):
    assert len({fold_search(text) for text in alike}) == 1
    assert fold_search(alike[0]) != ""


@pytest.mark.parametrize("nothing", ["", "'", "\u2019", "--", "\u00b4", ",", " \u200b\u00ad", "\u0301"])
def test_what_folds_to_nothing_is_nothing(nothing):
    assert fold_search(nothing) == ""


def test_letters_that_only_look_alike_stay_apart():
    assert fold_search("か") != fold_search("が")
    assert fold_search("Smith-Jones", hyphen="") == "smithjones"


@fast
@given_that(ANYTHING)
def test_what_is_folded_for_a_search_stays_as_it_is(text):
    assert fold_search(fold_search(text)) == fold_search(text)


def test_the_words_of_a_long_text_are_folded_to_its_end():
    text = " ".join(f"Wört{number}" for number in range(400)) + "\nSmith-Jones wört1"
    words = fold_words(text, 10_000).split()
    assert words[:2] == ["wort0", "wort1"]
    assert words[-3:] == ["smith", "jones", "smithjones"]
    assert len(words) == len(set(words)) == 403
    assert len(fold_words(text, 50)) == 50


def test_a_text_without_blanks_is_found_in_every_place():
    text = "".join(chr(0x4E00 + number) for number in range(3_000))
    folded = fold_words(text, 10_000)
    assert all(text[start : start + 150] in folded for start in range(0, 2_850, 50))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("a\r\nb\rc\n", "a\nb\nc"), ("\te\u0301 ", "é"), ("x" * 9, "x" * 9), ("\r\n" * 20, "")],
)
def test_lines_are_normalized(typed, expected):
    assert normalize_lines(typed, 9) == expected


@pytest.mark.parametrize("typed", ["x" * 10, "\u0301" * 37, "x\r\n" * 25])
def test_too_many_lines_are_refused_unread(typed):
    with pytest.raises(TooLong):
        normalize_lines(typed, 9)


def test_lines_may_have_feeds_and_tabs_and_no_other_controls():
    assert not has_controls_in_lines("a\n\tb")
    assert all(has_controls_in_lines(f"a{char}b") for char in "\r\x00\x0b\u2028\u202e\ufffd")


@pytest.mark.parametrize("sign", "\u00e6\u0153\u00fe\u00c6\ufdfa\u0390\u3316")
@pytest.mark.parametrize("number", [501, 1000, 5000])
def test_signs_that_become_several_are_folded_in_texts_of_any_length(sign, number):
    whole, one = fold_search(sign * number), fold_search(sign).replace(" ", "")
    assert whole.replace(" ", "") == one * min(number, 1000)
    assert fold_words(sign * number, 2000) != ""
    assert fold_texts(sign * number) != ""
