"""Floor 5: the attorneys' pages, over the services and the guard of the JSON routes."""

from __future__ import annotations

from flask import Flask

from leadintake.auth.actor import current_actor
from leadintake.desk import banner, details, words
from leadintake.desk.absences import bp as absences
from leadintake.desk.account import bp as account
from leadintake.desk.bulk import bp as bulk
from leadintake.desk.contacts import bp as contacts
from leadintake.desk.deleted import bp as deleted
from leadintake.desk.explanation import bp as explanation
from leadintake.desk.finishing import bp as finishing
from leadintake.desk.lead import bp as lead
from leadintake.desk.messages import bp as messages
from leadintake.desk.new_lead import bp as new_lead
from leadintake.desk.notes import bp as notes
from leadintake.desk.people import bp as people
from leadintake.desk.proof import bp as proof
from leadintake.desk.quarantine import bp as quarantine
from leadintake.desk.queue import bp as queue
from leadintake.desk.replies import bp as replies
from leadintake.desk.reply_templates import bp as reply_templates
from leadintake.desk.report import bp as report
from leadintake.desk.resume import bp as resume
from leadintake.desk.screens import bp as screens
from leadintake.desk.sign_in import bp as signing_in
from leadintake.desk.views import bp as views
from leadintake.desk.work import bp as work
from leadintake.leads.fields import full_name
from leadintake.leads.quarantine.service import quarantine as looked_after
from leadintake.leads.status import is_reached
from leadintake.leads.tags import service as tags

ROOMS = (
    signing_in,
    finishing,
    account,
    queue,
    new_lead,
    bulk,
    lead,
    notes,
    contacts,
    work,
    resume,
    replies,
    reply_templates,
    screens,
    explanation,
    proof,
    deleted,
    absences,
    quarantine,
    messages,
    report,
    people,
    views,
)


def init_app(app: Flask) -> None:
    """Register helpers of templates. blueprints.py mounts the pages behind the guard."""
    words.init_app(app)
    details.init_app(app)
    banner.init_app(app)
    app.jinja_env.tests["reached"] = is_reached
    app.jinja_env.globals["full_name"] = full_name
    app.jinja_env.globals["suggested_tags"] = lambda: tags.suggest(reader=current_actor())
    app.jinja_env.globals["in_quarantine"] = lambda: looked_after.count(reader=current_actor())
