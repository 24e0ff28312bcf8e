"""What commands print: for a person, for a program, and for a spreadsheet; and how they fail."""

from __future__ import annotations

import csv
import io
import json

import pytest

from leadintake.core.tables import safe_cell, show
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
