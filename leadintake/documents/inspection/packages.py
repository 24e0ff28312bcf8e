"""Packages (zip files) that Office embeds in older formats."""

from __future__ import annotations

import io
import re

from .addresses import CLICK_HARMS, LINK_HARMS
from .budget import MB, Budget
from .container import Container
from .harm import Findings, Harm
from .markup import Attributes, Reading, read
from .programs import is_program
from .unpacking import unpack
from .work import PACKAGE_UNITS, judge_address

NAMES = (
    (re.compile(r"(.*/)?(vbaproject|vbadata)|.*/macrosheets/", re.IGNORECASE), Harm.MACROS),
    (re.compile(r".*activex", re.IGNORECASE), Harm.CONTROL),
    (re.compile(r".*(externallinks|querytables|connections)", re.IGNORECASE), Harm.DATA_LINK),
    (re.compile(r".*(embeddings|oleobject)", re.IGNORECASE), Harm.PACKED_FILE),
    (re.compile(r".*webextensions/", re.IGNORECASE), Harm.ADD_IN),
)
"""Patterns for the start of a part's name, with harms."""


def judge(content: bytes, findings: Findings) -> None:
    """Judge a package in an object; it may contain no object."""
    findings.spend(PACKAGE_UNITS)
    budget = Budget(entries=500, unpacked=2 * MB, markup=MB, elements=20_000)
    package = Container.of(io.BytesIO(content), budget)
    for entry in package.entries:
        for pattern, harm in NAMES:
            if pattern.match(entry.name):
                findings.add(harm)
        if is_program(entry.name):
            findings.add(Harm.PROGRAM)
        if entry.name.lower().endswith(".rels") and entry.size:
            read(
                unpack(package, entry, budget),
                Reading(lambda _, attributes: _judge_link(attributes, findings)),
                budget,
            )
    findings.add(Harm.PASTED_OBJECT)


def _judge_link(attributes: Attributes, findings: Findings) -> None:
    if attributes.get("TargetMode", "").lower() == "external":
        is_clicked = attributes.get("Type", "").lower().endswith("/hyperlink")
        judge_address(findings, attributes.get("Target", ""), CLICK_HARMS if is_clicked else LINK_HARMS)
