"""The report over JSON, for those who look after the distribution."""

from __future__ import annotations

from flask import Blueprint, Response
from flask_login import current_user

from leadintake.auth.permissions import Permission
from leadintake.core.access import allow
from leadintake.core.api import respond, speaks
from leadintake.leads.reports import report
from leadintake.leads.schemas_report import Period, ReportView

bp = Blueprint("assignment", __name__, url_prefix="/assignment")


@bp.get("/report")
@allow(Permission.ASSIGN_LEADS)
@speaks({200: ReportView}, query=Period)
def read(query: Period) -> Response:
    """Tell how the leads of a period were shared, and how soon prospects were reached."""
    return respond(ReportView.of(report(query.created_from, query.created_to, seen_by=current_user)))
