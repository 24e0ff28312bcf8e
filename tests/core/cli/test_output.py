"""What commands print: for a person, for a program, and for a spreadsheet; and how they fail."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st

from leadintake.core.cli.output import format_csv, safe_cell, show
from leadintake.core.text import is_invisible
from tests.documents.inspection.examples import examples
from tests.support.redis import free_port

ROWS = [{"name": "=1+1", "note": None}, {"name": "[bold]山田[/bold] :smile:", "note": 'say "hi",\nJane'}]


def test_a_person_gets_a_table_with_every_character_as_it_is(capsys):
    show(ROWS, "table", empty="nothing")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "note"]
    assert lines[1].strip() == "=1+1"
    assert lines[2].startswith("[bold]山田[/bold] :smile:")


def test_no_rows_are_a_sentence_for_a_person_and_an_empty_list_for_a_program(capsys):
    show([], "table", empty="There is nothing.")
    assert capsys.readouterr().out == "There is nothing.\n"
    show([], "json", empty="There is nothing.")
    assert json.loads(capsys.readouterr().out) == []
    show([], "csv", empty="There is nothing.")
    assert capsys.readouterr().out == ""


def test_a_program_gets_what_is_there(capsys):
    show(ROWS, "json", empty="")
    assert json.loads(capsys.readouterr().out) == ROWS


def test_a_spreadsheet_gets_a_header_and_no_formula(capsys):
    show(ROWS, "csv", empty="")
    found = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert found == [["name", "note"], ["'=1+1", ""], [ROWS[1]["name"], ROWS[1]["note"]]]


class TestWithoutADatabase:
    @pytest.fixture
    def settings(self):
        return {"DATABASE_URL": f"postgresql://owner:hunter2@127.0.0.1:{free_port()}/leads"}

    @pytest.mark.parametrize("command", [["storage", "sweep"], ["leads", "list"], ["outbox", "list"]])
    def test_a_command_fails_in_one_line_that_says_what_to_do(self, command, app):
        answer = app.test_cli_runner().invoke(args=command)
        assert answer.exit_code == 1
        assert isinstance(answer.exception, SystemExit)
        assert answer.stderr.startswith("Error: The database cannot do this: ")
        assert "flask doctor" in answer.stderr
        assert answer.stderr.count("\n") == 1
        assert "hunter2" not in answer.output


@pytest.mark.parametrize("text", [*"=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"])
def test_no_cell_begins_what_a_spreadsheet_calculates(text):
    assert safe_cell(text) == f"'{text}"


PIECES = st.sampled_from(
    [*"=+-@\uff1d\uff0b\uff0d\uff20\ufe66;,|\t\n\r\x0b\u2028 '\"", *"\u00a0\ufeff\u200b\u202a\u3164\u0301",
     "cmd|'/c calc'!A1", "SUM(1)", "Jane", "1"]
)  # fmt: skip
CELLS = st.lists(PIECES, max_size=12).map("".join)


@examples(300)
@given_that(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=4), st.sampled_from(",;\t|")
)
def test_no_program_finds_a_formula_whatever_it_takes_for_a_separator(rows, separator):
    written = "".join(format_csv(["first", "second", "third"], rows))
    for reading in (written, written.replace('"', "")):  # with and without a mind for quotation marks
        for row in csv.reader(io.StringIO(reading, newline=""), delimiter=separator):
            assert not [cell for cell in row if begins_as_a_formula(cell)]


@examples(300)
@given_that(CELLS)
def test_a_cell_comes_back_whole_but_for_apostrophes(text):
    _, (_, cell) = csv.reader(io.StringIO("".join(format_csv(["id", "only"], [["1", text]])), newline=""))
    assert cell.replace("'", "") == text.replace("'", "")


def begins_as_a_formula(cell: str) -> bool:
    """Whether a spreadsheet calculates it, once what is not seen before it is gone."""
    seen = "".join(char for char in cell if not char.isspace() and not is_invisible(char))
    return seen.startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20\ufe66"))


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Jane;=1+1", "Jane;'=1+1"),
        ("Jane | @SUM(1)", "Jane | '@SUM(1)"),
        ("Jane\n\u200b\u00a0=1", "Jane\n\u200b\u00a0'=1"),
        ("Jane =HYPERLINK(1)", "Jane '=HYPERLINK(1)"),
        (' "=1', " \"'=1"),
        ("a;\uff1d1", "a;'\uff1d1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-", "'-"),
        ("Jean-Luc O'Neil", "Jean-Luc O'Neil"),
        ("Doe - Partner; Smith", "Doe - Partner; Smith"),
        ("jane@example.com", "jane@example.com"),
        ("2026-11-28T10:00:00Z", "2026-11-28T10:00:00Z"),
    ],
)
def test_a_formula_is_made_harmless_wherever_a_cell_may_be_divided(typed, written):
    assert safe_cell(typed) == written
