"""Where an address in a document leads, whatever program wrote it and however it is spelled.

An address is read as the most trusting reader would: Windows, which takes a backslash for a slash, leaves out
what nobody sees, and asks another machine for whatever begins with two slashes; Word, which decodes what is
encoded twice; LibreOffice, with its own schemes.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from urllib.parse import unquote

from .harm import Harm
from .programs import is_program


class Place(Enum):
    """Where an address leads."""

    INSIDE = auto()  # the document itself, or a name beside it: a part, a bookmark, a mail's picture (cid:)
    OWN_DISK = auto()  # the writer's own disk
    WEB = auto()
    FTP = auto()
    CONTACT = auto()  # mail, telephone
    OTHER_MACHINE = auto()
    PROGRAM = auto()  # a program of the system or of the office suite
    UNUSUAL = auto()


FETCHED = {
    Place.INSIDE: Harm.UNFETCHED,
    Place.OWN_DISK: Harm.OWN_DISK,
    Place.WEB: Harm.WEB_PICTURE,
    Place.FTP: Harm.OTHER_MACHINE,
    Place.CONTACT: Harm.UNFETCHED,
    Place.OTHER_MACHINE: Harm.OTHER_MACHINE,
    Place.PROGRAM: Harm.OTHER_MACHINE,
    Place.UNUSUAL: Harm.OTHER_MACHINE,
}
"""What it is when opening the document fetches a picture from there."""
LINKED = FETCHED | {Place.WEB: Harm.DATA_LINK}
"""The same for an object, a text or data."""


def _instead(reason: Harm) -> dict[Place, Harm]:
    elsewhere = {Harm.WEB_PICTURE, Harm.OTHER_MACHINE}
    return {place: reason if harm in elsewhere else harm for place, harm in FETCHED.items()}


TEMPLATES = _instead(Harm.TEMPLATE)
"""The same for the template that the document was made from."""
SUBDOCUMENTS = _instead(Harm.SUBDOCUMENT)
"""The same for a part of the text that is a file of its own."""
CLICKED = {
    Place.INSIDE: Harm.LINK,
    Place.OWN_DISK: Harm.OWN_DISK,
    Place.WEB: Harm.LINK,
    Place.FTP: Harm.LINK,
    Place.CONTACT: Harm.LINK,
    Place.OTHER_MACHINE: Harm.LINK_TO_MACHINE,
    Place.PROGRAM: Harm.LINK_TO_PROGRAM,
    Place.UNUSUAL: Harm.UNUSUAL_LINK,
}
"""What it is when only a click follows it."""

LONGEST = 4096
"""Characters of an address that are looked at: where it leads stands at its start."""
ROUNDS = 4  # of decoding; nobody's reader does more than two
UNSEEN = re.compile(
    "[\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]+"
)
# What Windows turns into a backslash, a slash, a bar or a colon where a program asks in an old code page.
TWINS = str.maketrans(
    "\u00a5\u20a9\uff3c\u2216\u29f5\ufe68\uff0f\u2044\u2215\uff5c\u00a6\uff1a", "\\" * 6 + "///||:"
)

SCHEME = re.compile(r"([a-z.][a-z0-9+._-]+):", re.IGNORECASE)  # of one letter it is a drive
PREFIX = re.compile(r"(?:url:|[<\"'])+", re.IGNORECASE)  # Windows passes over "URL:"
WEB = {"http", "https"}
FTP = {"ftp", "ftps"}
CONTACTS = {"mailto", "tel", "sms"}
INNER = re.compile(
    r"cid:|about:blank$|vnd\.sun\.star\.(?:package|graphicobject):(?!/*(?:[a-z]+:|/))|private:graphicrepository/"
    r"|data:image/(?!svg)[a-z.+-]+[;,]",
    re.IGNORECASE,
)
"""What is in the document or the suite itself: parts as LibreOffice names them while it runs, and bytes."""
MACHINES = re.compile(
    r"smb|cifs|(?:vnd\.sun\.star\.)?(?:web)?davs?|nfs|afp|sftp|scp|fish|rsync|unc|cmis|vnd\.libreoffice\.cmis",
    re.IGNORECASE,
)
PROGRAMS = re.compile(
    r"ms-.*|search(-ms)?|shell|(macro|script)s?|(java|vb|j|live|apple)script|service|slot|\.?uno|private"
    r"|vnd\.(sun\.star|libreoffice|openoffice)\..*|hcp|help|x-help.*|x-apple\..*|x-man-page|ldaps?|mk|its|mhtml|res"
    r"|view-source|jar|jnlps?|ssh|telnet|rlogin|tn3270|terminal|microsoft\.windows\..*",
    re.IGNORECASE,
)
DRIVE = re.compile(r"/*[a-z][:|](?=/|[^/:]*(?:/|$))", re.IGNORECASE)
MAC = re.compile(
    r"[^/:]+:(?:users|applications|library|private|system|volumes|documents|desktop)[^/:]*:", re.I
)
BACKSLASHES = re.compile(r"(?:url:|[<\"'])*file:(?=/*\\)[/\\]{2,}(?![/\\]|[a-z][:|])", re.IGNORECASE)
"""As only a path of Windows has them behind a scheme: file:/\\\\host\\share."""
ROOTS = re.compile(
    r"(?:users|private|var|volumes|applications|library|system|tmp|home|opt)(?:/|$)", re.IGNORECASE
)
"""Where files are on a Mac, which Word writes behind four slashes, and on Linux."""
AUTOMOUNTS = re.compile(r"/(?:net|afs|network/servers)/+[^/]", re.IGNORECASE)
"""Paths in which a Mac or Linux finds another machine by its name, as soon as they are opened."""
SERVERS = re.compile(r"%(?:logonserver|homeshare|clientname|userdnsdomain)%", re.IGNORECASE)
DEVICES = re.compile(r"(?://+[?.]|/\?\?)/+(.*)", re.DOTALL)  # \\?\C:\…, \\.\UNC\host\share, \??\UNC\…
PORT = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*:\d{1,5}(?:/|$)", re.IGNORECASE)


def place_of(address: str) -> Place:
    """Say where an address leads. Looks at no more than its first characters."""
    path = UNSEEN.sub("", address[: 4 * LONGEST])[:LONGEST]
    for _ in range(ROUNDS):
        decoded = UNSEEN.sub("", unquote(path))
        if decoded == path:
            break
        path = decoded
    if not path and len(address) > LONGEST:
        return Place.UNUSUAL
    path = path.translate(TWINS)
    if BACKSLASHES.match(path):
        return Place.OTHER_MACHINE
    path = path.replace("\\", "/")
    place = _place_of(path, spaced=" " in address.partition(":")[0].strip())
    if place in {Place.INSIDE, Place.OWN_DISK}:
        if len(address) > LONGEST and not INNER.match(path):
            return Place.UNUSUAL
        if is_program(re.split("[?#]", path, maxsplit=1)[0]):
            return Place.PROGRAM
    return place


def _place_of(path: str, *, spaced: bool) -> Place:
    if prefix := PREFIX.match(path):
        return _place_of(path[prefix.end() :].rstrip("<>\"'"), spaced=spaced)
    if path.startswith("/"):
        return _place_of_path(path)
    if SERVERS.match(path):
        return Place.OTHER_MACHINE
    if DRIVE.match(path) or re.match(r"~|%[a-z_()0-9]+%", path, re.IGNORECASE):
        return Place.OWN_DISK
    if INNER.match(path):
        return Place.INSIDE
    found = SCHEME.match(path)
    return _place_of_scheme(found[1].lower(), path, spaced=spaced) if found else Place.INSIDE


def _place_of_scheme(scheme: str, path: str, *, spaced: bool) -> Place:
    if scheme == "file":
        return _place_of_file(path[len("file:") :])
    for place, schemes in ((Place.WEB, WEB), (Place.FTP, FTP), (Place.CONTACT, CONTACTS)):
        if scheme in schemes:
            return place
    if MACHINES.fullmatch(scheme):
        return Place.OTHER_MACHINE
    if PROGRAMS.fullmatch(scheme):
        return Place.PROGRAM
    if "/" not in path and (MAC.match(path) or spaced):
        return (
            Place.OWN_DISK if ":" in path[len(scheme) + 1 :] else Place.INSIDE
        )  # a Mac's path, or just words
    return Place.WEB if PORT.match(path) else Place.UNUSUAL  # example.com:8080/jane


def _place_of_path(path: str) -> Place:
    """Say where a path leads that begins with a slash: two are another machine."""
    if device := DEVICES.match(path):
        return Place.OWN_DISK if DRIVE.match(device[1]) else Place.OTHER_MACHINE
    return Place.OTHER_MACHINE if path.startswith("//") or AUTOMOUNTS.match(path) else Place.OWN_DISK


def _place_of_file(rest: str) -> Place:
    """Say where `file:` and what follows leads.

    file:///C:/… and file:C:/… are the own disk, as are file:////Users/… (Word for Mac) and file://localhost/…;
    file://host/…, file:////host/… and more slashes are another machine.
    """
    slashes = len(rest) - len(rest.lstrip("/"))
    path = rest[slashes:]
    if DRIVE.match(path):
        return Place.OWN_DISK
    host, slash, within = path.partition("/")
    if host.lower() == "localhost" and slashes >= 2:
        return Place.OTHER_MACHINE if within.startswith("/") else _place_of_path(slash + within)
    if slashes >= 2 and host in {"?", "."}:
        return _place_of_path(f"//{path}")
    if slashes <= 1 or slashes == 3:
        return _place_of_path(f"/{path}")
    if slashes == 2 and not host:
        return Place.OWN_DISK
    return Place.OWN_DISK if slashes > 2 and ROOTS.match(path) else Place.OTHER_MACHINE
