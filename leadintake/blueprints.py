"""The parent blueprints of all routes of the firm: `public` is open, `internal` and `desk` are guarded."""

from __future__ import annotations

from flask import Blueprint, Flask

from leadintake.assignment.api import bp as absences
from leadintake.audit.api import bp as trail
from leadintake.auth.guard import SignInFirst, StaleToken, guard
from leadintake.auth.mfa.factors import SecondFactorRequired
from leadintake.auth.passkeys.api import bp as passkeys
from leadintake.auth.people.account import bp as account
from leadintake.auth.people.api import bp as users
from leadintake.auth.sign_in.api import bp as session
from leadintake.auth.sso.api import bp as sso
from leadintake.core.http import headers
from leadintake.desk import ROOMS as PAGES
from leadintake.desk import entry
from leadintake.leads.api import bp as internal_leads
from leadintake.leads.bulk.api import bp as bulk
from leadintake.leads.contacts.api import bp as contacts
from leadintake.leads.entry.api import bp as entered_leads
from leadintake.leads.files import bp as lead_files
from leadintake.leads.follow_ups.api import bp as follow_ups
from leadintake.leads.intake.api import bp as public_leads
from leadintake.leads.intake.challenge import bp as challenge
from leadintake.leads.notes.api import bp as notes
from leadintake.leads.outcomes.api import bp as outcomes
from leadintake.leads.proof.api import bp as proof
from leadintake.leads.quarantine.api import bp as quarantine
from leadintake.leads.replies.api import bp as replies
from leadintake.leads.replies.api import templates_bp as reply_templates
from leadintake.leads.reports.api import bp as report
from leadintake.leads.screens.api import bp as screens
from leadintake.leads.tags.api import bp as tags
from leadintake.notifications.api import bp as outbox

public = Blueprint("public", __name__, url_prefix="/public")
internal = Blueprint("internal", __name__, url_prefix="/internal")
desk = Blueprint("desk", "leadintake.desk", url_prefix="/desk", template_folder="templates")
"""Pages with the functions of `internal`, behind the same guard."""

public.register_blueprint(public_leads)
public.register_blueprint(challenge)
for room in (
    session, account, passkeys, sso, users, absences, internal_leads, entered_leads, bulk, lead_files, notes,
    contacts, replies, reply_templates, outcomes, follow_ups, tags, proof, screens, quarantine, report,
    outbox, trail,
):  # fmt: skip
    internal.register_blueprint(room)

for pages in PAGES:
    desk.register_blueprint(pages)

public.after_request(headers.allow_embedders)
internal.before_request(guard)
desk.before_request(guard)
desk.register_error_handler(SignInFirst, entry.redirect_to_sign_in)
desk.register_error_handler(StaleToken, entry.redirect_to_sign_in)
desk.register_error_handler(SecondFactorRequired, entry.redirect_to_factor_setup)


def init_app(app: Flask) -> None:
    """Register the parents with all their routes."""
    app.register_blueprint(public)
    app.register_blueprint(internal)
    app.register_blueprint(desk)
