"""Views made for one test: what happens around a view is what is tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from leadintake.core.http.api import api


def serve(
    app: Flask, view: Callable[[], Any], rule: str = "/test", method: str = "POST", *, files: bool = False
) -> None:
    """Let the application answer `rule` with `view`, one that takes `files` or none."""
    if files:
        view = api({200: dict}, form={"type": "object"})(view)
    app.add_url_rule(rule, view.__name__, view, methods=[method])
