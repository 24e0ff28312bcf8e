"""Floor 4: leads, from intake to follow-up."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from leadintake.auth.people.departures import user_departed
from leadintake.core import alarms, checks, chores, names
from leadintake.core.hooks import When
from leadintake.core.visibility import register_visibility_filter
from leadintake.leads import backfill, counting, reopening, search
from leadintake.leads.distribution import alerts, attention, coverage, failures, transfers
from leadintake.leads.distribution.handover import handover
from leadintake.leads.events import lead_email_corrected
from leadintake.leads.follow_ups import reminders
from leadintake.leads.intake import api as public
from leadintake.leads.proof import cli as cli_proof  # noqa: F401 - adds its command
from leadintake.leads.quarantine import cli as cli_quarantine  # noqa: F401 - adds its commands
from leadintake.leads.quarantine import digest
from leadintake.leads.reference import LeadKeyConverter
from leadintake.leads.replies import notices, withdrawals
from leadintake.leads.replies.service import replies
from leadintake.leads.reports import cli as cli_assignment  # noqa: F401 - adds its commands to two groups
from leadintake.leads.screens.cli import group
from leadintake.leads.visibility import screened_leads
from leadintake.notifications import leases
from leadintake.notifications.events import message_failed, message_failing


def init_app(app: Flask) -> None:
    """Register URL converter, events, worker ticks, metrics, alarms and commands."""
    app.url_map.converters["lead"] = LeadKeyConverter
    message_failing.connect(app, failures.lock_lead, when=When.IN_TRANSACTION)
    message_failed.connect(app, failures.report_failure, when=When.IN_SAVEPOINT)
    message_failed.connect(app, notices.tell_author, when=When.IN_SAVEPOINT)
    lead_email_corrected.connect(app, withdrawals.withdraw_replies, when=When.IN_TRANSACTION)
    leases.add_send_check(app, alerts.check_alert)
    leases.add_send_check(app, reminders.check_reminder)
    leases.add_send_check(app, transfers.check_leads)
    user_departed.connect(app, handover.hand_back_on_departure, when=When.IN_TRANSACTION)
    chores.on_worker_tick(app, coverage.run_worker_tick)
    chores.on_worker_tick(app, handover.run_worker_tick)
    chores.on_worker_tick(app, reminders.run_worker_tick)
    chores.on_worker_tick(app, digest.run_worker_tick)
    chores.on_worker_tick(app, backfill.run_worker_tick)
    chores.on_worker_tick(app, backfill.correct_gates)
    chores.on_worker_tick(app, backfill.fill_mailboxes)
    chores.on_worker_tick(app, backfill.index_texts)
    # Soon after the start, for then a process of the version before may have ended a moment ago.
    chores.register(
        app, "lead_counts", counting.run_chore, every=timedelta(hours=1), wait=timedelta(minutes=2)
    )
    checks.register(app, "lead counts", counting.check, needed=False, probe=counting.probe)
    checks.register_gauge(
        app,
        "leadintake_leads",
        "Leads that wait for somebody, for being reached out to, and for being looked at",
        "state",
        attention.count_states,
    )
    alarms.register(app, "leads_waiting", attention.check_waiting, follows=("database", "worker"))
    alarms.register(app, "quarantine", attention.check_quarantine, follows=("database",))
    public.count_results(app)
    register_visibility_filter(app, screened_leads)
    names.register_names(app, search.id_query)
    reopening.add_check(app, replies.explain_held)
    app.cli.add_command(group)
