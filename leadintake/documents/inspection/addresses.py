"""Where an address in a document leads, whatever program wrote it and however it is spelled."""

from __future__ import annotations

import re
from enum import Enum, auto
from urllib.parse import unquote

from .harm import Harm


class Place(Enum):
    """Where an address leads."""

    INSIDE = auto()  # the document itself: a part, a bookmark, a picture of a mail (cid:)
    OWN_DISK = auto()  # the writer's own disk
    WEB = auto()
    CONTACT = auto()  # mail, telephone
    OTHER_MACHINE = auto()
    PROGRAM = auto()  # a program of the system or of the office suite
    UNUSUAL = auto()


FETCHED = {
    Place.INSIDE: Harm.UNFETCHED,
    Place.OWN_DISK: Harm.OWN_DISK,
    Place.WEB: Harm.WEB_PICTURE,
    Place.CONTACT: Harm.UNUSUAL_LINK,
    Place.OTHER_MACHINE: Harm.OTHER_MACHINE,
    Place.PROGRAM: Harm.PROGRAM,
    Place.UNUSUAL: Harm.OTHER_MACHINE,
}
"""What it is when opening the document fetches it, as a picture; objects and templates are DATA_LINK."""
CLICKED = {
    Place.INSIDE: Harm.LINK,
    Place.OWN_DISK: Harm.OWN_DISK,
    Place.WEB: Harm.LINK,
    Place.CONTACT: Harm.LINK,
    Place.OTHER_MACHINE: Harm.LINK_TO_MACHINE,
    Place.PROGRAM: Harm.LINK_TO_PROGRAM,
    Place.UNUSUAL: Harm.UNUSUAL_LINK,
}
"""What it is when only a click follows it."""

LONGEST = 4096
"""Characters of an address that are looked at; a longer one is UNUSUAL."""
UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u2064\u2066-\u2069\ufeff]")
SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)  # of one letter it is a drive
WEB = {"http", "https", "ftp", "ftps"}
CONTACTS = {"mailto", "tel", "sms", "callto", "facetime", "sip", "skype", "whatsapp", "cid"}
PROGRAMS = re.compile(
    r"ms-.*|search(-ms)?|shell|macro|script|javascript|vbscript|service|slot|\.?uno|vnd\.sun\.star\..*"
    r"|vnd\.libreoffice\..*|hcp|ldap|mk|mhtml|res|about|view-source|jar",
    re.IGNORECASE,
)
HOST_OF_FILE = re.compile(r"file:/*", re.IGNORECASE)
LOCAL_HOSTS = {"", "localhost", "127.0.0.1", "."}


def place_of(address: str) -> Place:
    """Say where an address leads. Linear in its length, which is cut."""
    if len(address) > LONGEST:
        return Place.UNUSUAL
    path = UNSEEN.sub("", unquote(address)).replace("\\", "/")
    if path.startswith("//"):
        return Place.OTHER_MACHINE
    found = SCHEME.match(path)
    if found is None:
        return Place.INSIDE if not re.match(r"[a-z]:|/", path, re.IGNORECASE) else Place.OWN_DISK
    scheme = found[1].lower()
    if scheme == "file":
        return _place_of_file(path[found.end() :])
    if scheme in WEB:
        return Place.WEB
    if scheme in CONTACTS:
        return Place.CONTACT
    return Place.PROGRAM if PROGRAMS.fullmatch(scheme) else Place.UNUSUAL


def _place_of_file(rest: str) -> Place:
    """file:///C:/…, file:////Users/… (Word for Mac), file://localhost/…; file://host/… is another machine."""
    slashes = len(rest) - len(rest.lstrip("/"))
    path = rest[slashes:]
    if re.match(
        r"[a-z][:|]/|(users|private|var|home|tmp|applications|library|volumes)/", path, re.IGNORECASE
    ):
        return Place.OWN_DISK
    if slashes == 2:
        return Place.OWN_DISK if path.partition("/")[0].lower() in LOCAL_HOSTS else Place.OTHER_MACHINE
    return Place.OTHER_MACHINE if slashes > 3 else Place.OWN_DISK
