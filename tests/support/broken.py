"""The application with views that fail while they have in hand what somebody sent."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from flask import Response, request

from leadintake.core.db.database import db
from leadintake.serving import serve

app = serve()


@app.post("/broken/value")
def _take_for_a_number() -> str:
    return str(int(request.form["name"]))


@app.post("/broken/statement")
def _write_half_a_row() -> str:
    row = sa.text("INSERT INTO users (id, name) VALUES (1, :name)")
    db.session.execute(row, {"name": request.form["name"]})
    return "written"


@app.post("/broken/answer")
def _break_off() -> Response:
    name = request.form["name"]

    def pieces() -> Iterator[str]:
        yield "so far"
        raise KeyError(name)

    return Response(pieces())
