"""The firm's texts: a file in templates/ of the instance replaces the default."""

from __future__ import annotations

from pathlib import Path

import jinja2
import structlog
from flask import Flask, current_app
from markupsafe import Markup

from leadintake.core import checks
from leadintake.core.i18n.languages import LANGUAGES, use_language

TEXTS = ("welcome", "disclaimer", "next_steps")
log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Load templates from the instance first; register the doctor's check of every text."""
    app.jinja_loader = jinja2.FileSystemLoader(Path(app.instance_path) / "templates")
    app.jinja_env.globals["text"] = text
    checks.register(app, "texts", _check, needed=False)


def text(name: str) -> Markup:
    """Return a text in the current language, as HTML.

    If the firm's own is broken, logs it and returns the default.
    """
    try:
        return _render(current_app.jinja_env, name)
    except Exception as error:  # noqa: BLE001 - a template can raise anything
        log.error("text_broken", text=name, cause=f"{type(error).__name__}: {error}")  # noqa: TRY400 - no more to say
        blueprints = [found.jinja_loader for found in current_app.iter_blueprints() if found.jinja_loader]
        return _render(current_app.jinja_env.overlay(loader=jinja2.ChoiceLoader(blueprints)), name)


def _render(environment: jinja2.Environment, name: str) -> Markup:
    return Markup(environment.get_template(f"texts/{name}.html").render())  # noqa: S704 - escaped in there


def _check() -> None:
    """Raise unless every text renders in every language."""
    for language in LANGUAGES:
        for name in TEXTS:
            with use_language(language):
                try:
                    _render(current_app.jinja_env, name)
                except Exception as error:
                    raise RuntimeError(f"texts/{name}.html cannot be shown ({language}): {error}") from error
