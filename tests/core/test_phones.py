"""Telephone numbers as people type them: read where they can be, and otherwise left as they are."""

from __future__ import annotations

import time

import pytest

from leadintake.core import phones

TYPED_AND_READ = (
    ("(202) 555-0123", "US", "+12025550123"), ("202.555.0123", "US", "+12025550123"),
    ("1-202-555-0123", "US", "+12025550123"), ("+1 202 555 0123", "", "+12025550123"),
    ("(+1) 202 555 0123", "", "+12025550123"), ("+49 (0)30 123456", "", "+4930123456"),
    ("030 / 12 34 56", "DE", "+4930123456"), ("0049 30 123456", "FR", "+4930123456"),
    ("011 49 30 123456", "US", "+4930123456"), ("600 12 34 56", "ES", "+34600123456"),
    ("+39 06 123 4567", "US", "+39061234567"),
    ("\u0660\u0663\u0660 \u0661\u0662\u0663\u0664\u0665\u0666", "DE", "+4930123456"),
    ("\uff0b\uff11\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff12\uff13", "", "+12025550123"),
    ("020\u00a07946\u20110018", "GB", "+442079460018"),
)  # fmt: skip
UNREADABLE = (
    ("", "US"), ("202 555 0123", ""), ("0049 30 123456", ""), ("555 0123", "US"), ("+1234", ""),
    ("112", "DE"), ("+1 202 555 0123 ext. 45", ""), ("2025550123,,4", "US"), ("2025550123#4", "US"),
    ("202 555 0123 / 202 555 0199", "US"), ("202 555 0123 or 202 555 0199", "US"),
    ("evenings only: 202 555 0123", "US"), ("1-800-FLOWERS", "US"), ("+12025550123;isub=1", ""),
    ("tel:+12025550123", ""), ("202 555 012\u00b3", "US"), ("--", "US"), ("+", "US"), ("++++", "US"),
    ("+999 123 456 789", ""), ("none", "US"), ("<b>202 555 0123</b>", "US"), ("=2025550123", "US"),
    ("2" * 101, "US"),
)  # fmt: skip


@pytest.mark.parametrize(("typed", "region", "read"), TYPED_AND_READ)
def test_a_number_in_any_way_of_writing_is_read(typed, region, read):
    assert phones.read_number(typed, region) == read
    assert phones.regular_number(typed, region) == read
    assert not phones.is_as_typed(read)


@pytest.mark.parametrize(("typed", "region"), UNREADABLE)
def test_what_is_no_number_or_says_more_than_one_is_left_as_it_is(typed, region):
    assert phones.read_number(typed, region) is None
    assert phones.regular_number(typed, region) == typed
    assert phones.is_as_typed(typed) is bool(typed)
    assert phones.spaced_number(typed) == typed


def test_a_read_number_is_shown_as_people_write_it():
    assert phones.spaced_number("+12025550123") == "+1 202-555-0123"
    assert phones.spaced_number("+4930123456") == "+49 30 123456"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("\u202a+1 202 555 0123\u202c", "+1 202 555 0123"),
        ("\u2068202\u00ad555\u200b0123\u2069\x00", "2025550123"),
        ("\u202d 030\t12\n34 ", "030 12 34"),
        ("\u200b\u2060", ""),
        ("\u3164", ""),
        ("\x01\x02", ""),
        ("evenings \U0001f4de", "evenings \U0001f4de"),
    ],
)
def test_what_nobody_sees_is_left_out(typed, shown):
    assert phones.shown_text(typed) == shown


@pytest.mark.parametrize(
    ("typed", "region", "terms"),
    [
        ("(202)", "US", {"202"}),
        ("555-0123", "US", {"5550123"}),
        ("030 12", "DE", {"03012", "3012"}),
        ("030 123456", "DE", {"030123456", "30123456", "4930123456"}),
        ("011 49 30 123456", "US", {"0114930123456", "114930123456", "4930123456"}),
        ("\u0665\u0665\u0665-\u0660\u0661\u0662\u0663", "US", {"5550123"}),
        ("12", "US", set()),
        ("00-12", "US", {"0012"}),
        ("jane", "US", set()),
        ("--", "US", set()),
        ("", "US", set()),
        ("1" * 101, "US", set()),
    ],
)
def test_a_number_is_looked_for_by_its_digits(typed, region, terms):
    assert phones.search_terms(typed, region) == terms


def test_a_number_that_could_not_be_read_is_found_by_its_digits_too():
    assert phones.search_text("+12025550123") == "+12025550123"
    assert phones.search_text("202 555-0123, evenings") == "202 555-0123, evenings 2025550123"
    assert phones.search_text("none") == "none"


HEAPS = ("1", "+", "(", "1(", "1-", "()1", "-", " 1", "/1", "\u0660", "[1]", "0")


def test_what_is_too_long_is_never_given_to_the_library(monkeypatch):
    import phonenumbers

    given = []
    monkeypatch.setattr(phonenumbers, "parse", lambda text, _region: given.append(text) or 1 / 0)
    for heap in HEAPS:
        for length in (phones.MAX_LENGTH + 1, 2 * phones.MAX_LENGTH, 100_000):
            phones.read_number((heap * length)[:length], "US")
            phones.search_terms((heap * length)[:length], "US")
    assert given == []


@pytest.mark.measures_cpu
def test_twice_as_much_takes_no_more_than_in_proportion():
    phones.read_number("+12025550123", "US")  # the library is there, and what it knows of the region

    def least(text: str) -> float:
        taken = []
        for _ in range(5):
            start = time.thread_time()
            phones.read_number(text, "US")
            taken.append(time.thread_time() - start)
        return min(taken)

    for heap in HEAPS:
        half, whole = (
            least((heap * length)[:length]) for length in (phones.MAX_LENGTH // 2, phones.MAX_LENGTH)
        )
        assert whole < 4 * half + 0.002, heap


def test_regions_are_those_of_the_library():
    assert all(map(phones.is_region, ("US", "DE", "ES", "GB")))
    assert not any(map(phones.is_region, ("", "us", "XX", "USA", "United States", "001")))
