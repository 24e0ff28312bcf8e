"""The list of safeguards is about the code as it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutations.listed import MUTATIONS
from tests.mutations.mutation import Mutation
from tests.mutations.operations import (
    NoSuchPattern,
    Operation,
    always,
    drop_item,
    drop_operand,
    never,
    returns,
    swap,
    unchain,
    without,
)

ROOT = Path(__file__).parents[2]
SOURCE = '''
import os
LIMIT = 5

class Store:
    """Keeps files."""

    def save(self, file, user):
        if user.away or file.size > LIMIT:
            raise TooMuch
        if file.size < 0:
            raise TooLittle
        os.fsync(
            file.number,  # a comment
        )
        with lock(), transaction():
            rows = query.where(A.id == file.id, A.user == user).limit(1)
            self.add(rows, {"iss": 1, "aud": 2}, retry=True)
        with lock():
            return file if user.active else None
'''


def without_safeguard(operation: Operation, definition: str = "Store.save") -> str:
    return Mutation("a file is synced", "store.py", definition, operation, ()).apply(SOURCE)


def test_a_safeguard_is_where_the_list_says():
    problems = []
    for mutation in MUTATIONS:
        try:
            source = (ROOT / mutation.file).read_text()
            if ast.dump(ast.parse(mutation.apply(source))) == ast.dump(ast.parse(source)):
                problems.append(f"{mutation.safeguard!r} changes nothing")
        except (NoSuchPattern, OSError) as error:
            problems.append(str(error))
    assert problems == []


def test_the_tests_that_miss_a_safeguard_are_there():
    named = {test for one in MUTATIONS for test in one.tests if test.startswith("tests/")}
    assert [test for test in sorted(named) if not (ROOT / test).exists()] == []


def test_safeguards_have_names_of_their_own():
    assert len({mutation.safeguard for mutation in MUTATIONS}) == len(MUTATIONS) > 40


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        (without("fsync"), "os.fsync(file.number)", "pass"),
        (never("LIMIT"), "if user.away or file.size > LIMIT:", "if False:"),
        (always("LIMIT"), "if user.away or file.size > LIMIT:", "if True:"),
        (never("size", nth=2), "if file.size < 0:", "if False:"),
        (always("active"), "file if user.active else None", "file if True else None"),
        (drop_operand("LIMIT"), "if user.away or file.size > LIMIT:", "if user.away:"),
        (drop_item("A.user"), "A.id == file.id, A.user == user", "A.id == file.id"),
        (drop_item("retry"), ", retry=True", ""),
        (drop_item("'iss'"), "{'iss': 1, 'aud': 2}", "{'aud': 2}"),
        (drop_item("transaction"), "with lock(), transaction():", "with lock():"),
        (unchain("limit"), ".limit(1)", ""),
        (swap("query", "sa.select( A )"), "query.where", "sa.select(A).where"),
    ],
)  # fmt: skip
def test_a_safeguard_is_taken_away_and_nothing_else(operation, before, after):
    whole = ast.unparse(ast.parse(SOURCE))
    assert whole.count(before) == 1
    mutated = without_safeguard(operation)
    assert ast.unparse(ast.parse(mutated)) == whole.replace(before, after)


def test_without_its_last_context_a_block_runs():
    assert "if True:\n            return file" in without_safeguard(drop_item("lock", nth=2))


def test_a_function_returns_at_once_and_a_constant_has_another_value():
    assert without_safeguard(returns("None")).endswith("def save(self, file, user):\n        return None\n")
    assert "LIMIT = 6" in without_safeguard(swap("5", "6"), "LIMIT")


@pytest.mark.parametrize(
    ("operation", "definition", "words"),
    [
        (without("fsync"), "Store.keep", "Store.keep is there 0 times"),
        (without("fsync"), "Shop.save", "Shop.save is there 0 times"),
        (without("unlink"), "Store.save", "`unlink` is there 0 times"),
        (never("size"), "Store.save", "`size` is there 2 times"),
        (unchain("order_by"), "Store.save", "`order_by` is there 0 times"),
        (swap("user", "None"), "Store.save", "`user` is there 3 times"),
        (returns("6"), "LIMIT", "no function"),
    ],
)  # fmt: skip
def test_an_entry_that_fits_the_code_no_more_is_named(operation, definition, words):
    with pytest.raises(NoSuchPattern, match=f"'a file is synced': in store.py, {definition}: .*{words}"):
        without_safeguard(operation, definition)
