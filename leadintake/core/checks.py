"""What must work for the service to work: rooms register a check, monitoring and the doctor ask.

Readiness is asked by anybody, and so costs little whoever asks: one asker at a time in a process, the others
share what it found, and nothing is written. What only a write would show (a full disk, a database that became
read-only) is noticed where it happens: the refusal of a request, or the failure of a worker, makes readiness
try a write, until one succeeds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flask import Flask, current_app

Check = Callable[[], None]
"""Returns when the part works, raises with a sentence for the operator when it does not."""

FRESH_SECONDS = 2.0
STALE_SECONDS = 10.0
"""How old an answer may be that is given while a newer one is on its way."""
WAIT_SECONDS = 0.5
MOST_WAITING = 4
"""How long, and how many, callers wait for an answer on its way: each holds a thread of the server."""
NOT_KNOWN = {"readiness": "It is being found out right now."}


class _Registered(NamedTuple):
    part: str
    look: Check
    probe: Check
    needed: bool


@dataclass
class _Readiness:
    """What was found last, and whether somebody is finding out."""

    change: threading.Condition = field(default_factory=threading.Condition)
    found: dict[str, str] | None = None
    at: float = 0.0
    asking: bool = False
    waiting: int = 0
    suspected: bool = False


def register(app: Flask, part: str, check: Check, *, needed: bool = True, probe: Check | None = None) -> None:
    """Add a check of `part`. A check that is not `needed` is the doctor's only, not readiness's.

    `check` only reads; `probe`, where there is one, does the same and writes.
    """
    checks = app.extensions.setdefault("leadintake.checks", [])
    checks.append(_Registered(part, check, probe or check, needed))


def results(
    *, all_of_them: bool = False, writing: bool = False, parts: Collection[str] | None = None
) -> dict[str, str]:
    """Each part that was asked, and what is wrong with it: nothing (an empty text) or a sentence.

    The needed parts are asked, or all of them, or those named by `parts`.
    """
    found = {}
    for registered in current_app.extensions["leadintake.checks"]:
        if registered.part in parts if parts is not None else registered.needed or all_of_them:
            try:
                (registered.probe if writing else registered.look)()
                found[registered.part] = ""
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a part is its finding
                found[registered.part] = str(error).partition("\n")[0] or type(error).__name__
    return found


def failing() -> dict[str, str]:
    """The needed parts that do not work now, each with its sentence."""
    return {part: sentence for part, sentence in readiness().items() if sentence}


def readiness() -> dict[str, str]:
    """The results of the needed parts, found out by one caller at a time and no more often than is useful."""
    state = _state()
    with state.change:
        if (known := _known(state, FRESH_SECONDS)) is not None:
            return known
        if state.asking:
            return _known(state, STALE_SECONDS) or _wait_for_answer(state)
        state.asking, suspected = True, state.suspected
    found = dict(NOT_KNOWN)
    try:
        found = results(writing=suspected)
    finally:
        with state.change:
            state.asking, state.found, state.at = False, found, time.monotonic()
            if suspected and not any(found.values()):
                state.suspected = False
            state.change.notify_all()
    return found


def suspect() -> None:
    """Note that something could not be kept: the next to ask for readiness tries a write."""
    state = _state()
    with state.change:
        if not state.suspected:  # a crowd that is refused does not make us ask for each of them
            state.suspected, state.found = True, None


def forget() -> None:
    """Have the next to ask for readiness find out anew: something is better than it was."""
    state = _state()
    with state.change:
        state.found = None


def gauge(app: Flask, name: str, help_text: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
    """Add a number per value of `label` to the metrics, read when asked for: from as many rows as there are
    to act on, never from all there are. Without a label it is the number of "".
    """
    app.extensions.setdefault("leadintake.gauges", {})[name] = (help_text, label, read)


def _state() -> _Readiness:
    state: _Readiness = current_app.extensions.setdefault("leadintake.readiness", _Readiness())
    return state


def _known(state: _Readiness, seconds: float) -> dict[str, str] | None:
    return state.found if time.monotonic() - state.at < seconds else None


def _wait_for_answer(state: _Readiness) -> dict[str, str]:
    if state.waiting >= MOST_WAITING:
        return dict(NOT_KNOWN)
    state.waiting += 1
    try:
        answered = state.change.wait_for(lambda: not state.asking, WAIT_SECONDS)
    finally:
        state.waiting -= 1
    return (state.found if answered else None) or dict(NOT_KNOWN)
