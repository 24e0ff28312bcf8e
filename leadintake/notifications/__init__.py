"""Floor 2: the outbox, the channels and the worker."""

from __future__ import annotations

from flask import Flask

from leadintake.audit.service import audit
from leadintake.core import checks
from leadintake.notifications.cli import outbox, worker
from leadintake.notifications.service import notifications
from leadintake.notifications.worker import start_with_first_request


def init_app(app: Flask) -> None:
    """Wire the room."""
    notifications.init_app(app)
    audit.when_published(app, notifications.owe_head)
    checks.register(app, "worker", notifications.check_worker)
    checks.register(app, "mail", notifications.check_mail, needed=False)
    checks.register(app, "recipients", notifications.check_rehearsal, needed=False)
    checks.gauge(app, "leadintake_outbox", "Messages by status", "status", notifications.counts)
    app.before_request(start_with_first_request)
    app.cli.add_command(worker)
    app.cli.add_command(outbox)
