"""Actions of a PDF (12.6), judged by values of dictionaries."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..addresses import CLICK_HARMS, Place, classify_address
from ..findings import Refused
from ..harm import TABLE, Findings, Harm
from ..sentences import (
    PDF_FETCHES,
    PDF_LINK_TO_PROGRAM,
    PDF_LOCKED,
    PDF_PAGE_INSIDE,
    PDF_PROGRAM,
    PDF_UNUSUAL,
)
from .encryption import Cipher
from .files import (
    KEYS,
    PAGE,
    PAGES,
    PROGRAM,
    PROGRAMS,
    classify_file,
    find_attached,
    find_extension,
    list_file_names,
    read_head,
)
from .names import LINKS, MEDIA_ACTIONS, MEDIA_ANNOTATIONS
from .objects import UNKNOWN, Objects, Resolved, Stream
from .values import Dictionary, String, Value

SENTENCES = {
    Harm.PROGRAM: PDF_PROGRAM,
    Harm.OTHER_MACHINE: PDF_FETCHES,
    Harm.LINK_TO_PROGRAM: PDF_LINK_TO_PROGRAM,
    Harm.LINK_TO_MACHINE: PDF_LINK_TO_PROGRAM,
    Harm.OTHER_FORMAT: PDF_PAGE_INSIDE,
    Harm.PASSWORD: PDF_LOCKED,
}
"""Sentences for refusals of a PDF: those of TABLE advise saving as PDF."""
DATA_ACTIONS = {"SubmitForm", "ImportData"}
OPENING_ACTIONS = {"URI", "GoToR", "GoToE", *DATA_ACTIONS}
"""Actions that are harmless only at a click."""
EMPTY_LINK = re.compile(r"\s*(?:about:blank|javascript:\s*(?:void\s*\(\s*0?\s*\))?\s*;?)\s*", re.IGNORECASE)
"""Links without effect, which browsers print from pages."""
FETCH_HARMS = {
    Place.INSIDE: Harm.UNFETCHED,
    Place.OWN_DISK: Harm.OWN_DISK,
    Place.WEB: Harm.ACTION,
    Place.CONTACT: Harm.ACTION,
    Place.OTHER_MACHINE: Harm.OTHER_MACHINE,
    Place.PROGRAM: Harm.LINK_TO_PROGRAM,
    Place.UNUSUAL: Harm.UNUSUAL_LINK,
}


class PdfFindings(Findings):
    """Findings with sentences for a PDF's sender."""

    def add(self, harm: Harm) -> None:
        """Raise Refused or record a flag, as TABLE says."""
        if TABLE[harm].sentence:
            raise Refused(SENTENCES.get(harm, TABLE[harm].sentence))
        super().add(harm)


