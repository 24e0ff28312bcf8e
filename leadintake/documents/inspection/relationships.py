"""The relationships of a package (ECMA-376 part 2, 9.3): where each part leads, and what follows from it."""

from __future__ import annotations

import posixpath

from . import merging
from .addresses import CLICKED, FETCHED, LINKED, SUBDOCUMENTS, TEMPLATES, Place, place_of
from .findings import Refused
from .harm import Findings, Harm
from .links import leaves
from .markup import Attributes, Reading
from .programs import is_program
from .sentences import DAMAGED, TOO_MUCH, UNUSUAL
from .work import LETTERS, OF_ADDRESS

Places = dict[str, tuple[Place, str]]
LINK = "http://schemas.openxmlformats.org/package/2006/relationships Relationship"
ENDING = ".rels"
BY_KIND = {
    "hyperlink": CLICKED,
    "attachedtemplate": TEMPLATES,
    "subdocument": SUBDOCUMENTS,
    **dict.fromkeys(("image", "audio", "video", "media", "movie", "sound", "hdphoto", "svg"), FETCHED),
}
"""By the last word of a relationship's type; what is not here is a linked object."""
MERGES = {"mailmergesource", "mailmergeheadersource", "recipientdata"}
BRINGS = {
    "afchunk": Harm.OTHER_FORMAT,
    "control": Harm.CONTROL,
    "activexcontrol": Harm.CONTROL,
    "activexcontrolbinary": Harm.CONTROL,
    "ddelink": Harm.DATA_LINK,
    "xlmacrosheet": Harm.MACROS,
    "xlintlmacrosheet": Harm.MACROS,
}
"""By the same word: what is harm wherever it leads."""
MACROS = {"vbaproject", "wordvbadata", "vbadata"}
MOST_LINKS = 10_000


class Relationships:
    """All relationships of a package, as far as they lead out of it, by the part they are of."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._places: dict[str, Places] = {}
        self._count = 0
        self.has_macros = False
        self.of_charts: set[str] = set()
        """Names of the parts that are data of a chart, in small letters."""
        self.main: list[str] = []
        """Names of the main parts."""

    def reading(self, name: str) -> Reading:
        """How a part of this name is read."""
        folder = posixpath.dirname(posixpath.dirname(name))
        part = posixpath.join(folder, posixpath.basename(name)[: -len(ENDING)]).casefold()
        places = self._places.setdefault(part, {})

        def start(element: str, attributes: Attributes) -> None:
            if element == LINK:
                self._add(part, folder, places, attributes)

        return Reading(start)

    def of(self, part: str) -> Places:
        """Where the relationships of a part lead, and their addresses, by id; none that stay inside."""
        return self._places.get(part.casefold(), {})

    def _add(self, part: str, folder: str, places: Places, attributes: Attributes) -> None:
        self._count += 1
        if self._count > MOST_LINKS:
            raise Refused(TOO_MUCH)
        kind = attributes.get("Type", "").rstrip("/ ").rpartition("/")[2].casefold()
        target, is_inside = attributes.get("Target", ""), attributes.get("TargetMode") != "External"
        if kind in BRINGS:
            self._findings.add(BRINGS[kind])
        self.has_macros |= kind in MACROS
        self._findings.spend(OF_ADDRESS + len(target) // LETTERS)
        place = place_of(target)
        if is_inside and place is Place.OWN_DISK:  # from the package's root
            place = Place.INSIDE
        if is_inside and kind != "hyperlink" and is_program(target):
            self._findings.add(Harm.PROGRAM)
        self._judge(kind, target, place)
        if is_inside and kind != "hyperlink" and leaves(target, folder):
            raise Refused(UNUSUAL)
        if place is not Place.INSIDE:
            if places.setdefault(attributes.get("Id", ""), (place, target)) != (place, target):
                raise Refused(DAMAGED)
        elif kind == "officedocument" and not part.rpartition("/")[2]:
            self.main.append(posixpath.normpath(target.lstrip("/")))
        elif kind == "package" and "/charts/" in f"/{part}":
            path = posixpath.normpath(posixpath.join("/", folder, target))
            self.of_charts.add(path.lstrip("/").casefold())

    def _judge(self, kind: str, target: str, place: Place) -> None:
        if kind in MERGES:
            merging.judge_file(target, self._findings)
        else:
            self._findings.add(BY_KIND.get(kind, LINKED)[place])
