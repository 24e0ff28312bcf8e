"""Harms of documents and their effects, as tabled in docs/security.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .findings import Flag, Refused
from .sentences import (
    ADD_IN,
    CONTROLS,
    EQUATION,
    FETCHES,
    LINK_TO_MACHINE,
    LINK_TO_PROGRAM,
    LOCKED,
    MACROS,
    MAIL_MERGE,
    OTHER_FORMAT,
    PACKED,
    PROGRAM,
    SUBDOCUMENT,
    TEMPLATE,
    TOO_MUCH,
)


class Harm(StrEnum):
    """Something a document does or contains, worded as in docs/security.md."""

    PROGRAM = "starts or carries a program"
    PACKED_FILE = "carries another file that opens by itself or behind an icon"
    MACROS = "macros with code"
    CONTROL = "a form control that runs code"
    ADD_IN = "an add-in that shows itself"
    DATA_LINK = "DDE, a linked object, or a field that fetches"
    TEMPLATE = "a template on another machine"
    MAIL_MERGE = "a mail merge"
    SUBDOCUMENT = "a subdocument"
    OTHER_MACHINE = "an address on another machine that is fetched by itself"
    OTHER_FORMAT = "embedded HTML or script"
    EQUATION = "an equation object"
    LINK_TO_PROGRAM = "a link that starts a program of the system or of the office suite"
    LINK_TO_MACHINE = "a link that opens a file of another machine"
    PASSWORD = "a password is needed to read it"  # noqa: S105 - a row's name
    WEB_PICTURE = "a picture fetched from the web at opening"
    JAVASCRIPT = "JavaScript in a PDF"
    ACTION = "an action to the web, or data from an address, in a PDF"
    MEDIA = "films, sounds or 3D in a PDF"
    ATTACHMENT = "files attached to a PDF"
    UNUSUAL_LINK = "a link with another unusual scheme"
    PASTED_OBJECT = "an object that is a pasted bitmap, or content of an office suite"
    UNREAD = "text that could not be read in order"
    OWN_DISK = "an address on the writer's own disk"
    LINK = "a link to the web, mail or telephone"
    EMPTY_MACROS = "an empty macro project"
    UNFETCHED = "an address on an attribute that nothing fetches"


@dataclass(frozen=True)
class Effect:
    """Refuse with `sentence`, accept with warning `flag`, or just accept."""

    sentence: str = ""
    flag: Flag | None = None


KEEP = Effect()
TABLE = {
    Harm.PROGRAM: Effect(PROGRAM),
    Harm.PACKED_FILE: Effect(PACKED),
    Harm.MACROS: Effect(MACROS),
    Harm.CONTROL: Effect(CONTROLS),
    Harm.ADD_IN: Effect(ADD_IN),
    Harm.DATA_LINK: Effect(FETCHES),
    Harm.TEMPLATE: Effect(TEMPLATE),
    Harm.MAIL_MERGE: Effect(MAIL_MERGE),
    Harm.SUBDOCUMENT: Effect(SUBDOCUMENT),
    Harm.OTHER_MACHINE: Effect(FETCHES),
    Harm.OTHER_FORMAT: Effect(OTHER_FORMAT),
    Harm.EQUATION: Effect(EQUATION),
    Harm.LINK_TO_PROGRAM: Effect(LINK_TO_PROGRAM),
    Harm.LINK_TO_MACHINE: Effect(LINK_TO_MACHINE),
    Harm.PASSWORD: Effect(LOCKED),
    Harm.WEB_PICTURE: Effect(flag=Flag.REACHES_OUT),
    Harm.JAVASCRIPT: Effect(flag=Flag.JAVASCRIPT),
    Harm.ACTION: Effect(flag=Flag.REACHES_OUT),
    Harm.MEDIA: Effect(flag=Flag.MEDIA),
    Harm.ATTACHMENT: Effect(flag=Flag.EMBEDDED),
    Harm.UNUSUAL_LINK: Effect(flag=Flag.UNUSUAL_LINK),
    Harm.PASTED_OBJECT: Effect(flag=Flag.EMBEDDED),
    Harm.UNREAD: Effect(flag=Flag.UNREAD),
    Harm.OWN_DISK: KEEP,
    Harm.LINK: KEEP,
    Harm.EMPTY_MACROS: KEEP,
    Harm.UNFETCHED: KEEP,
}


UNITS = 100_000
"""Units of work per document, embedded objects included. A field takes some ten.

A long resume has some hundred fields and links; a book with five thousand fits.
"""


@dataclass
class Findings:
    """Flags of a document, and units of work left."""

    flags: set[Flag] = field(default_factory=set)
    units: int = UNITS

    def add(self, harm: Harm) -> None:
        """Raise Refused or record a flag, as TABLE says."""
        effect = TABLE[harm]
        if effect.sentence:
            raise Refused(effect.sentence)
        if effect.flag:
            self.flags.add(effect.flag)

    def spend(self, units: int) -> None:
        """Spend units. Raises Refused when they are used up."""
        self.units -= units
        if self.units < 0:
            raise Refused(TOO_MUCH)
