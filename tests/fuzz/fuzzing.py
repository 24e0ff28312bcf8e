"""The fuzzer: throws dice for a place and a unit, and looks at the price. A seed and a number make a case."""

from __future__ import annotations

import contextlib
import functools
import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask

from leadintake.documents.inspection.findings import Refused
from tests.fuzz import documents
from tests.fuzz.inputs import Environ, Inputs, Place, answer
from tests.fuzz.prices import Price, price
from tests.fuzz.units import mixed, repeated
from tests.support.files import judged

MAX_SECONDS, MAX_SECONDS_OF_A_FILE = 0.5, 2.0
"""CPU of a request outside the inspection, and in it."""
FILE_SIZES, FILE_FLOOR = (200_000, 1_000_000, 5_000_000), 0.2
"""Bytes, and the CPU below which it does not matter how it grew: at 10 MB a square of it is 0.8 s."""
UNREADY = {503}
"""What the routes about readiness answer while no worker runs."""


@dataclass(frozen=True)
class Finding:
    """What is too dear, or failed: which case, and why."""

    case: str
    what: str
    why: str


def numbered(seed: int, only: int | None, seconds: float) -> Iterator[tuple[str, random.Random]]:
    """Cases until the time is up, each with dice of its own; or one."""
    ends = time.monotonic() + seconds
    for number in itertools.count() if only is None else [only]:
        if only is None and time.monotonic() > ends:
            return
        yield f"--seed {seed} --case {number}", random.Random(f"{seed}:{number}")


def requests(app: Flask, who: list[Inputs], cases: Iterator[tuple[str, random.Random]]) -> Iterator[Finding]:
    """What of these requests is too dear, or fails."""
    places = [(inputs, place) for inputs in who for place in inputs.every()]
    for case, dice in cases:
        inputs, place = dice.choice(places)
        unit, head, tail = mixed(dice)
        statuses: list[int] = []

        def ask(environ: Environ, inputs: Inputs = inputs, told: list[int] = statuses) -> None:
            told.append(answer(app, inputs, environ))

        prepare = functools.partial(_filled, place, unit, head, tail)
        found = price(prepare, ask, place.most)
        what = f"{place.name}: {head!r} + {unit!r} * n + {tail!r}"
        failed = [status for status in statuses if status >= 500 and status not in UNREADY]
        if failed:
            yield Finding(case, what, f"answered {failed[0]}")
        elif not found.is_fair(MAX_SECONDS):
            yield Finding(case, what, _figures(found))


def files(cases: Iterator[tuple[str, random.Random]]) -> Iterator[Finding]:
    """What of these documents is too dear to judge, or fails."""
    for case, dice in cases:
        what, write = documents.thrown(dice)
        size = dice.choice(FILE_SIZES)
        try:
            found = price(write, _judge, size, FILE_FLOOR)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            yield Finding(case, f"{what} size {size}", f"{type(error).__name__}: {error}")
            continue
        if not found.is_fair(MAX_SECONDS_OF_A_FILE):
            yield Finding(case, f"{what} size {size}", _figures(found))


def _filled(place: Place, unit: str, head: str, tail: str, size: int) -> Environ:
    return place.ask(repeated(unit, size, head, tail))


def _judge(document: tuple[str, bytes]) -> None:
    with contextlib.suppress(Refused):
        judged(*document)


def _figures(found: Price) -> str:
    return f"{found.once:.3f} s for n, {found.twice:.3f} s for 2n"
