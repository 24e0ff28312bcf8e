"""Views made for one test: what happens around a view is what is tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask


def serve(app: Flask, view: Callable[[], Any], rule: str = "/test", method: str = "POST") -> None:
    """Let the application answer `rule` with `view`."""
    app.add_url_rule(rule, view.__name__, view, methods=[method])
