"""The public door: POST /public/leads."""

from __future__ import annotations

from typing import Any

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
from leadintake.core.access import anyone
from leadintake.core.api import respond, speaks
from leadintake.core.errors import Invalid, Malformed, Refusal, WrongKind, wants_html
from leadintake.core.languages import Language, phrase, spoken
from leadintake.core.limits import client_counted, limit
from leadintake.core.types import new_id
from leadintake.leads import disclaimers
from leadintake.leads.forms import IntakeForm
from leadintake.leads.intake import Submission, intake
from leadintake.leads.schemas import Receipt

bp = Blueprint("leads", __name__, url_prefix="/leads")

SUBMISSIONS = measures.Counter("leadintake_submissions", "Submissions by result", "result")
TEXT = {"type": "string"}
FORM = {
    "type": "object",
    "required": ["first_name", "last_name", "email", "resume_file"],
    "properties": {
        "first_name": {**TEXT, "minLength": 1, "maxLength": 100},
        "last_name": {**TEXT, "minLength": 1, "maxLength": 100},
        "email": {**TEXT, "format": "email", "maxLength": 254},
        "resume_file": {**TEXT, "format": "binary"},
        "practice_area": TEXT,
        "language": TEXT,
        "submission_id": {**TEXT, "maxLength": 255},
        "opened": {**TEXT, "description": "When the form was opened, sealed by the page."},
        "altcha": {**TEXT, "description": "A solved challenge of GET /public/challenge, base64 of its JSON."},
        "disclaimer": {**TEXT, "description": "The version of the disclaimer that the sender was shown."},
    },
}


class Speaking(msgspec.Struct):
    """Which language to answer in; without it, the one that Accept-Language prefers."""

    lang: Language | None = None


class FileTooLarge(Refusal):
    """The file is over MAX_UPLOAD_BYTES."""

    status = 413
    title = "Request Entity Too Large"


@bp.post("")
@anyone
@speaks(
    {201: Receipt, 303: None},
    query=Speaking,
    form=FORM,
    headers=("Idempotency-Key", "Accept-Language"),
    refuses=(409, 413, 429),
)
def submit(query: Speaking) -> AnyResponse:  # noqa: ARG001 - core.languages has read it already
    """Receive a prospect's form and file. When the answer is 201 or 303, all of it is durable."""
    limit("RATE_LIMIT_SUBMISSIONS", who=client_counted())
    _refuse_other_bodies()
    form = IntakeForm()
    if not form.judged():
        return _refuse(form)
    try:
        lead, replayed = intake.submit(_submission(form), form.resume_file.data.stream)
    except Invalid as refusal:
        form.blame(refusal.errors or {})
        return _refuse(form)
    headers = {"Idempotency-Replayed": "true"} if replayed else {}
    if wants_html():
        response: AnyResponse = redirect(url_for("pages.thanks", reference=lead.reference or lead.id), 303)
        response.headers.update(headers)
        return response
    return respond(Receipt.of(lead), 201, headers)


def count_results(app: Flask) -> None:
    """Count every submission once its answer is final."""
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
        raise WrongKind(phrase("Send the form as multipart/form-data, not compressed."))
    if not request.mimetype_params.get("boundary"):
        raise Malformed(phrase("The multipart body names no boundary."))


def _submission(form: IntakeForm) -> Submission:
    assert form.verdict is not None  # noqa: S101 - a valid form has one
    return Submission(
        first_name=form.first_name.data or "",
        last_name=form.last_name.data or "",
        email=form.email.data or "",
        practice_area=form.practice_area.data or None,
        language=form.language.data or None,
        resume=form.verdict,
        key=form.submission_id.data or None,
        spoken=spoken(),
        disclaimer=request.form.get("disclaimer", ""),
        signs=form.signs(),
    )


def _refuse(form: IntakeForm) -> Response:
    errors = {name: [str(reason) for reason in reasons] for name, reasons in form.errors.items()}
    if wants_html():
        if form.submission_id.errors or not form.submission_id.data:
            form.submission_id.data = str(new_id())  # nobody can mend a hidden field
        page = render_template("intake.html", form=form, disclaimer=disclaimers.shown())
        return make_response(page, 413 if form.too_large else 422)
    if form.too_large and len(errors) == 1:
        raise FileTooLarge(errors["resume_file"][0], errors=errors)
    raise Invalid(errors)
