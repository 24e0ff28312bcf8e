"""Places to which addresses in documents lead.

Read as the most tolerant program would: Windows treats backslashes as slashes, drops invisible characters and
contacts another machine for two leading slashes; Word decodes twice; LibreOffice has its own schemes.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from urllib.parse import unquote

from .harm import Harm
from .programs import is_program


class Place(Enum):
    """Destination of an address."""

    INSIDE = auto()  # the document or a relative name: a part, a bookmark, a mail's picture (cid:)
    OWN_DISK = auto()  # the writer's own disk
    WEB = auto()
    FTP = auto()
    CONTACT = auto()  # mail, telephone
    OTHER_MACHINE = auto()
    PROGRAM = auto()  # a program of the system or of the office suite
    UNUSUAL = auto()


FETCH_HARMS = {
    Place.INSIDE: Harm.UNFETCHED,
    Place.OWN_DISK: Harm.OWN_DISK,
    Place.WEB: Harm.WEB_PICTURE,
    Place.FTP: Harm.OTHER_MACHINE,
    Place.CONTACT: Harm.UNFETCHED,
    Place.OTHER_MACHINE: Harm.OTHER_MACHINE,
    Place.PROGRAM: Harm.OTHER_MACHINE,
    Place.UNUSUAL: Harm.OTHER_MACHINE,
}
"""Harm when opening the document fetches a picture."""
LINK_HARMS = FETCH_HARMS | {Place.WEB: Harm.DATA_LINK}
"""Harm when it fetches an object, text or data."""


def _replace_harm(reason: Harm) -> dict[Place, Harm]:
    elsewhere = {Harm.WEB_PICTURE, Harm.OTHER_MACHINE}
    return {place: reason if harm in elsewhere else harm for place, harm in FETCH_HARMS.items()}


TEMPLATE_HARMS = _replace_harm(Harm.TEMPLATE)
"""Harm when it fetches its template."""
SUBDOCUMENT_HARMS = _replace_harm(Harm.SUBDOCUMENT)
"""Harm when it fetches a part of its text."""
CLICK_HARMS = {
    Place.INSIDE: Harm.LINK,
    Place.OWN_DISK: Harm.OWN_DISK,
    Place.WEB: Harm.LINK,
    Place.FTP: Harm.LINK,
    Place.CONTACT: Harm.LINK,
    Place.OTHER_MACHINE: Harm.LINK_TO_MACHINE,
    Place.PROGRAM: Harm.LINK_TO_PROGRAM,
    Place.UNUSUAL: Harm.UNUSUAL_LINK,
}
"""Harm when only a click follows the address."""

MAX_LENGTH = 4096
"""Characters of an address that are read: its start decides its place."""
ROUNDS = 4  # of decoding; known programs do two at most
UNSEEN = re.compile(
    "[\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]+"
)
# Characters that Windows maps to a backslash, slash, bar or colon in old code pages.
LOOKALIKES = str.maketrans(
    "\u00a5\u20a9\uff3c\u2216\u29f5\ufe68\uff0f\u2044\u2215\uff5c\u00a6\uff1a", "\\" * 6 + "///||:"
)

SCHEME = re.compile(r"([a-z.][a-z0-9+._-]+):", re.IGNORECASE)  # one letter is a drive
PREFIX = re.compile(r"(?:url:|[<\"'])+", re.IGNORECASE)  # Windows skips "URL:"
WEB = {"http", "https"}
FTP = {"ftp", "ftps"}
CONTACTS = {"mailto", "tel", "sms"}
INNER = re.compile(
    r"cid:|about:blank$|vnd\.sun\.star\.(?:package|graphicobject):(?!/*(?:[a-z]+:|/))|private:graphicrepository/"
    r"|data:image/(?!svg)[a-z.+-]+[;,]",
    re.IGNORECASE,
)
"""Content of document or suite: parts as LibreOffice names them at run time, and data."""
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
"""Windows path after the scheme: file:/\\\\host\\share."""
ROOTS = re.compile(
    r"(?:users|private|var|volumes|applications|library|system|tmp|home|opt)(?:/|$)", re.IGNORECASE
)
"""Root folders of macOS (Word writes four slashes before them) and of Linux."""
AUTOMOUNTS = re.compile(r"/(?:net|afs|network/servers)/+[^/]", re.IGNORECASE)
"""Paths under which macOS or Linux mounts another machine on access."""
SERVERS = re.compile(r"%(?:logonserver|homeshare|clientname|userdnsdomain)%", re.IGNORECASE)
DEVICES = re.compile(r"(?://+[?.]|/\?\?)/+(.*)", re.DOTALL)  # \\?\C:\…, \\.\UNC\host\share, \??\UNC\…
PORT = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*:\d{1,5}(?:/|$)", re.IGNORECASE)


def classify_address(address: str) -> Place:
    """Return the place of an address."""
    path = UNSEEN.sub("", address[: 4 * MAX_LENGTH])[:MAX_LENGTH]
    for _ in range(ROUNDS):
        decoded = UNSEEN.sub("", unquote(path))
        if decoded == path:
            break
        path = decoded
    if not path and len(address) > MAX_LENGTH:
        return Place.UNUSUAL
    path = path.translate(LOOKALIKES)
    if BACKSLASHES.match(path):
        return Place.OTHER_MACHINE
    path = path.replace("\\", "/")
    place = _classify(path, has_space=" " in address.partition(":")[0].strip())
    if place in {Place.INSIDE, Place.OWN_DISK}:
        if len(address) > MAX_LENGTH and not INNER.match(path):
            return Place.UNUSUAL
        if is_program(re.split("[?#]", path, maxsplit=1)[0]):
            return Place.PROGRAM
    return place


def _classify(path: str, *, has_space: bool) -> Place:
    if prefix := PREFIX.match(path):
        return _classify(path[prefix.end() :].rstrip("<>\"'"), has_space=has_space)
    if path.startswith("/"):
        return _classify_path(path)
    if SERVERS.match(path):
        return Place.OTHER_MACHINE
    if DRIVE.match(path) or re.match(r"~|%[a-z_()0-9]+%", path, re.IGNORECASE):
        return Place.OWN_DISK
    if INNER.match(path):
        return Place.INSIDE
    found = SCHEME.match(path)
    return _classify_scheme(found[1].lower(), path, has_space=has_space) if found else Place.INSIDE


def _classify_scheme(scheme: str, path: str, *, has_space: bool) -> Place:
    if scheme == "file":
        return _classify_file_url(path[len("file:") :])
    for place, schemes in ((Place.WEB, WEB), (Place.FTP, FTP), (Place.CONTACT, CONTACTS)):
        if scheme in schemes:
            return place
    if MACHINES.fullmatch(scheme):
        return Place.OTHER_MACHINE
    if PROGRAMS.fullmatch(scheme):
        return Place.PROGRAM
    if "/" not in path and (MAC.match(path) or has_space):
        # A path of classic Mac OS, or words that only look like an address.
        return Place.OWN_DISK if ":" in path[len(scheme) + 1 :] else Place.INSIDE
    return Place.WEB if PORT.match(path) else Place.UNUSUAL  # example.com:8080/jane


def _classify_path(path: str) -> Place:
    if device := DEVICES.match(path):
        return Place.OWN_DISK if DRIVE.match(device[1]) else Place.OTHER_MACHINE
    return Place.OTHER_MACHINE if path.startswith("//") or AUTOMOUNTS.match(path) else Place.OWN_DISK


def _classify_file_url(rest: str) -> Place:
    """Return the place of `file:` and `rest`.

    Own disk: file:///C:/…, file:C:/…, file:////Users/… (Word for Mac), file://localhost/…
    Another machine: file://host/…, file:////host/… and more slashes.
    """
    slashes = len(rest) - len(rest.lstrip("/"))
    path = rest[slashes:]
    if DRIVE.match(path):
        return Place.OWN_DISK
    host, slash, rest_of_path = path.partition("/")
    if host.lower() == "localhost" and slashes >= 2:
        return Place.OTHER_MACHINE if rest_of_path.startswith("/") else _classify_path(slash + rest_of_path)
    if slashes >= 2 and host in {"?", "."}:
        return _classify_path(f"//{path}")
    if slashes <= 1 or slashes == 3:
        return _classify_path(f"/{path}")
    if slashes == 2 and not host:
        return Place.OWN_DISK
    return Place.OWN_DISK if slashes > 2 and ROOTS.match(path) else Place.OTHER_MACHINE
