"""Texts that a firm may put in its own words: a file in templates/ of the instance wins over ours."""

from __future__ import annotations

from pathlib import Path

import jinja2
import structlog
from flask import Flask, current_app
from markupsafe import Markup

from leadintake.core import checks
from leadintake.core.languages import LANGUAGES, speaking

TEXTS = ("welcome", "disclaimer", "next_steps")
log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Look for templates in the instance first; have the doctor read every text."""
    app.jinja_loader = jinja2.FileSystemLoader(Path(app.instance_path) / "templates")
    app.jinja_env.globals["text"] = text
    checks.register(app, "texts", _check, needed=False)


def text(name: str) -> Markup:
    """The text NAME in the language being spoken, as HTML.

    One of the firm's that is broken turns nobody away: ours is shown instead, and the log says why.
    """
    try:
        return _rendered(current_app.jinja_env, name)
    except Exception as error:  # noqa: BLE001 - a template can fail in any way that code can
        log.error("text_broken", text=name, cause=f"{type(error).__name__}: {error}")  # noqa: TRY400 - no more to say
        blueprints = [found.jinja_loader for found in current_app.iter_blueprints() if found.jinja_loader]
        return _rendered(current_app.jinja_env.overlay(loader=jinja2.ChoiceLoader(blueprints)), name)


def _rendered(environment: jinja2.Environment, name: str) -> Markup:
    return Markup(environment.get_template(f"texts/{name}.html").render())  # noqa: S704 - escaped in there


def _check() -> None:
    """Raise unless every text can be shown in every language."""
    for language in LANGUAGES:
        for name in TEXTS:
            with speaking(language):
                try:
                    _rendered(current_app.jinja_env, name)
                except Exception as error:
                    raise RuntimeError(f"texts/{name}.html cannot be shown ({language}): {error}") from error
