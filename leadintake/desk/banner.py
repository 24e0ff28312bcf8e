"""Banner with the watchdog's problems, for users who manage messages."""

from __future__ import annotations

from typing import NamedTuple

from flask import Flask, url_for

from leadintake.core import alarms
from leadintake.core.alarms import Problem
from leadintake.core.i18n.languages import N_, _
from leadintake.desk.words import moment

PAGES = {
    "desk.messages.show": N_("See the messages"),
    "desk.queue.show": N_("See the leads"),
    "desk.quarantine.show": N_("Open the quarantine"),
}
"""Pages that help with a problem."""


class Line(NamedTuple):
    """A problem."""

    sentence: str
    advice: str
    role: str
    """ARIA role: alert interrupts a screen reader, status does not."""
    page: str
    link: str


def init_app(app: Flask) -> None:
    """Register `lines` for templates."""
    app.jinja_env.globals["lines_of_banner"] = lines


def lines() -> list[Line]:
    """Return current problems, critical ones first."""
    wrong = sorted(alarms.recent_problems().values(), key=lambda problem: problem.severity != "critical")
    return [_line(problem) for problem in wrong]


def _line(problem: Problem) -> Line:
    link = PAGES.get(problem.page, "")
    return Line(
        _(problem.sentence, **problem.format_values(moment)),
        _(problem.advice),
        "alert" if problem.severity == "critical" else "status",
        url_for(problem.page) if link else "",
        _(link),
    )
