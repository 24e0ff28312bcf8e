"""Workload and response times as SVG."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from flask import Blueprint, Response, make_response, render_template

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.clock import now
from leadintake.core.http.access import allow
from leadintake.desk.charts import Bar, Series, chart
from leadintake.desk.forms import parse_query
from leadintake.desk.words import duration
from leadintake.leads.reports.service import report

bp = Blueprint("report", __name__, url_prefix="/report")
PERIODS = {7: "Last 7 days", 30: "Last 30 days", 90: "Last 90 days", 365: "Last year"}


class Period(msgspec.Struct, forbid_unknown_fields=True):
    """Days until now."""

    days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 30


@bp.get("")
@allow(Permission.ASSIGN_LEADS)
def show() -> Response:
    """Show how leads were shared, and how soon prospects were contacted."""
    period = parse_query(Period)
    found = report(now() - timedelta(days=period.days), None, actor=current_actor())
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
