"""Floor 5: what people see."""

from __future__ import annotations

from flask import Flask

from leadintake.pages import assets, desk
from leadintake.pages.account import bp as account
from leadintake.pages.routes import bp


def init_app(app: Flask) -> None:
    """Wire the room."""
    assets.init_app(app)
    desk.init_app(app)
    app.register_blueprint(bp)
    app.register_blueprint(account)
