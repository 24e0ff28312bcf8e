"""docs/security.md names every requirement of the standard, and tests that are there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| (\d+)\.(\d+)\.(\d+) \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)
REQUIREMENTS = {"6": 35, "7": 18, "8": 7, "14": 9, "15": 13, "16": 16}
"""Levels 1 and 2 of OWASP ASVS 5.0.0, by chapter."""


def test_every_requirement_has_a_row_that_says_what_shows_it():
    assert Counter(chapter for chapter, *_ in ROWS) == REQUIREMENTS
    assert len({row[:3] for row in ROWS}) == len(ROWS)
    assert all(len(shown.strip()) >= 5 for *_, shown in ROWS)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([a-z]+/test_\w+\.py)", PAGE))))
def test_a_test_that_is_named_is_there(name):
    assert (TESTS / name).exists()