class Judge:
    """Judge of values, with results in `findings`."""

    def __init__(self, objects: Objects, cipher: Cipher | None) -> None:
        self.findings = PdfFindings()
        self._objects = objects
        self._decrypt = cipher.file if cipher else None
        self._known_starts: set[int | None] = set()

    def judge(self, value: Value | Stream) -> None:
        """Judge all dictionaries in a value."""
        if isinstance(value, str):
            self._judge_name(value)
        pending: list[Value | Stream] = [value]
        while pending:
            item = pending.pop()
            if isinstance(item, Stream):
                self._judge_dictionary(item.dictionary, is_stream=True)
                pending.extend(item.dictionary.values())
            elif isinstance(item, dict):
                self._judge_dictionary(item)
                pending.extend(part for part in item.values() if isinstance(part, (dict, list)))
            elif isinstance(item, list):
                pending.extend(part for part in item if isinstance(part, (dict, list)))

    def _judge_name(self, name: str) -> None:
        """Judge an object that is a name: a dictionary not read may refer to it."""
        self._judge_kinds({name}, {name})
        if name == "MCD":
            raise Refused(PDF_UNUSUAL)

    def _judge_dictionary(self, dictionary: Dictionary, *, is_stream: bool = False) -> None:
        actions = self._names(dictionary, "S")
        self._judge_kinds(actions, self._names(dictionary, "Subtype"))
        if "JS" in dictionary and self._has_script(dictionary["JS"]):
            self.findings.add(Harm.JAVASCRIPT)
        if "XFA" in dictionary and any(found != [] for found in self._objects.resolve(dictionary["XFA"])):
            self.findings.add(Harm.JAVASCRIPT)
        for key in ("URI", "Base"):
            if key in dictionary:
                self._judge_link(dictionary[key])
        if any(key in dictionary for key in KEYS) or "EF" in dictionary:
            self._judge_file(dictionary, actions, is_fetched=is_stream or bool(actions & DATA_ACTIONS))
        if "MCD" in actions:
            self._judge_file({"F": dictionary.get("D")}, actions, is_fetched=True)
        for referred in self._objects.resolve(dictionary.get("Ref")):
            if isinstance(referred, dict):
                self._judge_file(referred, actions, is_fetched=True)
        if "OpenAction" in dictionary:
            self._judge_opening(self._objects.resolve(dictionary["OpenAction"]))
        for triggers in self._objects.resolve(dictionary.get("AA")):
            if isinstance(triggers, dict):
                for action in triggers.values():
                    self._judge_opening(self._objects.resolve(action))

    def _names(self, dictionary: Dictionary, key: str) -> set[str]:
        value = dictionary.get(key)
        if value is None or isinstance(value, str):
            return {value} if value else set()
        found = self._objects.resolve(value)
        if UNKNOWN in found:
            raise Refused(PDF_UNUSUAL)
        return {name for name in found if isinstance(name, str)}

    def _judge_kinds(self, actions: set[str], annotations: set[str]) -> None:
        if "Launch" in actions:
            self.findings.add(Harm.PROGRAM)
        if actions & MEDIA_ACTIONS or annotations & MEDIA_ANNOTATIONS:
            self.findings.add(Harm.MEDIA)

    def _has_script(self, value: Value) -> bool:
        """Return whether a /JS value is a script; /JS may name an image."""
        return any(
            found is UNKNOWN
            or (isinstance(found, String) and bool(self._objects.text(found).strip()))
            or (isinstance(found, Stream) and "Subtype" not in found.dictionary)
            for found in self._objects.resolve(value)
        )

    def _judge_link(self, value: Value) -> None:
        for found in self._objects.resolve(value):
            if isinstance(found, String):
                address = self._objects.text(found)
                if not EMPTY_LINK.fullmatch(address):
                    self.findings.add(CLICK_HARMS[classify_address(address)])
            elif found is UNKNOWN:
                self.findings.add(Harm.UNUSUAL_LINK)

    def _judge_file(self, specification: Dictionary, actions: set[str], *, is_fetched: bool) -> None:
        streams, is_carried = find_attached(self._objects, specification)
        names = list_file_names(self._objects, specification)
        if is_carried:
            self._judge_attached(names, streams)
        if actions & DATA_ACTIONS:
            self.findings.add(Harm.ACTION)
        for found in self._objects.resolve(specification.get("F")):
            if isinstance(found, dict) and "EF" not in found:
                names += list_file_names(self._objects, found)
            elif found is UNKNOWN and actions & (LINKS | DATA_ACTIONS):
                self.findings.add(Harm.UNUSUAL_LINK)
        if not streams:
            for name in names:
                self.findings.add((FETCH_HARMS if is_fetched else CLICK_HARMS)[classify_file(name)])

    def _judge_attached(self, names: list[str], streams: list[Stream]) -> None:
        heads = [self._head_of(stream) for stream in streams]
        endings = set(map(find_extension, names))
        if endings & PROGRAMS or any(map(PROGRAM.match, heads)):
            self.findings.add(Harm.PROGRAM)
        if endings & PAGES or any(map(PAGE.match, heads)):
            self.findings.add(Harm.OTHER_FORMAT)
        self.findings.add(Harm.ATTACHMENT)

    def _head_of(self, stream: Stream) -> bytes:
        if stream.start in self._known_starts:
            return b""
        self._known_starts.add(stream.start)
        return read_head(self._objects, stream, self._decrypt)

    def _judge_opening(self, actions: list[Resolved]) -> None:
        seen: set[int] = set()
        for action in self._follow_actions(actions, seen):
            if self._names(action, "S") & OPENING_ACTIONS:
                self.findings.add(Harm.ACTION)

    def _follow_actions(self, actions: list[Resolved], seen: set[int]) -> Iterator[Dictionary]:
        """Yield the actions and their successors (12.6.2)."""
        pending = list(actions)
        while pending:
            action = pending.pop()
            self._objects.budget.follow()
            if isinstance(action, dict) and id(action) not in seen:
                seen.add(id(action))
                yield action
                for following in self._objects.resolve(action.get("Next")):
                    if isinstance(following, list):
                        pending.extend(found for part in following for found in self._objects.resolve(part))
                    else:
                        pending.append(following)
