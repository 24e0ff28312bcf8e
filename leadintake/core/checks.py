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
from sqlalchemy.exc import SQLAlchemyError

Check = Callable[[], None]
"""Returns when the part works, raises with a sentence for the operator when it does not."""

FRESH_SECONDS = 2.0
STALE_SECONDS = 10.0
"""How old an answer may be that is given while a newer one is on its way."""
WAIT_SECONDS = 0.5
MOST_WAITING = 4
"""How long, and how many, callers wait for an answer on its way: each holds a thread of the server."""
NOT_KNOWN = {"readiness": "It is being found out right now."}


DATABASE = "database"
ROOTS = ("revision", DATABASE)
"""Rows whose fault makes others fail: a database at another revision may miss what these ask for."""
DATABASE_ADVICE = (
    "Start it, or mend LEADINTAKE_DATABASE_URL and what its account may do; its own log says more."
)


class Finding(NamedTuple):
    """What the doctor found of a part: `ok`, `wrong` or `unknown`, and a sentence."""

    part: str
    state: str
    detail: str


class _Registered(NamedTuple):
    part: str
    look: Check
    probe: Check
    needed: bool
    warning: bool
    after: str


@dataclass
class _Readiness:
    """What was found last, and whether somebody is finding out."""

    change: threading.Condition = field(default_factory=threading.Condition)
    found: dict[str, str] | None = None
    at: float = 0.0
    asking: bool = False
    waiting: int = 0
    suspected: bool = False


def register(
    app: Flask,
    part: str,
    check: Check,
    *,
    needed: bool = True,
    probe: Check | None = None,
    warning: bool = False,
    after: str = "",
) -> None:
    """Add a check of `part`. A check that is not `needed` is the doctor's only, not readiness's.

    `check` only reads; `probe`, where there is one, does the same and writes, or takes longer. Of a `warning`
    readiness tells, by `check` alone, but the service is ready all the same. Readiness does not ask
    while the part `after` does not work: another wait for the same would make the answer late.
    """
    checks = app.extensions.setdefault("leadintake.checks", [])
    checks.append(_Registered(part, check, probe or check, needed, warning, after))


def results(*, writing: bool = False, parts: Collection[str] | None = None) -> dict[str, str]:
    """Each needed part, or each of `parts`, and what is wrong with it: nothing (an empty text) or a sentence.

    What does not work is told first: no warning is looked for then, whose cause may be the same.
    """
    found: dict[str, str] = {}
    for registered in current_app.extensions["leadintake.checks"]:
        if found.get(registered.after):
            continue
        asked = registered.needed if parts is None else registered.part in parts
        if asked and not (registered.warning and _without_warnings(found)):
            try:
                probing = writing and not registered.warning
                (registered.probe if probing else registered.look)()
                found[registered.part] = ""
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a part is its finding
                found[registered.part] = str(error).partition("\n")[0] or type(error).__name__
    return found


def findings() -> list[Finding]:
    """Every part, each tried in a context of its own and by writing, for the doctor.

    What comes of another row's fault is not told twice: where the database is away or at another revision,
    the other rows that asked it are `unknown`.
    """
    errors: dict[str, Exception | None] = {}
    for registered in current_app.extensions["leadintake.checks"]:
        try:
            with current_app.app_context():
                registered.probe()
            errors[registered.part] = None
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a part is its finding
            errors[registered.part] = error
    root = next((part for part in ROOTS if _is_root(part, errors.get(part))), None)
    return [_finding(part, error, root) for part, error in errors.items()]


def _is_root(part: str, error: Exception | None) -> bool:
    return error is not None and (part == DATABASE or not isinstance(error, SQLAlchemyError))


def _finding(part: str, error: Exception | None, root: str | None) -> Finding:
    if error is None:
        return Finding(part, "ok", "")
    if root not in (None, part) and isinstance(error, SQLAlchemyError):
        return Finding(part, "unknown", f"The database could not be asked; mend the row {root} first.")
    if part == DATABASE and isinstance(error, SQLAlchemyError):
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0].rstrip(".")
        return Finding(part, "wrong", f"{cause}. {DATABASE_ADVICE}")
    return Finding(part, "wrong", str(error).partition("\n")[0] or type(error).__name__)


def failing() -> dict[str, str]:
    """The needed parts that do not work now, each with its sentence."""
    return _without_warnings(readiness())


def warnings() -> list[str]:
    """The parts an operator should look at, while the service works: names, for anybody to read."""
    found = readiness()
    return sorted(part for part in _warning_parts() if found.get(part))


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
            if suspected and not _without_warnings(found):
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


def _warning_parts() -> set[str]:
    return {one.part for one in current_app.extensions["leadintake.checks"] if one.warning}


def _without_warnings(found: Mapping[str, str]) -> dict[str, str]:
    warnings = _warning_parts()
    return {part: sentence for part, sentence in found.items() if sentence and part not in warnings}


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
