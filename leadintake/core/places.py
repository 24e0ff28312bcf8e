"""Files and folders of the service on this machine; the doctor checks them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from flask import Flask

INSTANCE, DATABASE = "instance", "database"


class Place(NamedTuple):
    """A file or folder, and its purpose."""

    purpose: str
    path: Path


def init_app(app: Flask) -> None:
    """Register the paths of every installation."""
    instance = Path(app.config["INSTANCE_PATH"])
    register(app, INSTANCE, instance)
    register(app, "secret", instance / "secret_key")
    url = sa.make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        register(app, DATABASE, Path(url.database))


def register(app: Flask, purpose: str, path: Path) -> None:
    app.extensions.setdefault("leadintake.places", []).append(Place(purpose, path))


def list_places(app: Flask) -> list[Place]:
    """Return every registered path, existing or not."""
    found: list[Place] = app.extensions["leadintake.places"]
    return found


def normalize_url(url: str, base: Path) -> str:
    """Normalise a storage URL: no slash at the end; a folder absolute (from `base`), links resolved."""
    scheme, _, rest = url.partition(":")
    if scheme != "file":
        return url.rstrip("/")
    path = Path(rest.removeprefix("//") if rest.startswith("///") else rest)
    return f"file:{os.path.realpath(base / path)}"  # Path.resolve() raises on a loop of links
