"""Health checks: rooms register them; readiness and the doctor run them.

Readiness is public, so it must be cheap: one caller runs the checks, the others share the result, nothing is
written. But a full disk or read-only database shows only in a write: after a failed write, readiness tries
one itself until it succeeds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

Check = Callable[[], str | None]
"""Raises with a sentence for the operator if the part fails; may return a note for the doctor."""

FRESH_SECONDS = 2.0
STALE_SECONDS = 10.0
"""Maximum age of results while newer ones are computed."""
WAIT_SECONDS = 0.5
MAX_WAITERS = 4
"""How long, and how many, callers wait for new results: each holds a thread."""
UNKNOWN = {"readiness": "It is being found out right now."}


DATABASE = "database"
ROOTS = ("revision", DATABASE)
"""Checks whose failure makes others fail."""
DATABASE_ADVICE = (
    "Start it, or mend LEADINTAKE_DATABASE_URL and what its account may do; its own log says more."
)


class Finding(NamedTuple):
    """The doctor's finding on a part. `state`: `ok`, `wrong` or `unknown`."""

    part: str
    state: str
    detail: str


class _Registration(NamedTuple):
    part: str
    check: Check
    probe: Check
    needed: bool
    warning: bool
    after: str


@dataclass
class _Readiness:
    condition: threading.Condition = field(default_factory=threading.Condition)
    results: dict[str, str] | None = None
    checked_at: float = 0.0
    running: bool = False
    waiters: int = 0
    write_due: bool = False


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
    """Register a check of `part`, for the doctor and, if `needed`, for readiness.

    `check` only reads. `probe` also writes or takes longer: the doctor runs it, and readiness after a failed
    write. A failed `warning` leaves the service ready; readiness never probes it. Readiness skips the check
    after a failure of the part `after`: one cause must not cost two waits.
    """
    checks = app.extensions.setdefault("leadintake.checks", [])
    checks.append(_Registration(part, check, probe or check, needed, warning, after))


def results(*, writing: bool = False, parts: Collection[str] | None = None) -> dict[str, str]:
    """Run the needed checks, or those of `parts`; return for each an error sentence, or "".

    `writing` runs probes. After a failure, warnings are skipped: their cause may be the same.
    """
    found: dict[str, str] = {}
    for registered in current_app.extensions["leadintake.checks"]:
        if found.get(registered.after):
            continue
        selected = registered.needed if parts is None else registered.part in parts
        if selected and not (registered.warning and _drop_warnings(found)):
            try:
                probing = writing and not registered.warning
                (registered.probe if probing else registered.check)()
                found[registered.part] = ""
            except Exception as error:  # noqa: BLE001 - any exception is the finding
                found[registered.part] = str(error).partition("\n")[0] or type(error).__name__
    return found


def findings() -> list[Finding]:
    """Run every probe, each in its own application context.

    While the database is away or at another revision, failed queries are `unknown`.
    """
    errors: dict[str, Exception | None] = {}
    notes: dict[str, str] = {}
    for registered in current_app.extensions["leadintake.checks"]:
        try:
            with current_app.app_context():
                notes[registered.part] = registered.probe() or ""
            errors[registered.part] = None
        except Exception as error:  # noqa: BLE001 - any exception is the finding
            errors[registered.part] = error
    root = next((part for part in ROOTS if _is_root(part, errors.get(part))), None)
    return [
        Finding(part, "ok", notes[part]) if error is None else _finding(part, error, root)
        for part, error in errors.items()
    ]


def _is_root(part: str, error: Exception | None) -> bool:
    return error is not None and (part == DATABASE or not isinstance(error, SQLAlchemyError))


def _finding(part: str, error: Exception, root: str | None) -> Finding:
    if root not in (None, part) and isinstance(error, SQLAlchemyError):
        return Finding(part, "unknown", f"The database could not be asked; mend the row {root} first.")
    if part == DATABASE and isinstance(error, SQLAlchemyError):
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0].rstrip(".")
        return Finding(part, "wrong", f"{cause}. {DATABASE_ADVICE}")
    return Finding(part, "wrong", str(error).partition("\n")[0] or type(error).__name__)


def failures() -> dict[str, str]:
    """Return the needed parts that fail, each with its sentence."""
    return _drop_warnings(readiness())


def warnings() -> list[str]:
    """Return the parts whose warning check fails. They are public."""
    found = readiness()
    return sorted(part for part in _warning_parts() if found.get(part))


def readiness() -> dict[str, str]:
    """Return the needed results, at most FRESH_SECONDS old (STALE_SECONDS during a renewal), else UNKNOWN."""
    state = _state()
    with state.condition:
        if (recent := _recent_results(state, FRESH_SECONDS)) is not None:
            return recent
        if state.running:
            return _recent_results(state, STALE_SECONDS) or _wait_for_answer(state)
        state.running, write_due = True, state.write_due
    found = dict(UNKNOWN)
    try:
        found = results(writing=write_due)
    finally:
        with state.condition:
            state.running, state.results, state.checked_at = False, found, time.monotonic()
            if write_due and not _drop_warnings(found):
                state.write_due = False
            state.condition.notify_all()
    return found


def report_write_failure() -> None:
    """Drop the results and make the next readiness check try a write."""
    state = _state()
    with state.condition:
        if not state.write_due:  # many refused requests cause one check
            state.write_due, state.results = True, None


def request_write() -> None:
    """Make the next readiness check try a write, without a failure.

    Until then other callers get the last results, for STALE_SECONDS at most.
    """
    state = _state()
    with state.condition:
        state.write_due, state.checked_at = True, min(state.checked_at, time.monotonic() - FRESH_SECONDS)


def invalidate() -> None:
    """Drop the last results, after a repair."""
    state = _state()
    with state.condition:
        state.results = None


def register_gauge(
    app: Flask, name: str, help_text: str, label: str, read: Callable[[], Mapping[str, float]]
) -> None:
    """Register a gauge, read at each scrape: a number per value of `label` ("" without one).

    `read` may query only rows that need action, not a whole table.
    """
    app.extensions.setdefault("leadintake.gauges", {})[name] = (help_text, label, read)


def _warning_parts() -> set[str]:
    return {check.part for check in current_app.extensions["leadintake.checks"] if check.warning}


def _drop_warnings(results: Mapping[str, str]) -> dict[str, str]:
    warnings = _warning_parts()
    return {part: sentence for part, sentence in results.items() if sentence and part not in warnings}


def _state() -> _Readiness:
    state: _Readiness = current_app.extensions.setdefault("leadintake.readiness", _Readiness())
    return state


def _recent_results(state: _Readiness, seconds: float) -> dict[str, str] | None:
    return state.results if time.monotonic() - state.checked_at < seconds else None


def _wait_for_answer(state: _Readiness) -> dict[str, str]:
    if state.waiters >= MAX_WAITERS:
        return dict(UNKNOWN)
    state.waiters += 1
    try:
        answered = state.condition.wait_for(lambda: not state.running, WAIT_SECONDS)
    finally:
        state.waiters -= 1
    return (state.results if answered else None) or dict(UNKNOWN)
