"""Workload and response times, drawn on the server, for those who look after the distribution."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from flask import Blueprint, Response, make_response, render_template
from flask_login import current_user

from leadintake.auth.permissions import Permission
from leadintake.core.access import allow
from leadintake.core.clock import now
from leadintake.leads.reports import report
from leadintake.pages.desk.charts import Bar, Series, chart
from leadintake.pages.desk.forms import asked
from leadintake.pages.desk.words import duration

bp = Blueprint("report", __name__, url_prefix="/report")
PERIODS = {7: "Last 7 days", 30: "Last 30 days", 90: "Last 90 days", 365: "Last year"}


class Period(msgspec.Struct, forbid_unknown_fields=True):
    """How many days back."""

    days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 30


@bp.get("")
@allow(Permission.ASSIGN_LEADS)
def show() -> Response:
    """Show how the leads of a period were shared, and how soon prospects were reached."""
    period = asked(Period)
    found = report(now() - timedelta(days=period.days), None, seen_by=current_user)
    workload = [
        Series(
            line.user.name,
            [
                Bar("Received", line.received, str(line.received)),
                Bar("Open", line.open, str(line.open)),
                Bar("Reached", line.reached, str(line.reached)),
            ],
        )
        for line in found.lines
    ]
    response_times = [
        Series(
            line.user.name,
            [Bar("Median", seconds, duration(seconds))],
        )
        for line in found.lines
        if (seconds := line.median_seconds_to_reach) is not None
    ]
    return make_response(
        render_template(
            "desk/report.html",
            report=found,
            period=period,
            periods=PERIODS,
            workload=chart(workload),
            response_times=chart(response_times),
        )
    )
