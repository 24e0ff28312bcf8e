"""The application factory; `create_app` lists all rooms."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from flask import Flask

from leadintake import (
    assignment,
    audit,
    auth,
    blueprints,
    core,
    demo,
    desk,
    documents,
    leads,
    monitoring,
    notifications,
    site,
)
from leadintake.config.reading import complete, read_settings, storage_base, to_flask_config
from leadintake.core import structs
from leadintake.web import IntakeRequest

PACKAGE = "leadintake"


class LeadIntake(Flask):
    """A Flask application with strict parsing of requests."""

    request_class = IntakeRequest

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function unchanged: no view is a coroutine, and Flask checks 20 times a request."""
        return func


def create_app(**overrides: object) -> Flask:
    """Create an application from the environment; `overrides` are settings that win over it, or Flask's own.

    Runs no SQL, opens no socket, starts no thread. Raises ConfigurationError with every problem.
    """
    instance = Path(LeadIntake(PACKAGE).auto_find_instance_path())
    settings, unknown = read_settings(os.environ, overrides, instance)
    base = storage_base(settings, instance)
    settings = complete(settings, instance)
    app = LeadIntake(PACKAGE, instance_path=settings.INSTANCE_PATH, static_folder=None)
    app.config.update({**overrides, **to_flask_config(settings)})
    app.extensions["leadintake.storage_base"] = base

    core.init_app(app)
    audit.init_app(app)
    auth.init_app(app)
    documents.init_app(app)
    notifications.init_app(app)
    monitoring.init_app(app)
    assignment.init_app(app)
    leads.init_app(app)
    site.init_app(app)
    desk.init_app(app)
    demo.init_app(app)
    blueprints.init_app(app)
    structs.prepare()

    for variable in unknown:
        structlog.get_logger().warning("unknown_setting", variable=variable)
    return app
