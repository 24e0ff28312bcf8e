"""Relationships of a package (ECMA-376 part 2, 9.3), and their harm."""

from __future__ import annotations

import posixpath

from . import merging
from .addresses import (
    CLICK_HARMS,
    FETCH_HARMS,
    LINK_HARMS,
    SUBDOCUMENT_HARMS,
    TEMPLATE_HARMS,
    Place,
    classify_address,
)
from .findings import Refused
from .harm import Findings, Harm
from .links import leads_outside
from .markup import Attributes, Reading
from .programs import is_program
from .sentences import DAMAGED, TOO_MUCH, UNUSUAL
from .work import ADDRESS_UNITS, LETTERS_PER_UNIT

Places = dict[str, tuple[Place, str]]
LINK = "http://schemas.openxmlformats.org/package/2006/relationships Relationship"
ENDING = ".rels"
BY_KIND = {
    "hyperlink": CLICK_HARMS,
    "attachedtemplate": TEMPLATE_HARMS,
    "subdocument": SUBDOCUMENT_HARMS,
    **dict.fromkeys(("image", "audio", "video", "media", "movie", "sound", "hdphoto", "svg"), FETCH_HARMS),
}
"""Harm table by last segment of a relationship's type; other types are linked objects."""
MERGE_SOURCES = {"mailmergesource", "mailmergeheadersource", "recipientdata"}
KIND_HARMS = {
    "afchunk": Harm.OTHER_FORMAT,
    "control": Harm.CONTROL,
    "activexcontrol": Harm.CONTROL,
    "activexcontrolbinary": Harm.CONTROL,
    "ddelink": Harm.DATA_LINK,
    "xlmacrosheet": Harm.MACROS,
    "xlintlmacrosheet": Harm.MACROS,
}
"""Harm by the same segment, whatever the target."""
MACROS = {"vbaproject", "wordvbadata", "vbadata"}
MAX_LINKS = 10_000


class Relationships:
    """Relationships of a package by source part."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._places: dict[str, Places] = {}
        self._count = 0
        self.has_macros = False
        self.of_charts: set[str] = set()
        """Names of parts with a chart's data, in lower case."""
        self.main: list[str] = []
        """Names of main parts."""

    def reading(self, name: str) -> Reading:
        """Return how to read the relationships part `name`."""
        folder = posixpath.dirname(posixpath.dirname(name))
        part = posixpath.join(folder, posixpath.basename(name)[: -len(ENDING)]).casefold()
        places = self._places.setdefault(part, {})

        def start(element: str, attributes: Attributes) -> None:
            if element == LINK:
                self._add(part, folder, places, attributes)

        return Reading(start)

    def of(self, part: str) -> Places:
        """Return a part's relationships that leave the package: place and address by ID."""
        return self._places.get(part.casefold(), {})

    def _add(self, part: str, folder: str, places: Places, attributes: Attributes) -> None:
        self._count += 1
        if self._count > MAX_LINKS:
            raise Refused(TOO_MUCH)
        kind = attributes.get("Type", "").rstrip("/ ").rpartition("/")[2].casefold()
        target, is_inside = attributes.get("Target", ""), attributes.get("TargetMode") != "External"
        if kind in KIND_HARMS:
            self._findings.add(KIND_HARMS[kind])
        self.has_macros |= kind in MACROS
        self._findings.spend(ADDRESS_UNITS + len(target) // LETTERS_PER_UNIT)
        place = classify_address(target)
        if is_inside and place is Place.OWN_DISK:  # absolute within the package
            place = Place.INSIDE
        if is_inside and kind != "hyperlink" and is_program(target):
            self._findings.add(Harm.PROGRAM)
        self._judge(kind, target, place)
        if is_inside and kind != "hyperlink" and leads_outside(target, folder):
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
        if kind in MERGE_SOURCES:
            merging.judge_file(target, self._findings)
        else:
            self._findings.add(BY_KIND.get(kind, LINK_HARMS)[place])
