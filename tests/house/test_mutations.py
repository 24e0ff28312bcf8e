"""The list of safeguards is about the code as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations.listed import MUTATIONS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.safeguard)
def test_a_safeguard_is_where_the_list_says_and_the_tests_are_there(mutation):
    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1
    for test in mutation.tests:
        assert not test.startswith("tests/") or (ROOT / test).exists()


def test_safeguards_have_names_of_their_own():
    assert len({mutation.safeguard for mutation in MUTATIONS}) == len(MUTATIONS) > 40
