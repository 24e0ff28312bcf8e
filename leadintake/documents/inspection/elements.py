"""Elements of a DOCX, and of sheets and slides in it, that fetch, start or show something."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from . import classes, merging
from .addresses import CLICK_HARMS, FETCH_HARMS, LINK_HARMS, SUBDOCUMENT_HARMS, TEMPLATE_HARMS, Place
from .harm import Findings, Harm
from .links import Fields
from .markup import Attributes, Reading
from .work import OBJECT_UNITS, judge_address

Places = Mapping[str, tuple[Place, str]]
"""Place and address of a part's relationships, by ID."""

BY_ELEMENT = {
    **dict.fromkeys(("hyperlink", "hlinkClick", "hlinkHover", "hlinkMouseOver"), CLICK_HARMS),
    **dict.fromkeys(
        ("blip", "svgBlip", "imagedata", "fill", "stroke", "background", "imgLayer", "pic", "image"),
        FETCH_HARMS,
    ),
    **dict.fromkeys(("videoFile", "audioFile", "quickTimeFile", "media", "movie", "snd"), FETCH_HARMS),
    "attachedTemplate": TEMPLATE_HARMS,
    "subDoc": SUBDOCUMENT_HARMS,
}
"""Harm table by local name of an element with a relationship; other elements count as objects."""
MERGE_SOURCES = {"dataSource", "headerSource", "src", "recipientData"}
ELEMENT_HARMS = {
    "altChunk": Harm.OTHER_FORMAT,
    "ddeLink": Harm.DATA_LINK,
    "webPr": Harm.DATA_LINK,
    "dbPr": Harm.DATA_LINK,
    "foreignObject": Harm.OTHER_FORMAT,
}
"""Harm by local name. webPr and dbPr are external data of a spreadsheet."""
ADDRESSES = {"src", "althref", "href"}
SPECIAL_ATTRIBUTES = {"manifestLocation", "embeddedHtml", "action", "onload", "onclick"}
"""Attributes that are judged on some elements only."""
RELATIONSHIP = re.compile(r".*/relationships \S+", re.DOTALL)
VML = re.compile(r"urn:schemas-microsoft-com:(vml|office:(office|word|excel|powerpoint)) ")
SVG = "http://www.w3.org/2000/svg "
ADD_INS = re.compile(r"http://schemas\.microsoft\.com/office/(webextensions|appforoffice)/")
AUTO_OPEN_PROPERTIES = {"office.autoshowtaskpanewithdocument"}
MAX_LENGTH = 4096


