"""Floor 2: the outbox, the channels and the worker."""

from __future__ import annotations

from flask import Flask

from leadintake.audit.service import audit
from leadintake.core import alarms, checks
from leadintake.notifications import backlog, checkup, rehearsal
from leadintake.notifications.cli import outbox, worker
from leadintake.notifications.service import notifications
from leadintake.notifications.worker import start_with_first_request


def init_app(app: Flask) -> None:
    """Wire the room."""
    notifications.init_app(app)
    audit.when_published(app, notifications.owe_head)
    checks.register(app, "worker", checkup.check_worker)
    checks.register(app, "mail", checkup.check_mail, needed=False)
    checks.register(app, "recipients", rehearsal.check, needed=False)
    checks.gauge(app, "leadintake_outbox", "Messages not sent, by status", "status", backlog.counts)
    checks.gauge(
        app,
        "leadintake_outbox_oldest_seconds",
        "Age of the oldest message not sent, by kind",
        "kind",
        backlog.oldest_seconds,
    )
    checks.gauge(app, "leadintake_workers", "Workers seen in the last minute", "", backlog.workers)
    checks.gauge(
        app, "leadintake_worker_beat_age_seconds", "Since a worker was seen", "", backlog.beat_seconds
    )
    alarms.register(app, "worker", backlog.look_at_workers, follows=("database",))
    alarms.register(app, "mail", backlog.look_at_mail, follows=("database", "worker"))
    alarms.register(app, "messages_failed", backlog.look_at_failures, follows=("database",))
    app.before_request(start_with_first_request)
    app.cli.add_command(worker)
    app.cli.add_command(outbox)
