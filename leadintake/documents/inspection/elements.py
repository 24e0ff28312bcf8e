"""The elements of a DOCX and of the sheets and slides within: what fetches, starts or shows something."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from . import classes, merging
from .addresses import CLICKED, FETCHED, LINKED, SUBDOCUMENTS, TEMPLATES, Place
from .harm import Findings, Harm
from .links import Fields
from .markup import Attributes, Reading
from .work import OF_OBJECT, follow

Places = Mapping[str, tuple[Place, str]]
"""Where the relationships of a part lead, by their ids, and their addresses."""

BY_ELEMENT = {
    **dict.fromkeys(("hyperlink", "hlinkClick", "hlinkHover", "hlinkMouseOver"), CLICKED),
    **dict.fromkeys(
        ("blip", "svgBlip", "imagedata", "fill", "stroke", "background", "imgLayer", "pic", "image"), FETCHED
    ),
    **dict.fromkeys(("videoFile", "audioFile", "quickTimeFile", "media", "movie", "snd"), FETCHED),
    "attachedTemplate": TEMPLATES,
    "subDoc": SUBDOCUMENTS,
}
"""By its own name, how an element follows a relationship; one that is not here takes it for an object."""
MERGES = {"dataSource", "headerSource", "src", "recipientData"}
BRINGS = {
    "altChunk": Harm.OTHER_FORMAT,
    "ddeLink": Harm.DATA_LINK,
    "webPr": Harm.DATA_LINK,
    "dbPr": Harm.DATA_LINK,
    "foreignObject": Harm.OTHER_FORMAT,
}
"""What an element brings wherever it is. webPr and dbPr are a spreadsheet's data from elsewhere."""
ADDRESSES = {"src", "althref", "href"}
NAMED = {"manifestLocation", "embeddedHtml", "action", "onload", "onclick"}
"""Attributes that are looked at on some elements."""
RELATIONSHIP = re.compile(r".*/relationships \S+", re.DOTALL)
VML = re.compile(r"urn:schemas-microsoft-com:(vml|office:(office|word|excel|powerpoint)) ")
SVG = "http://www.w3.org/2000/svg "
ADD_INS = re.compile(r"http://schemas\.microsoft\.com/office/(webextensions|appforoffice)/")
SHOWS_ITSELF = {"office.autoshowtaskpanewithdocument"}
LONGEST = 4096


class Elements:
    """What is read in one part. Names of elements and attributes that mean nothing are asked about once."""

    def __init__(self, places: Places, findings: Findings) -> None:
        self._places, self._findings, self._fields = places, findings, Fields(findings)
        self._dull_elements: set[str] = set()
        self._dull_attributes: set[str] = set()
        self._within_task_pane = 0
        self._base = ""
        self.root = ""

    def reading(self, *, typed: bool = False) -> Reading:
        """How the part is read."""
        return Reading(self._begin, self._text, self._end, typed=typed, done=self._done)

    def _begin(self, element: str, attributes: Attributes) -> None:
        if element not in self._dull_elements:
            self._begin_unknown(element, attributes)
        if not attributes.keys() <= self._dull_attributes:
            for name, value in attributes.items():
                if name not in self._dull_attributes:
                    self._judge_attribute(element, name, value)
        self._fields.begin(element, attributes)

    def _text(self, element: str, words: str) -> None:
        if element.endswith(" HyperlinkBase"):
            self._base = (self._base + words)[:LONGEST]
        self._fields.text(element, words)

    def _end(self, element: str) -> None:
        if self._within_task_pane and element.endswith(" taskpane"):
            self._within_task_pane -= 1
        self._fields.end(element)

    def _done(self) -> None:
        if self._base:
            follow(self._findings, self._base, CLICKED)
        self._fields.end_all()

    def _begin_unknown(self, element: str, attributes: Attributes) -> None:
        self.root = self.root or element
        vocabulary, _, name = element.rpartition(" ")
        if name in BRINGS:
            self._findings.add(BRINGS[name])
        judge = JUDGES.get(name)
        if judge:
            judge(self, vocabulary, attributes)
        else:
            self._dull_elements.add(element)

    def _judge_attribute(self, element: str, attribute: str, value: str) -> None:
        """Look at an attribute that is an address, or the id of one."""
        vocabulary, _, name = attribute.rpartition(" ")
        own = element.rpartition(" ")[2]
        if RELATIONSHIP.fullmatch(attribute):
            if value in self._places:
                place, target = self._places[value]
                if own in MERGES:
                    merging.judge_file(target, self._findings)
                else:
                    self._findings.add(BY_ELEMENT.get(own, LINKED)[place])
        elif name in ADDRESSES and (VML.match(element) or VML.match(attribute)):
            follow(self._findings, value, CLICKED if attribute == "href" else FETCHED)
        elif name == "href" and (element.startswith(SVG) or "xlink" in vocabulary):
            follow(self._findings, value, CLICKED if own == "a" else FETCHED)
        elif name in NAMED:
            self._judge_named(element, name, value)
        elif name not in ADDRESSES:
            self._dull_attributes.add(attribute)

    def _judge_named(self, element: str, name: str, value: str) -> None:
        if name == "manifestLocation":
            follow(self._findings, value, LINKED)
        elif name == "action":
            if value.casefold().startswith(("ppaction://program", "ppaction://macro", "ppaction://ole")):
                self._findings.add(Harm.LINK_TO_PROGRAM)
        elif name == "embeddedHtml" or element.startswith(SVG):
            self._findings.add(Harm.OTHER_FORMAT)

    def judge_script(self, vocabulary: str, _attributes: Attributes) -> None:
        """Add what a script in a drawing is."""
        if f"{vocabulary} " == SVG:
            self._findings.add(Harm.OTHER_FORMAT)

    def judge_object(self, _vocabulary: str, attributes: Attributes) -> None:
        """Add what the class of an embedded object tells."""
        self._findings.spend(OF_OBJECT)
        name = attributes.get("ProgID", "")
        if name and attributes.get("Type") != "Link":
            self._findings.add(classes.of_name(name))

    def judge_pane(self, vocabulary: str, attributes: Attributes) -> None:
        """Add an add-in whose pane is open. Its reference is expected within, and nowhere else."""
        if ADD_INS.match(vocabulary):
            self._within_task_pane += 1
            if attributes.get("visibility", "1").strip().casefold() not in {"0", "false"}:
                self._findings.add(Harm.ADD_IN)

    def judge_reference(self, vocabulary: str, _attributes: Attributes) -> None:
        """Add an add-in that stands in the text."""
        if ADD_INS.match(vocabulary) and not self._within_task_pane:
            self._findings.add(Harm.ADD_IN)

    def judge_property(self, vocabulary: str, attributes: Attributes) -> None:
        """Add an add-in that opens its own pane."""
        name, value = (attributes.get(key, "").strip(" \"'").casefold() for key in ("name", "value"))
        if ADD_INS.match(vocabulary) and name in SHOWS_ITSELF and value not in {"false", "0", ""}:
            self._findings.add(Harm.ADD_IN)

    def judge_connection(self, _vocabulary: str, attributes: Attributes) -> None:
        """Add where the data of a mail merge comes from."""
        for attribute, value in attributes.items():
            if attribute.rpartition(" ")[2] == "val":
                merging.judge_connection(value[: 4 * LONGEST], self._findings)


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
"""By its own name, what looks at an element."""
