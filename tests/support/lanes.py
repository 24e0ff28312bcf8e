"""Turns at hashing that somebody else has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from leadintake.auth import passwords
from leadintake.auth.lanes import Lanes


@contextmanager
def all_turns_taken(monkeypatch: pytest.MonkeyPatch, *, most_strangers: int) -> Iterator[None]:
    """Nobody begins to hash before this ends: strangers stand in line for a moment, where there is a line."""
    lanes = Lanes(passwords.AT_ONCE, most_strangers=most_strangers, stranger_waits=0.01, known_waits=15)
    monkeypatch.setattr(passwords, "lanes", lanes)
    with ExitStack() as taken:
        for _ in range(passwords.AT_ONCE):
            taken.enter_context(lanes.turn(is_known=True))
        yield
