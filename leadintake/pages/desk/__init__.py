"""The attorneys' desk: pages over the verbs that the JSON routes use. Who may enter is the guard's to say."""

from __future__ import annotations

from flask import Flask
from flask_login import current_user

from leadintake.leads.quarantine import quarantine as looked_after
from leadintake.pages.desk import banner, words
from leadintake.pages.desk.absences import bp as absences
from leadintake.pages.desk.account import bp as account
from leadintake.pages.desk.lead import bp as lead
from leadintake.pages.desk.messages import bp as messages
from leadintake.pages.desk.people import bp as people
from leadintake.pages.desk.quarantine import bp as quarantine
from leadintake.pages.desk.queue import bp as queue
from leadintake.pages.desk.report import bp as report
from leadintake.pages.desk.signing_in import bp as signing_in

ROOMS = (signing_in, account, queue, lead, absences, quarantine, messages, report, people)


def init_app(app: Flask) -> None:
    """Wire the pages; blueprints.py mounts them behind the guard."""
    words.init_app(app)
    banner.init_app(app)
    app.jinja_env.globals["in_quarantine"] = lambda: looked_after.count(seen_by=current_user)
