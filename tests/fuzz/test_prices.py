"""No text input of any route costs more than its length: n bytes of a unit and 2n are compared in CPU."""

from __future__ import annotations

import functools
import itertools
import tracemalloc
import unicodedata
from collections.abc import Iterator

import pytest

from tests.fuzz.inputs import MAX_ADDRESS_LENGTH, Environ, Inputs, Place, answer
from tests.fuzz.prices import price
from tests.fuzz.units import UNITS, repeated

pytestmark = pytest.mark.no_cover  # many requests for few lines, which others count

MAX_SECONDS = 0.5
"""CPU of one request outside the inspection."""
MAX_BYTES = 30 * 1024 * 1024
"""Memory of one request above what is there already."""
TRIED = {"stranger": 3, "administrator": 1}
"""Units for each input; the fuzzer throws dice for more."""


def tried(inputs: Inputs, number: int) -> Iterator[tuple[Place, str]]:
    """Each place with so many units: combining marks where texts are read, then each in its turn."""
    units = itertools.cycle([name for name in UNITS if name != "marks"])
    for index, place in enumerate(inputs.every()):
        if number == 1 and " field " in place.name and index % 2:
            continue  # of the many fields of the desk's forms each is tried on half of them
        takes_any_letter = place.most < 60_000 or "JSON" in place.name or "part" in place.name
        first = "marks" if takes_any_letter else next(units)
        yield place, first
        yield from ((place, next(units)) for _ in range(number - 1))


@pytest.mark.measures_cpu
@pytest.mark.parametrize("who", TRIED)
def test_twice_the_text_is_at_most_two_and_a_half_times_the_work(app, request, who):
    inputs: Inputs = request.getfixturevalue(who)
    statuses = set()

    def ask(environ: Environ) -> None:
        statuses.add(answer(app, inputs, environ))

    for place, name in tried(inputs, TRIED[who]):
        prepare = functools.partial(filled, place, UNITS[name])
        found = price(prepare, ask, place.most)
        assert found.is_fair(MAX_SECONDS), (place.name, name, found)
        assert max(statuses) < 500, (place.name, name)
    assert {200, 400, 404, 422} <= statuses
    if who == "administrator":
        assert answer(app, inputs, inputs.get("/internal/session")) == 200, "the session ended on the way"


def filled(place: Place, unit: str, size: int) -> Environ:
    """The request with so many bytes of the unit at this place."""
    return place.ask(repeated(unit, size))


def test_no_request_takes_much_memory(app, stranger):
    places = [place for place in stranger.every() if place.most >= MAX_ADDRESS_LENGTH]
    for place in places:  # what is made once and kept is not the price of a request
        answer(app, stranger, place.ask("x"))
    tracemalloc.start()
    try:
        for place, unit in zip(places, itertools.cycle([UNITS["joined"], "x", "a=b&"]), strict=False):
            environ = filled(place, unit, place.most)
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            answer(app, stranger, environ)
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < MAX_BYTES, place.name
    finally:
        tracemalloc.stop()


def test_a_price_that_grows_with_the_square_is_unfair_and_one_that_grows_with_the_size_is_not():
    assert price(lambda size: UNITS["heap"] * size + UNITS["heap"], _sort, 9_000).is_fair(9.0)
    assert not price(lambda size: UNITS["marks"] * size, _sort, 9_000).is_fair(9.0)
    assert not price(lambda size: "x" * size, lambda text: [char * 2 for char in text * 20], 90_000).is_fair(
        0
    )


def _sort(text: str) -> str:
    return unicodedata.normalize("NFC", text)
