"""What a submission costs, counted without a clock."""

from __future__ import annotations

import cProfile
import pstats

import pytest

from leadintake.leads.models import Lead
from tests.factories import UserFactory
from tests.support.statements import statements

MAX_STATEMENTS = 13
"""Of a submission with a key, from the lock to the commit; BEGIN is not counted, the lock is."""
MAX_CALLS = 12_000
"""Of Python functions, as cProfile counts them: 24,453 before rows were written by plain INSERTs."""


@pytest.fixture(autouse=True)
def _five_people(given):
    for _ in range(5):
        given(UserFactory)


@pytest.mark.every_engine
def test_under_the_lock_a_submission_sends_few_statements(app, client):
    assert client.submit(key="first", email="first@x.example.com").status_code == 201
    with statements(app) as sent:
        assert client.submit(key="second", email="second@x.example.com").status_code == 201
    lock = next(number for number, one in enumerate(sent) if one.startswith("UPDATE locks"))
    assert len(sent[lock:]) <= MAX_STATEMENTS, sent[lock:]


def test_a_submission_makes_few_python_calls(client):
    for number in range(3):  # what is made once is made
        assert client.submit(email=f"warm{number}@x.example.com").status_code == 201
    profile = cProfile.Profile()
    with profile:
        assert client.submit(email="counted@x.example.com").status_code == 201
    assert 5_000 < pstats.Stats(profile).total_calls < MAX_CALLS


@pytest.mark.every_engine
def test_a_known_address_costs_no_more_for_many_leads_than_for_one(app, client, rows):
    assert client.submit(key="first").status_code == 201
    with statements(app) as second:
        assert client.submit(key="second").status_code == 201
    for number in range(20):
        assert client.submit(key=f"more{number}").status_code == 201
    with statements(app) as later:
        assert client.submit(key="last").status_code == 201
    assert len(rows(Lead)) == 23
    assert len(later) <= len(second)
