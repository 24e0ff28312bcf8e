"""Pages for prospects."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from leadintake.core.db.types import new_id
from leadintake.core.http.access import allow_anonymous, without_database
from leadintake.core.http.compression import compressed
from leadintake.core.http.limits import client_limit_key, limit
from leadintake.leads import disclaimers
from leadintake.leads.intake import spam
from leadintake.leads.intake.corrections import NotSigned, corrections, require_signature
from leadintake.leads.intake.form import EmailForm, IntakeForm
from leadintake.leads.intake.suggestions import suggest
from leadintake.leads.reference import LeadKey
from leadintake.notifications.mailboxes import mailboxes
from leadintake.site import assets

bp = Blueprint("site", __name__, template_folder="templates")


@bp.get("/static/<name>")
@allow_anonymous
@without_database
def static(name: str) -> Response:
    """Send a style sheet, a script or the logo."""
    return assets.serve(name)


@bp.get("/embed.js")
@allow_anonymous
@without_database
def embedder() -> Response:
    """Send the script that puts the form on the firm's own page."""
    return assets.serve_embedder()


@bp.get("/")
@allow_anonymous
@compressed
def intake() -> Response:
    """Show the form, with a new submission_id: two clicks make one lead.

    Browsers keep the page for Back, as they do with `no-cache` (RFC 9111, 4.2.4 and 6), so that what is sent
    again from there without a script is the same submission.
    """
    form = IntakeForm()
    form.translate()
    form.choose(_read_choices())
    form.submission_id.data = str(new_id())
    form.opened.data = spam.seal_opening_time()
    page = render_template("intake.html", form=form, disclaimer=disclaimers.render_current())
    response = _respond_uncached(page)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@bp.post("/")
@allow_anonymous
def switch_language() -> Response:
    """Show the form in another language (`?lang=`), with everything typed. Nothing is stored.

    The buttons of the form send texts alone: a file cannot be shown again.
    """
    form = IntakeForm()
    form.translate()
    return _respond_uncached(
        render_template("intake.html", form=form, disclaimer=disclaimers.render_current())
    )


@bp.get("/thanks/<lead:reference>", defaults={"signature": ""})
@bp.get("/thanks/<lead:reference>/<signature>")
@allow_anonymous
@compressed
def thanks(reference: LeadKey, signature: str) -> Response:
    """Thank, and show the next step, the reference and, for an hour, the address."""
    require_signature(reference, signature)
    lead = corrections.find(reference)
    words: dict[str, object] = {"lead": lead, "reference": reference, "correction": ""}
    if lead is not None:
        words["corrected"] = corrections.count(lead) > 0
        if corrections.may_be_corrected(lead):
            words["correction"] = url_for("site.ask_to_correct", reference=reference, signature=signature)
            words["suggestion"] = suggest(lead.email or "")
    return _respond_uncached(render_template("thanks.html", **words))


@bp.get("/thanks/<lead:reference>/<signature>/email")
@allow_anonymous
def ask_to_correct(reference: LeadKey, signature: str) -> Response:
    """Ask for the right address; propose what the typed one may have meant."""
    require_signature(reference, signature)
    lead = corrections.require(reference)
    form = EmailForm(formdata=None, email=suggest(lead.email or "") or lead.email)
    return _respond_uncached(render_template("correct.html", form=form, lead=lead))


@bp.post("/thanks/<lead:reference>/<signature>/email")
@allow_anonymous
def correct_email(reference: LeadKey, signature: str) -> AnyResponse:
    """Correct the address. It counts as a submission from here."""
    require_signature(reference, signature)
    limit("RATE_LIMIT_SUBMISSIONS", key=client_limit_key())
    form = EmailForm()
    if not form.validate():
        page = render_template("correct.html", form=form, lead=corrections.require(reference))
        return _respond_uncached(page, 422)
    corrections.correct_email(reference, form.email.data)
    return redirect(url_for("site.thanks", reference=reference, signature=signature), 303)


@bp.errorhandler(NotSigned)
def claim_nothing(_refusal: NotSigned) -> Response:
    """Show a page that claims nothing to whoever lacks the signature."""
    return _respond_uncached(render_template("unknown.html"), 404)


@bp.get("/unsubscribe/<uuid:message_id>")
@allow_anonymous
def ask_to_unsubscribe(message_id: uuid.UUID) -> Response:
    """Ask for confirmation. GET changes nothing: mail programs open links, too."""
    mailboxes.find_recipient(message_id)
    return _respond_uncached(render_template("unsubscribe.html", done=False))


@bp.post("/unsubscribe/<uuid:message_id>")
@allow_anonymous
def unsubscribe(message_id: uuid.UUID) -> Response:
    """Suppress the recipient's mailbox. Mail programs post here, too (RFC 8058)."""
    mailboxes.suppress(mailboxes.find_recipient(message_id))
    return _respond_uncached(render_template("unsubscribe.html", done=True))


def _read_choices() -> Mapping[str, str]:
    try:
        return request.args
    except HTTPException:
        return {}  # an address that cannot be read still shows the form


def _respond_uncached(page: str, status: int = 200) -> Response:
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response
