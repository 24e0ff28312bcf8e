"""The fuzzer: its short form lands with the tests, `make fuzz` is its long one."""

from __future__ import annotations

import os

import pytest

from tests.fuzz import fuzzing

pytestmark = pytest.mark.no_cover

SECONDS = float(os.environ.get("FUZZ_SECONDS", "16"))
SEED = int(os.environ.get("FUZZ_SEED", "14"))
ONE_CASE = os.environ.get("FUZZ_CASE")


@pytest.fixture
def cases():
    """Half of the time for each of the two tests, or the one case that is to be repeated."""
    return fuzzing.numbered(SEED, int(ONE_CASE) if ONE_CASE else None, SECONDS / 2)


def test_no_request_is_too_dear_and_none_fails(app, stranger, administrator, cases):
    findings = [*fuzzing.requests(app, [stranger, administrator], cases)]
    assert findings == [], "to repeat one: python -m tests.fuzz and what stands in it as its case"


def test_no_document_is_too_dear_to_judge_and_none_fails(cases):
    findings = [*fuzzing.files(cases)]
    assert findings == [], "to repeat one: python -m tests.fuzz and what stands in it as its case"
