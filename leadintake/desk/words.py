"""Times, sizes, actions and states in words."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from flask import Flask
from flask_login import current_user

from leadintake.core.clock import firm_zone, is_zone, now
from leadintake.leads.conversation import ContactChannel, ContactOutcome
from leadintake.leads.status import LeadStatus, Outcome, Source
from leadintake.notifications.messages import SUBJECTS
from leadintake.notifications.models import Status

LOCALE = "en"
"""Only pages for prospects are translated."""
STATES = {LeadStatus.PENDING: "Waiting", LeadStatus.REACHED_OUT: "Reached out"}
OUTCOMES = {
    Outcome.HIRED: "Hired",
    Outcome.NOT_OUR_FIELD: "Not our field",
    Outcome.CONFLICT: "Conflict of interest",
    Outcome.NO_CAPACITY: "No capacity",
    Outcome.NOT_REACHED: "Not reached",
    Outcome.WITHDREW: "Withdrew",
    Outcome.OTHER: "Other",
}
SOURCES = {Source.FORM: "The form", Source.STAFF: "Entered by staff", Source.IMPORT: "Imported"}
DELIVERIES = {
    Status.QUEUED: "waits to be sent",
    Status.SENDING: "is being sent",
    Status.SENT: "sent",
    Status.FAILED: "failed",
}
CHANNELS = {
    ContactChannel.PHONE: "Phone",
    ContactChannel.EMAIL: "E-mail",
    ContactChannel.MEETING: "Meeting",
    ContactChannel.OTHER: "Other",
}
CONTACT_OUTCOMES = {
    ContactOutcome.SPOKE: "Spoke with them",
    ContactOutcome.LEFT_MESSAGE: "Left a message",
    ContactOutcome.NO_ANSWER: "No answer",
}
SOON = {"tomorrow": "Tomorrow 9:00", "three_days": "In 3 days", "monday": "Next Monday"}
"""Next steps to choose with one press."""
KINDS = {"notes": "Notes", "contacts": "Contacts", "mails": "Mails", "changes": "Changes"}
"""Of the entries of a lead's timeline."""
ACTS = {
    "submitted": "submitted the form",
    "entered": "entered the lead",
    "assigned": "assigned the lead",
    "left_unassigned": "could not assign the lead",
    "reached_out": "reached out",
    "reopened": "reopened the lead",
    "contacted": "recorded a contact",
    "noted": "wrote a note",
    "note_changed": "changed a note",
    "note_deleted": "deleted a note",
    "replied": "wrote to the prospect",
    "reply_taken_back": "took a reply back",
    "declined": "declined the lead",
    "outcome_set": "set the outcome",
    "outcome_removed": "took the outcome back",
    "follow_up_set": "set the next step",
    "follow_up_removed": "took the next step back",
    "tagged": "changed the tags",
    "deleted": "deleted the lead",
    "restored": "restored the lead",
    "flagged": "flagged the file",
    "screened": "added a screen",
    "screen_lifted": "lifted a screen",
    "message_failed": "could not deliver a message",
    "email_corrected": "corrected the e-mail address",
    "email_refused": "found that the e-mail address does not work",
    "not_confirmed": "sent no confirmation",
    "quarantined": "put the lead in quarantine",
    "released": "released the lead from quarantine",
    "discarded": "discarded the lead",
}
CAUSES = {
    "arrival": "It came",
    "handed_back": "Its attorney left, or went away",
    "declined": "It was declined",
    "screened": "It was hidden from its attorney",
    "waited": "It waited for an attorney",
    "released": "It was released from quarantine",
    "manual": "A person decided",
}
"""Of a decision about who has a lead."""


def init_app(app: Flask) -> None:
    """Register texts and filters for templates."""
    app.jinja_env.filters.update(
        ago=ago,
        day=day,
        moment=moment,
        exact=exact,
        local=local,
        iso=iso,
        duration=duration,
        weight=weight,
        title_of=title_of,
        language_name=language_name,
    )
    # For the desk's pages only: error pages must not query the database.
    app.jinja_env.globals.update(
        current_user=current_user, STATES=STATES, DELIVERIES=DELIVERIES, ACTS=ACTS, now=now
    )
    app.jinja_env.globals.update(CHANNELS=CHANNELS, CONTACT_OUTCOMES=CONTACT_OUTCOMES, KINDS=KINDS)
    app.jinja_env.globals.update(OUTCOMES=OUTCOMES, reader_zone=reader_zone, SOON=SOON)


def ago(instant: datetime) -> str:
    """Return `3 hours ago`."""
    passed = now() - instant
    if passed < timedelta(minutes=1):
        return "just now"
    return format_timedelta(-passed, add_direction=True, locale=LOCALE, threshold=1.2)


def moment(instant: datetime) -> str:
    """Return date and time in the reader's time zone."""
    return format_datetime(instant.astimezone(reader_zone()), "d MMM y, HH:mm", locale=LOCALE)


def exact(instant: datetime) -> str:
    """Return date and time to the second, with the name of the reader's time zone."""
    return format_datetime(instant.astimezone(reader_zone()), "d MMM y, HH:mm:ss z", locale=LOCALE)


def local(instant: datetime) -> str:
    """Return `2026-03-02T09:00` in the reader's time zone, for a field of type datetime-local."""
    return f"{instant.astimezone(reader_zone()):%Y-%m-%dT%H:%M}"


def reader_zone() -> ZoneInfo:
    """Return the time zone of who is signed in, else the firm's."""
    name = getattr(current_user, "timezone", None)
    return ZoneInfo(name) if name and is_zone(name) else firm_zone()


def day(local: date) -> str:
    """Return `28 Nov 2026`."""
    return format_date(local, "d MMM y", locale=LOCALE)


def iso(instant: datetime) -> str:
    """Return ISO 8601 for programs."""
    return instant.isoformat(timespec="seconds")


def duration(seconds: float) -> str:
    """Return `3 hours`."""
    return format_timedelta(timedelta(seconds=max(seconds, 1)), locale=LOCALE, threshold=1.2)


def weight(size: int) -> str:
    """Return a file size."""
    return f"{size / 1048576:.1f} MB" if size >= 1048576 else f"{max(1, round(size / 1024))} KB"


def language_name(code: str) -> str:
    """Return `Spanish` for `es`."""
    return Locale.parse(code).get_language_name(LOCALE) or code


def title_of(kind: str) -> str:
    """Return the title of a kind of message, in words also for one of a newer version."""
    return SUBJECTS.get(kind, kind.replace("_", " "))
