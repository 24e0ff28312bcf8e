"""Rows that a test starts from, and those it finds."""

from __future__ import annotations

from typing import Any

from flask import Flask

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction


def make(app: Flask, factory: Any, *traits: str, **values: Any) -> Any:
    """Make a row and commit it."""
    with app.app_context(), transaction():
        made = factory(**dict.fromkeys(traits, True), **values)
        db.session.flush()
        db.session.refresh(made)
        db.session.expunge_all()
    return made


def read(app: Flask, model: Any) -> list[Any]:
    """Read all rows of a table, deleted ones too."""
    with app.app_context():
        everything = db.select(model).order_by(model.id).execution_options(include_deleted=True)
        found = list(db.session.scalars(everything))
        db.session.expunge_all()
    return found
