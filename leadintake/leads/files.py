"""Downloads: the resume, and the list as CSV."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, Response, request, stream_with_context
from werkzeug.http import quote_etag
from werkzeug.wsgi import wrap_file

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.cli.output import format_csv
from leadintake.core.clock import firm_zone
from leadintake.core.errors import NotFound
from leadintake.core.http.access import allow
from leadintake.core.http.api import api
from leadintake.documents.models import Document
from leadintake.documents.service import documents
from leadintake.leads.fields import csv_columns
from leadintake.leads.models import Lead
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.service import leads

bp = Blueprint("lead_files", __name__)
BYTE_ORDER_MARK = "\ufeff"

SANDBOX_POLICY = "sandbox; default-src 'none'; base-uri 'none'; frame-ancestors 'self'"
"""Of submitted files: no scripts, no requests, framed only by the desk."""

COLUMNS = csv_columns()


class ResumeQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How to send the file: `inline=1` shows a PDF or a photograph in the browser."""

    inline: bool = False


@bp.get("/leads/<lead:lead_id>/resume")
@allow(Permission.READ_LEADS)
@api({200: "*/*", 206: "*/*"}, query=ResumeQuery, headers=("Range",), refuses=(404, 416))
def resume(lead_id: LeadKey, query: ResumeQuery) -> Response:
    """Send the file as it was submitted, byte for byte."""
    lead = leads.get(lead_id, reader=current_actor())
    document = lead.resume
    if document is None:
        raise NotFound("This lead has no resume.")
    inline = query.inline and document.is_viewable and document.may_be_shown
    body = documents.open(document)
    try:
        leads.note_download(lead, inline=inline, actor=current_actor())
        return _send_file(document, body, "inline" if inline else "attachment")
    except BaseException:
        body.close()
        raise


def _send_file(document: Document, body: IO[bytes], kind: str) -> Response:
    response = Response(
        wrap_file(request.environ, body), content_type=document.content_type, direct_passthrough=True
    )
    response.call_on_close(body.close)
    response.content_length = document.size
    # RFC 6266: filename* has the full name, filename an ASCII one for older clients.
    response.headers.set("Content-Disposition", _disposition(kind, document.filename))
    response.headers["Content-Security-Policy"] = SANDBOX_POLICY
    response.headers["ETag"] = quote_etag(document.sha256)
    requested = request.range
    # RFC 9110, 14.2: ignore unknown units, and several ranges at once.
    accepts_ranges = requested is None or (requested.units == "bytes" and len(requested.ranges) == 1)
    response.make_conditional(request.environ, accept_ranges=accepts_ranges, complete_length=document.size)
    response.headers["Accept-Ranges"] = "bytes"
    return response


@bp.get("/leads.csv")
@allow(Permission.READ_LEADS)
@api({200: "text/csv"}, query=LeadFilter)
def export(query: LeadFilter) -> Response:
    """Send all matching leads as CSV, while they are read."""
    return send_csv(lines_of(leads.iterate(query, reader=current_actor(), actor=current_actor())))


def send_csv(lines: Iterator[str]) -> Response:
    """Respond with lines of CSV as a file, while they are made."""
    headers = {"Content-Disposition": 'attachment; filename="leads.csv"'}
    return Response(stream_with_context(lines), mimetype="text/csv", headers=headers)


def lines_of(rows: Iterable[Lead]) -> Iterator[str]:
    """Format leads as lines of CSV, for programs: times in UTC (RFC 3339)."""
    return format_csv(COLUMNS, (row_of(lead).values() for lead in rows))


def sheet_lines_of(rows: Iterable[Lead]) -> Iterator[str]:
    """Format leads as CSV for Excel: a byte order mark, without which it reads no UTF-8; the firm's clock."""
    zone = firm_zone()
    cells = ([_format_local(value, zone) for value in row_of(lead).values()] for lead in rows)
    return itertools.chain([BYTE_ORDER_MARK], format_csv(COLUMNS, cells))


def _format_local(value: object, zone: ZoneInfo) -> object:
    return f"{value.astimezone(zone):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value


def row_of(lead: Lead) -> dict[str, object]:
    """Return the values of a lead by CSV column."""
    assignee = lead.assigned_to.email if lead.assigned_to else None
    resume = lead.resume.filename if lead.resume else None
    values = {"assigned_to": assignee, "resume": resume, "tags": ", ".join(lead.tags)}
    return {name: values[name] if name in values else getattr(lead, name) for name in COLUMNS}


def _disposition(kind: str, filename: str) -> str:
    # RFC 6266, appendix D: clients differ over quotes, backslashes and percent signs.
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
