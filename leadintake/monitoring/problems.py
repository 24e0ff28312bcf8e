"""Causes that this room sees by itself: parts that fail, and a disk that is nearly full."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from flask import Flask, current_app

from leadintake.core import alarms, checks
from leadintake.core.alarms import Problem
from leadintake.core.languages import phrase

ENOUGH_BYTES, LEAST_BYTES, LEAST_SHARE = 5 * 1024**3, 512 * 1024**2, 0.05
"""A disk is nearly full below 512 MB, or below a twentieth of it, if that is less than 5 GB."""
LEAST_FILES = 0.02
"""The share of its files (inodes) that must be free."""
DATABASE = "database"


def init_app(app: Flask) -> None:
    """Register the causes."""
    alarms.register(app, DATABASE, look_at_database)
    alarms.register(app, "storage", _look_at(
        "storage",
        phrase("Resumes cannot be stored: prospects are told to try again later."),
        phrase("An operator must see with “flask doctor” what the storage says."),
    ))  # fmt: skip
    if app.config["CLAMD_ADDRESS"] and app.config["SCANNER_AWAY"] == "refuse":
        alarms.register(app, "scanner", _look_at(
            "scanner",
            phrase("The virus scanner is away: prospects are told to try again later."),
            phrase("An operator must see with “flask doctor” what is wrong with it."),
        ))  # fmt: skip
    alarms.register(app, "disk", look_at_disks)


def database_problem() -> Problem:
    """What is said while the database fails."""
    return Problem(
        phrase("The database fails: nothing can be submitted or read."),
        phrase("An operator must see with “flask doctor” what it says."),
    )


def look_at_database() -> Problem | None:
    """Whether the database answers, and has the tables this code needs."""
    results = _readiness()
    return database_problem() if results.get("database") or results.get("revision") else None


def look_at_disks() -> Problem | None:
    """Whether a disk of this machine that the service writes to is nearly full."""
    scheme, _, path = current_app.config["STORAGE_URL"].partition(":")
    places = [current_app.config["INSTANCE_PATH"], *([path] if scheme == "file" else [])]
    if not any(_is_nearly_full(Path(place)) for place in places):
        return None
    return Problem(
        phrase("A disk of the service is nearly full."),
        phrase("An operator must make room before nothing can be stored any more."),
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
