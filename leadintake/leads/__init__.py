"""Floor 4: a lead's life."""

from __future__ import annotations

from flask import Flask

from leadintake.auth import leaving
from leadintake.core import alarms, checks, chores, names, walls
from leadintake.leads import (
    attention,
    backfill,
    barred,
    cli_assignment,  # noqa: F401 - adds its commands to two groups
    cli_quarantine,  # noqa: F401 - adds its commands
    events,
    public,
    search,
)
from leadintake.leads.cli_screens import group
from leadintake.leads.handing import handing
from leadintake.leads.reference import LeadKeyConverter
from leadintake.notifications import claims


def init_app(app: Flask) -> None:
    """Wire the room."""
    app.url_map.converters["lead"] = LeadKeyConverter
    claims.when_failed(app, events.failed, first=events.hold_lead)
    claims.look_before(app, events.last_look)
    leaving.when_left(app, handing.hand_back)
    chores.register_round(app, handing.look_after)
    chores.register_round(app, backfill.run_worker_tick)
    checks.gauge(
        app,
        "leadintake_leads",
        "Leads that wait for somebody, for being reached out to, and for being looked at",
        "state",
        attention.counts,
    )
    alarms.register(app, "leads_waiting", attention.look_at_waiting, follows=("database", "worker"))
    alarms.register(app, "quarantine", attention.look_at_quarantine, follows=("database",))
    public.count_results(app)
    walls.raise_wall(app, barred.hidden_from)
    names.register_names(app, search.id_query)
    app.cli.add_command(group)
