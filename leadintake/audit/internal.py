"""The audit trail over JSON and CSV, for administrators."""

from __future__ import annotations

from flask import Blueprint, Response, stream_with_context
from flask_login import current_user

from leadintake.audit.schemas import COLUMNS, AuditFilter, AuditItem, AuditPage, AuditQuery, row_of
from leadintake.audit.service import audit
from leadintake.core.access import allow
from leadintake.core.api import respond, speaks
from leadintake.core.tables import as_csv

bp = Blueprint("audit", __name__)


@bp.get("/audit")
@allow("read_audit")
@speaks({200: AuditPage}, query=AuditQuery)
def read(query: AuditQuery) -> Response:
    """List who did what, newest first."""
    page = audit.page(query, seen_by=current_user, limit=query.limit, cursor=query.cursor)
    return respond(AuditPage([AuditItem.of(entry) for entry in page.items], page.next_cursor))


@bp.get("/audit.csv")
@allow("read_audit")
@speaks({200: "text/csv"}, query=AuditFilter)
def export(query: AuditFilter) -> Response:
    """Send the same as CSV, while it is read."""
    entries = audit.every(query, seen_by=current_user)
    lines = as_csv(COLUMNS, (row_of(entry).values() for entry in entries))
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(stream_with_context(lines), mimetype="text/csv", headers=headers)
