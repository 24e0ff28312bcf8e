"""Packages within objects: what newer Office programs put into older documents, zip files."""

from __future__ import annotations

import io
import re

from .addresses import CLICKED, LINKED
from .budget import MB, Budget
from .container import Container
from .harm import Findings, Harm
from .markup import Attributes, Reading, read
from .programs import is_program
from .unpacking import unpacked
from .work import OF_PACKAGE, follow

NAMES = (
    (re.compile(r"(.*/)?(vbaproject|vbadata)|.*/macrosheets/", re.IGNORECASE), Harm.MACROS),
    (re.compile(r".*activex", re.IGNORECASE), Harm.CONTROL),
    (re.compile(r".*(externallinks|querytables|connections)", re.IGNORECASE), Harm.DATA_LINK),
    (re.compile(r".*(embeddings|oleobject)", re.IGNORECASE), Harm.PACKED_FILE),
    (re.compile(r".*webextensions/", re.IGNORECASE), Harm.ADD_IN),
)
"""By the beginning of a part's name, what it brings."""


def judge(content: bytes, findings: Findings) -> None:
    """Add what a package within an object does; it may hold no further object. Raises Refused."""
    findings.spend(OF_PACKAGE)
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
                unpacked(package, entry, budget),
                Reading(lambda _, attributes: _judge_link(attributes, findings)),
                budget,
            )
    findings.add(Harm.PASTED_OBJECT)


def _judge_link(attributes: Attributes, findings: Findings) -> None:
    if attributes.get("TargetMode", "").lower() == "external":
        is_clicked = attributes.get("Type", "").lower().endswith("/hyperlink")
        follow(findings, attributes.get("Target", ""), CLICKED if is_clicked else LINKED)
