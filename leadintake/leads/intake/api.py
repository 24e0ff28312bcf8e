"""The public endpoint POST /public/leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from flask import (
    Blueprint,
    Flask,
    Response,
    make_response,
    redirect,
    render_template,
    request,
    request_finished,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from leadintake.core import measures
from leadintake.core.db.types import new_id
from leadintake.core.errors import (
    PAGE_SENTENCES,
    SENTENCES,
    BadRequest,
    UnprocessableContent,
    UnsupportedMediaType,
    wants_html,
)
from leadintake.core.http.access import allow_anonymous
from leadintake.core.http.api import api, respond
from leadintake.core.http.limits import client_limit_key, limit
from leadintake.core.i18n.languages import N_, Language, current_language
from leadintake.leads import disclaimers
from leadintake.leads.fields import form_schema
from leadintake.leads.intake import corrections
from leadintake.leads.intake.form import IntakeForm
from leadintake.leads.intake.schemas import Receipt
from leadintake.leads.intake.service import Submission, intake
from leadintake.leads.reference import LeadKey

bp = Blueprint("leads", __name__, url_prefix="/leads")

SUBMISSIONS = measures.Counter("leadintake_submissions", "Submissions by result", "result")
TEXT = {"type": "string"}
OWN_FIELDS = {
    "one_name": {**TEXT, "description": "`1`: has only one name; `last_name` may be missing, and is `-`."},
    "submission_id": {**TEXT, "maxLength": 255},
    "opened": {**TEXT, "description": "When the form was opened, sealed by the page."},
    "altcha": {**TEXT, "description": "A solved challenge of GET /public/challenge, base64 of its JSON."},
    "disclaimer": {**TEXT, "description": "The version of the disclaimer that the sender was shown."},
}
"""Fields that leads/fields.py does not declare."""


def describe_form(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of the form with these settings."""
    required, declared = form_schema(settings)
    return {
        "type": "object",
        "required": [*required, "resume_file"],
        "properties": {**declared, "resume_file": describe_file(settings), **OWN_FIELDS},
    }


def describe_file(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of the file."""
    kinds = "PDF, DOC, DOCX, ODT, RTF or TXT" + (", JPEG or PNG" if settings["ACCEPT_PHOTOS"] else "")
    return {**TEXT, "format": "binary", "description": f"{kinds}; its content is what its name says."}


class PageQuery(msgspec.Struct):
    """Language of the response, by default the one that Accept-Language prefers; `embed`: for a frame."""

    lang: Language | None = None
    embed: Literal["1"] | None = None


@bp.post("")
@allow_anonymous
@api(
    {201: Receipt, 303: None},
    query=PageQuery,
    form=describe_form,
    headers=("Idempotency-Key", "Accept-Language"),
    refuses=(409, 413, 429),
)
def submit(query: PageQuery) -> AnyResponse:  # noqa: ARG001 - pages and languages have read it already
    """Receive a prospect's form and file. When the answer is 201 or 303, all of it is durable."""
    limit("RATE_LIMIT_SUBMISSIONS", key=client_limit_key())
    _refuse_other_bodies()
    form = IntakeForm()
    if not form.validate_all():
        return _refuse(form)
    try:
        lead, replayed = intake.submit(_submission(form), form.resume_file.data.stream)
    except UnprocessableContent as refusal:
        form.add_errors(refusal.errors or {})
        return _refuse(form)
    headers = {"Idempotency-Replayed": "true"} if replayed else {}
    if wants_html() or form.opened.data:  # by our own page, whose script goes there
        headers["Location"] = _build_thanks_address(lead.reference or lead.id)
    if wants_html():
        response: AnyResponse = redirect(headers["Location"], 303)
        response.headers.update(headers)
        return response
    return respond(Receipt.of(lead, email=form.email.data), 201, headers)


def count_results(app: Flask) -> None:
    """Count each submission once its response is final."""
    request_finished.connect(_count, app)


def _count(app: Flask, response: Response, **_: Any) -> None:
    if request.endpoint == "public.leads.submit" and request.method == "POST":
        SUBMISSIONS.count(_result(response), slots=measures.slots_of(app))


def _result(response: Response) -> str:
    if response.status_code >= 500:
        return "unavailable"
    if response.status_code >= 400:
        return "limited" if response.status_code == 429 else "refused"
    return "replayed" if "Idempotency-Replayed" in response.headers else "accepted"


def _refuse_other_bodies() -> None:
    if request.mimetype != "multipart/form-data" or request.content_encoding:
        raise UnsupportedMediaType(
            N_("Send the form as multipart/form-data, not compressed."), page=PAGE_SENTENCES[415]
        )
    if not request.mimetype_params.get("boundary"):
        raise BadRequest(N_("The multipart body names no boundary."), page=SENTENCES[400])


def _build_thanks_address(key: LeadKey | str) -> str:
    return url_for("site.thanks", reference=key, signature=corrections.sign(key))


def _submission(form: IntakeForm) -> Submission:
    assert form.verdict is not None  # noqa: S101 - a valid form has one
    language = current_language()
    return Submission(
        values=form.values(),
        resume=form.verdict,
        key=form.submission_id.data or None,
        page_language=language,
        default_language=form.find_default_language(language),
        disclaimer=request.form.get("disclaimer", ""),
        signals=form.read_signals(),
    )


def _refuse(form: IntakeForm) -> Response:
    if wants_html():
        if form.submission_id.errors or not form.submission_id.data:
            form.submission_id.data = str(new_id())  # the sender cannot correct a hidden field
        form.translate()
        page = render_template("intake.html", form=form, disclaimer=disclaimers.render_current())
        return make_response(page, 413 if form.too_large else 422)
    raise form.build_refusal()
