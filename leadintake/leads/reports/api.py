"""JSON API of the report, for those who may assign leads."""

from __future__ import annotations

from flask import Blueprint, Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, respond
from leadintake.leads.reports.schemas import Period, ReportView
from leadintake.leads.reports.service import report

bp = Blueprint("assignment", __name__, url_prefix="/assignment")


@bp.get("/report")
@allow(Permission.ASSIGN_LEADS)
@api({200: ReportView}, query=Period)
def read(query: Period) -> Response:
    """Tell how the leads of a period were shared, and how soon prospects were reached."""
    return respond(ReportView.of(report(query.created_from, query.created_to, actor=current_actor())))
