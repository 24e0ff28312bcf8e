"""Floor 5: what a prospect sees."""

from __future__ import annotations

from flask import Flask

from leadintake.pages.routes import bp


def init_app(app: Flask) -> None:
    """Wire the room."""
    app.register_blueprint(bp)
