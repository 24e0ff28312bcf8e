"""What the watchdog tells operators, in words over every page of those who look after messages."""

from __future__ import annotations

from typing import NamedTuple

from flask import Flask, url_for

from leadintake.core import alarms
from leadintake.core.alarms import Problem
from leadintake.core.languages import phrase, said
from leadintake.pages.desk.words import moment

PAGES = {
    "desk.messages.show": phrase("See the messages"),
    "desk.queue.show": phrase("See the leads"),
    "desk.quarantine.show": phrase("Open the quarantine"),
}
"""Where one can act."""


class Line(NamedTuple):
    """One problem on the page."""

    sentence: str
    advice: str
    role: str
    """How a screen reader tells it: an alert at once, a status when there is time."""
    page: str
    link: str


def init_app(app: Flask) -> None:
    """Give the templates the lines."""
    app.jinja_env.globals["lines_of_banner"] = lines


def lines() -> list[Line]:
    """What is wrong now, the worst first."""
    wrong = sorted(alarms.wrong().values(), key=lambda problem: problem.severity != "critical")
    return [_line(problem) for problem in wrong]


def _line(problem: Problem) -> Line:
    link = PAGES.get(problem.page, "")
    return Line(
        said(problem.sentence, **problem.filled(moment)),
        said(problem.advice),
        "alert" if problem.severity == "critical" else "status",
        url_for(problem.page) if link else "",
        said(link),
    )
