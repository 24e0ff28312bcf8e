"""How long a refusal takes tells nothing of who has an account: a two-sample test."""

from __future__ import annotations

import random
import time

import pytest
from argon2 import PasswordHasher

from leadintake.auth import passwords
from tests.factories import UserFactory
from tests.support.samples import chance_of_no_difference

EACH, FEW = 60, 40
ONE_IN_TEN_THOUSAND = 1e-4


@pytest.fixture
def settings() -> dict[str, object]:
    return {"RATE_LIMIT_LOGINS": "100000 per minute"}


@pytest.fixture(autouse=True)
def _a_real_hash(_cheap_passwords, monkeypatch) -> None:
    """Some milliseconds, as little as still drowns nothing: a real one would hide a difference in its own."""
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=16384, parallelism=1))


@pytest.fixture
def measure(client, given):
    """Seconds of the processor that refusals take, for each kind of account, asked in a shuffled order."""
    kinds = {
        "known": given(UserFactory).email,
        "inactive": given(UserFactory, "inactive").email,
        "unknown": "nobody@firm.example.com",
    }

    def seconds(each: int) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {kind: [] for kind in kinds}
        order = [*kinds] * each
        random.Random(4).shuffle(order)
        for kind in order:
            body = {"email": kinds[kind], "password": "not the password"}
            begun = time.thread_time()
            answer = client.post("/internal/session", json=body)
            found[kind].append(time.thread_time() - begun)
            assert answer.status_code == 401
        return found

    return seconds


@pytest.mark.measures_cpu
def test_a_known_an_inactive_and_an_unknown_account_cannot_be_told_apart_by_time(measure):
    taken = measure(EACH)
    assert chance_of_no_difference(taken["known"], taken["unknown"]) > ONE_IN_TEN_THOUSAND
    assert chance_of_no_difference(taken["inactive"], taken["unknown"]) > ONE_IN_TEN_THOUSAND


@pytest.mark.measures_cpu
def test_this_test_would_notice(measure, monkeypatch):
    checked = passwords.verify
    monkeypatch.setattr(
        passwords, "verify", lambda kept, password, **_: bool(kept) and checked(kept, password)
    )
    taken = measure(FEW)
    assert chance_of_no_difference(taken["known"], taken["unknown"]) < ONE_IN_TEN_THOUSAND
