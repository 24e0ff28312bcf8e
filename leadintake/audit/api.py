"""The audit trail over JSON and CSV, for administrators."""

from __future__ import annotations

from flask import Blueprint, Response, stream_with_context

from leadintake.audit.schemas import COLUMNS, AuditFilter, AuditItem, AuditPage, AuditQuery, row_of
from leadintake.audit.service import audit
from leadintake.core.actor import current_person
from leadintake.core.cli.output import format_csv
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, respond

bp = Blueprint("audit", __name__)


@bp.get("/audit")
@allow("read_audit")
@api({200: AuditPage}, query=AuditQuery)
def read(query: AuditQuery) -> Response:
    """List who did what, newest first."""
    page = audit.page(query, actor=current_person(), limit=query.limit, cursor=query.cursor)
    return respond(AuditPage([AuditItem.of(entry) for entry in page.items], page.next_cursor))


@bp.get("/audit.csv")
@allow("read_audit")
@api({200: "text/csv"}, query=AuditFilter)
def export(query: AuditFilter) -> Response:
    """Stream the same entries as CSV."""
    entries = audit.iterate(query, actor=current_person())
    lines = format_csv(COLUMNS, (row_of(entry).values() for entry in entries))
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(stream_with_context(lines), mimetype="text/csv", headers=headers)
