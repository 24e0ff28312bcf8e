"""The causes of this room: failing parts, full disks, failed chores."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from flask import Flask, current_app

from leadintake.core import alarms, checks, chores
from leadintake.core.alarms import Problem
from leadintake.core.i18n.languages import N_

ENOUGH_BYTES, LEAST_BYTES, LEAST_SHARE = 5 * 1024**3, 512 * 1024**2, 0.05
"""A disk is nearly full below 512 MB, or below 5 %, at most 5 GB."""
LEAST_FILES = 0.02
"""Minimum share of free inodes."""
DATABASE = "database"


def init_app(app: Flask) -> None:
    """Register the causes."""
    alarms.register(app, DATABASE, look_at_database)
    alarms.register(app, "storage", _look_at(
        "storage",
        N_("Resumes cannot be stored: prospects are told to try again later."),
        N_("An operator must see with “flask doctor” what the storage says."),
    ))  # fmt: skip
    if app.config["CLAMD_ADDRESS"] and app.config["SCANNER_AWAY"] == "refuse":
        alarms.register(app, "scanner", _look_at(
            "scanner",
            N_("The virus scanner is away: prospects are told to try again later."),
            N_("An operator must see with “flask doctor” what is wrong with it."),
        ))  # fmt: skip
    alarms.register(app, "disk", look_at_disks)
    alarms.register(app, "housekeeping", look_at_housekeeping, follows=(DATABASE, "storage"))
    checks.register(app, "housekeeping", check_housekeeping, warning=True)


def database_problem() -> Problem:
    return Problem(
        N_("The database fails: nothing can be submitted or read."),
        N_("An operator must see with “flask doctor” what it says."),
    )


def look_at_database() -> Problem | None:
    """Detect a database that does not answer, or is at a wrong revision."""
    results = _readiness()
    return database_problem() if results.get("database") or results.get("revision") else None


def look_at_disks() -> Problem | None:
    scheme, _, path = current_app.config["STORAGE_URL"].partition(":")
    places = [current_app.config["INSTANCE_PATH"], *([path] if scheme == "file" else [])]
    if not any(_is_nearly_full(Path(place)) for place in places):
        return None
    return Problem(
        N_("A disk of the service is nearly full."),
        N_("An operator must make room before nothing can be stored any more."),
    )


def look_at_housekeeping() -> Problem | None:
    if not chores.failures(current_app):
        return None
    return Problem(
        N_("A part of the service's housekeeping failed the last time it was tried."),
        N_("An operator must see with “flask doctor” which, and in the log of the workers why."),
        severity="warning",
    )


def check_housekeeping() -> None:
    if names := chores.failures(current_app):
        raise RuntimeError(
            f"It failed the last time it was tried: {', '.join(names)}. "
            "`housekeeping_failed` in the log of the workers says why."
        )


def _look_at(part: str, sentence: str, advice: str) -> Callable[[], Problem | None]:
    return lambda: Problem(sentence, advice) if _readiness().get(part) else None


def _readiness() -> dict[str, str]:
    results = checks.readiness()
    if "database" not in results:
        raise LookupError("It is being found out right now.")
    return results


def _is_nearly_full(place: Path) -> bool:
    while not place.exists():
        place = place.parent
    disk = os.statvfs(place)
    free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    few_files = disk.f_files > 0 and disk.f_favail < LEAST_FILES * disk.f_files
    return few_files or free < max(LEAST_BYTES, min(LEAST_SHARE * size, ENOUGH_BYTES))
