"""What a log says of an exception: types, places, codes; never a message that quotes somebody."""

from __future__ import annotations

import smtplib
import sqlite3

import psycopg
import pytest
import sqlalchemy as sa
from pymysql import err as errors

from leadintake.server_logs.failures import MAX_CAUSES, hint_of, sentence_of, trace_of

CANARY = "canary"


def raised(error, cause=None):
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_the_lines_of_code_stand_in_it_and_the_message_does_not():
    name = CANARY

    def view():
        raise ValueError(f"no name: {name}")

    with pytest.raises(ValueError, match=CANARY) as failure:
        view()
    trace = trace_of(failure.value)
    assert 'raise ValueError(f"no name: {name}")' in trace
    assert trace.endswith("\nValueError")
    assert CANARY not in trace


def test_causes_come_first_and_are_not_walked_for_ever():
    first, second = raised(KeyError(CANARY)), RuntimeError(CANARY)
    trace = trace_of(raised(second, first))
    assert trace.index("KeyError") < trace.rindex("RuntimeError")
    assert CANARY not in trace
    first.__cause__ = second
    assert trace_of(second).count("KeyError\n") == 1
    chain = RuntimeError()
    for _ in range(3 * MAX_CAUSES):
        chain = raised(RuntimeError(), chain)
    assert trace_of(chain).count("RuntimeError\n") < 2 * MAX_CAUSES


def test_a_context_that_was_suppressed_stays_so():
    error = raised(RuntimeError())
    error.__context__, error.__suppress_context__ = KeyError(CANARY), True
    assert trace_of(error).endswith("\nRuntimeError")
    assert "KeyError" not in trace_of(error)
    error.__suppress_context__ = False
    assert trace_of(error).startswith("KeyError\n")


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (ValueError(CANARY), ""),
        (OSError(28, "No space left on device", CANARY), "No space left on device"),
        (OSError(CANARY), ""),
        (sqlite3.OperationalError("no such column: leads.phone"), "no such column: leads.phone"),
        (psycopg.errors.UniqueViolation(f'"x"\nDETAIL: Key (email)=({CANARY})'), "23505"),
        (psycopg.OperationalError("connection refused\nmore"), "connection refused"),
        (errors.IntegrityError(1062, f"Duplicate entry 'O'{CANARY}' for key 'x'"), "1062 Duplicate entry"),
        (errors.OperationalError(2013, "Lost connection (timed out)"), "2013 Lost connection (timed out)"),
        (errors.InterfaceError(), ""),
        (smtplib.SMTPDataError(550, CANARY.encode()), "550"),
    ],
)  # fmt: skip
def test_the_hint(error, hint):
    assert hint_of(error) == hint
    assert CANARY not in trace_of(error)


def test_a_statement_is_shown_without_its_values():
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(sa.exc.OperationalError) as failure:
        connection.execute(sa.text("SELECT * FROM nowhere WHERE name = :name"), {"name": CANARY})
    assert "[SQL: SELECT * FROM nowhere WHERE name = ?]" in trace_of(failure.value)
    assert CANARY not in trace_of(failure.value)
    sentence = sentence_of(failure.value)
    assert sentence.startswith("sqlite3.OperationalError: no such table: nowhere at default.py:")


def test_a_sentence_of_what_was_never_raised_has_no_place():
    assert sentence_of(ValueError(CANARY)) == "ValueError"
