"""Where the service keeps things on this machine: rooms register folders and files, the doctor looks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from flask import Flask

INSTANCE, DATABASE = "instance", "database"


class Place(NamedTuple):
    """A folder, or a file, and what is kept in it."""

    purpose: str
    path: Path


def init_app(app: Flask) -> None:
    """Register what every installation has."""
    instance = Path(app.config["INSTANCE_PATH"])
    register(app, INSTANCE, instance)
    register(app, "secret", instance / "secret_key")
    url = sa.make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        register(app, DATABASE, Path(url.database))


def register(app: Flask, purpose: str, path: Path) -> None:
    """Add a place."""
    app.extensions.setdefault("leadintake.places", []).append(Place(purpose, path))


def of(app: Flask) -> list[Place]:
    """Every place, whether anything is there yet or not."""
    found: list[Place] = app.extensions["leadintake.places"]
    return found
