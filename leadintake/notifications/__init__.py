"""Floor 1½: outbox, channels and worker."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from leadintake.audit.events import head_published
from leadintake.core import alarms, checks, chores
from leadintake.core.hooks import When
from leadintake.notifications import backlog, checkup, mailboxes, rehearsal
from leadintake.notifications.cli import outbox, worker
from leadintake.notifications.service import notifications
from leadintake.notifications.worker import start_with_first_request


def init_app(app: Flask) -> None:
    """Register channels, checks, metrics, alarms and commands."""
    notifications.init_app(app)
    head_published.connect(app, notifications.enqueue_audit_head, when=When.IN_TRANSACTION)
    checks.register(app, "worker", checkup.check_worker)
    checks.register(app, "mail", checkup.check_mail, needed=False)
    checks.register(app, "recipients", rehearsal.check, needed=False)
    checks.register_gauge(
        app, "leadintake_outbox", "Messages not sent, by status", "status", backlog.count_by_status
    )
    checks.register_gauge(
        app,
        "leadintake_outbox_oldest_seconds",
        "Age of the oldest message not sent, by kind",
        "kind",
        backlog.measure_oldest_age,
    )
    checks.register_gauge(
        app, "leadintake_workers", "Workers seen in the last minute", "", backlog.count_workers
    )
    checks.register_gauge(
        app, "leadintake_worker_beat_age_seconds", "Since a worker was seen", "", backlog.measure_beat_age
    )
    alarms.register(app, "worker", backlog.check_workers, follows=("database",))
    alarms.register(app, "mail", backlog.check_mail, follows=("database", "worker"))
    alarms.register(app, "messages_failed", backlog.check_failed_messages, follows=("database",))
    # Soon after the start, for then a process of the version before may have ended a moment ago.
    chores.register(
        app,
        "suppressions",
        mailboxes.mailboxes.normalize_suppressions,
        every=timedelta(days=1),
        wait=timedelta(minutes=2),
    )
    app.before_request(start_with_first_request)
    app.cli.add_command(worker)
    app.cli.add_command(outbox)