class Elements:
    """Judge of one part. Names found harmless are not judged again."""

    def __init__(self, places: Places, findings: Findings) -> None:
        self._places, self._findings, self._fields = places, findings, Fields(findings)
        self._harmless_elements: set[str] = set()
        self._harmless_attributes: set[str] = set()
        self._task_pane_depth = 0
        self._base = ""
        self.root = ""

    def reading(self, *, typed: bool = False) -> Reading:
        """Return how to read the part."""
        return Reading(self._begin, self._text, self._end, typed=typed, done=self._done)

    def _begin(self, element: str, attributes: Attributes) -> None:
        if element not in self._harmless_elements:
            self._begin_unknown(element, attributes)
        if not attributes.keys() <= self._harmless_attributes:
            for name, value in attributes.items():
                if name not in self._harmless_attributes:
                    self._judge_attribute(element, name, value)
        self._fields.begin(element, attributes)

    def _text(self, element: str, words: str) -> None:
        if element.endswith(" HyperlinkBase"):
            self._base = (self._base + words)[:MAX_LENGTH]
        self._fields.text(element, words)

    def _end(self, element: str) -> None:
        if self._task_pane_depth and element.endswith(" taskpane"):
            self._task_pane_depth -= 1
        self._fields.end(element)

    def _done(self) -> None:
        if self._base:
            judge_address(self._findings, self._base, CLICK_HARMS)
        self._fields.end_all()

    def _begin_unknown(self, element: str, attributes: Attributes) -> None:
        self.root = self.root or element
        vocabulary, _, name = element.rpartition(" ")
        if name in ELEMENT_HARMS:
            self._findings.add(ELEMENT_HARMS[name])
        judge = JUDGES.get(name)
        if judge:
            judge(self, vocabulary, attributes)
        else:
            self._harmless_elements.add(element)

    def _judge_attribute(self, element: str, attribute: str, value: str) -> None:
        vocabulary, _, name = attribute.rpartition(" ")
        local = element.rpartition(" ")[2]
        if RELATIONSHIP.fullmatch(attribute):
            if value in self._places:
                place, target = self._places[value]
                if local in MERGE_SOURCES:
                    merging.judge_file(target, self._findings)
                else:
                    self._findings.add(BY_ELEMENT.get(local, LINK_HARMS)[place])
        elif name in ADDRESSES and (VML.match(element) or VML.match(attribute)):
            judge_address(self._findings, value, CLICK_HARMS if attribute == "href" else FETCH_HARMS)
        elif name == "href" and (element.startswith(SVG) or "xlink" in vocabulary):
            judge_address(self._findings, value, CLICK_HARMS if local == "a" else FETCH_HARMS)
        elif name in SPECIAL_ATTRIBUTES:
            self._judge_named(element, name, value)
        elif name not in ADDRESSES:
            self._harmless_attributes.add(attribute)

    def _judge_named(self, element: str, name: str, value: str) -> None:
        if name == "manifestLocation":
            judge_address(self._findings, value, LINK_HARMS)
        elif name == "action":
            if value.casefold().startswith(("ppaction://program", "ppaction://macro", "ppaction://ole")):
                self._findings.add(Harm.LINK_TO_PROGRAM)
        elif name == "embeddedHtml" or element.startswith(SVG):
            self._findings.add(Harm.OTHER_FORMAT)

    def judge_script(self, vocabulary: str, _attributes: Attributes) -> None:
        """Judge a script in an SVG."""
        if f"{vocabulary} " == SVG:
            self._findings.add(Harm.OTHER_FORMAT)

    def judge_object(self, _vocabulary: str, attributes: Attributes) -> None:
        """Judge an embedded object by its class."""
        self._findings.spend(OBJECT_UNITS)
        name = attributes.get("ProgID", "")
        if name and attributes.get("Type") != "Link":
            self._findings.add(classes.classify_name(name))

    def judge_pane(self, vocabulary: str, attributes: Attributes) -> None:
        """Judge an add-in's task pane."""
        if ADD_INS.match(vocabulary):
            self._task_pane_depth += 1
            if attributes.get("visibility", "1").strip().casefold() not in {"0", "false"}:
                self._findings.add(Harm.ADD_IN)

    def judge_reference(self, vocabulary: str, _attributes: Attributes) -> None:
        """Judge the reference to an add-in, allowed only in a task pane."""
        if ADD_INS.match(vocabulary) and not self._task_pane_depth:
            self._findings.add(Harm.ADD_IN)

    def judge_property(self, vocabulary: str, attributes: Attributes) -> None:
        """Judge a property by which an add-in opens its pane."""
        name, value = (attributes.get(key, "").strip(" \"'").casefold() for key in ("name", "value"))
        if ADD_INS.match(vocabulary) and name in AUTO_OPEN_PROPERTIES and value not in {"false", "0", ""}:
            self._findings.add(Harm.ADD_IN)

    def judge_connection(self, _vocabulary: str, attributes: Attributes) -> None:
        """Judge a mail merge's data source."""
        for attribute, value in attributes.items():
            if attribute.rpartition(" ")[2] == "val":
                merging.judge_connection(value[: 4 * MAX_LENGTH], self._findings)


JUDGES: dict[str, Callable[[Elements, str, Attributes], None]] = {
    "script": Elements.judge_script,
    "OLEObject": Elements.judge_object,
    "taskpane": Elements.judge_pane,
    "webextensionref": Elements.judge_reference,
    "property": Elements.judge_property,
    "connectString": Elements.judge_connection,
    "udl": Elements.judge_connection,
    "query": Elements.judge_connection,
}
"""Judge of an element, by local name."""
