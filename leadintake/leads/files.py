"""What leaves as a file: the resume, and the list as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO
from urllib.parse import quote

import msgspec
from flask import Blueprint, Response, request, stream_with_context
from flask_login import current_user
from werkzeug.http import quote_etag
from werkzeug.wsgi import wrap_file

from leadintake.auth.permissions import Permission
from leadintake.core.access import allow
from leadintake.core.api import speaks
from leadintake.core.tables import as_csv
from leadintake.documents.models import Document
from leadintake.documents.service import documents
from leadintake.leads.models import Lead
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.service import leads

bp = Blueprint("lead_files", __name__)

SHUT_IN = "sandbox; default-src 'none'; base-uri 'none'; frame-ancestors 'self'"
"""The policy of a file that a stranger sent: it runs and fetches nothing, and only our page frames it."""

COLUMNS = (
    "id", "created_at", "updated_at", "first_name", "last_name", "email", "status",
    "practice_area", "language", "assigned_to", "resume", "reference",
)  # fmt: skip


class ResumeQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How to send the file: `inline=1` shows a PDF in the browser."""

    inline: bool = False


@bp.get("/leads/<lead:lead_id>/resume")
@allow(Permission.READ_LEADS)
@speaks({200: "*/*", 206: "*/*"}, query=ResumeQuery, headers=("Range",), refuses=(404, 416))
def resume(lead_id: LeadKey, query: ResumeQuery) -> Response:
    """Send the file as it was submitted, byte for byte."""
    lead = leads.get(lead_id, seen_by=current_user)
    document = lead.resume
    shown = query.inline and document.content_type == "application/pdf" and document.may_be_shown
    body = documents.open(document)
    try:
        leads.note_download(lead, inline=shown, by=current_user)
        return _sent(document, body, "inline" if shown else "attachment")
    except BaseException:
        body.close()
        raise


def _sent(document: Document, body: IO[bytes], kind: str) -> Response:
    response = Response(
        wrap_file(request.environ, body), content_type=document.content_type, direct_passthrough=True
    )
    response.call_on_close(body.close)
    response.content_length = document.size
    # RFC 6266: the name in full for who reads filename*, in ASCII for who does not.
    response.headers.set("Content-Disposition", _disposition(kind, document.filename))
    response.headers["Content-Security-Policy"] = SHUT_IN
    response.headers["ETag"] = quote_etag(document.sha256)
    wanted = request.range
    # RFC 9110, 14.2: a unit nobody understands is ignored; so are several ranges at once.
    taken = wanted is None or (wanted.units == "bytes" and len(wanted.ranges) == 1)
    response.make_conditional(request.environ, accept_ranges=taken, complete_length=document.size)
    response.headers["Accept-Ranges"] = "bytes"
    return response


@bp.get("/leads.csv")
@allow(Permission.READ_LEADS)
@speaks({200: "text/csv"}, query=LeadFilter)
def export(query: LeadFilter) -> Response:
    """Send all matching leads as CSV, while they are read."""
    lines = lines_of(leads.every(query, seen_by=current_user, by=current_user))
    headers = {"Content-Disposition": 'attachment; filename="leads.csv"'}
    return Response(stream_with_context(lines), mimetype="text/csv", headers=headers)


def lines_of(rows: Iterable[Lead]) -> Iterator[str]:
    """Leads as lines of CSV."""
    return as_csv(COLUMNS, (row_of(lead).values() for lead in rows))


def row_of(lead: Lead) -> dict[str, object]:
    """A lead as one row of plain values."""
    assignee = lead.assigned_to.email if lead.assigned_to else None
    values = {"assigned_to": assignee, "resume": lead.resume.filename}
    return {name: values[name] if name in values else getattr(lead, name) for name in COLUMNS}


def _disposition(kind: str, filename: str) -> str:
    # RFC 6266, appendix D: readers differ over quotes, backslashes and percent signs.
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
