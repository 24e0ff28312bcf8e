"""Details of the history, which are for programs, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask

from leadintake.desk.words import CHANNELS, CONTACT_OUTCOMES, OUTCOMES, moment

CODES: Mapping[str, tuple[Mapping[Any, str], ...]] = {
    "outcome_set": (OUTCOMES,),
    "outcome_removed": (OUTCOMES,),
    "contacted": (CHANNELS, CONTACT_OUTCOMES),
}
"""What the parts of a detail stand for, by action. What comes after them is text of a person."""
TIME = "%Y-%m-%d %H:%M UTC"


def init_app(app: Flask) -> None:
    """Register the function for templates."""
    app.jinja_env.globals["describe_detail"] = describe_detail


def describe_detail(action: str, detail: str) -> str:
    """Return the detail of an entry in the words of the pages, its time in the reader's zone."""
    if action == "follow_up_set":
        return _describe_time(detail)
    choices = CODES.get(action, ())
    parts = detail.split(": ", len(choices)) if choices else [detail]
    words = [choice.get(part, part) for choice, part in zip(choices, parts, strict=False)]
    return ": ".join([*words, *parts[len(choices) :]])


def _describe_time(detail: str) -> str:
    time, colon, note = detail.partition(": ")
    try:
        at = datetime.strptime(time, TIME).replace(tzinfo=UTC)
    except ValueError:
        return detail
    return f"{moment(at)}{colon}{note}"
