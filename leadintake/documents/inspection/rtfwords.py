"""RTF destinations that are judged: addresses, class names, pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import classes, drawings, merging
from .addresses import CLICK_HARMS, FETCH_HARMS, TEMPLATE_HARMS, Place, classify_address
from .compound import MAGIC as COMPOUND
from .container import MAGIC as CONTAINER
from .harm import Findings, Harm
from .instructions import UNSEEN
from .programs import MAGIC as PROGRAMS
from .work import ADDRESS_UNITS, judge_address

Judge = Callable[[str, Findings], None]
FIRST_BYTES = 16
MAX_LENGTH = 16 * 1024
"""Characters of a destination that are read."""
HEX = re.compile("[0-9a-f]*+", re.IGNORECASE)


def _judge_picture(digits: str, findings: Findings) -> None:
    head = bytes.fromhex(digits[: len(digits) // 2 * 2])
    if head.startswith(PROGRAMS):
        findings.add(Harm.PROGRAM)
    if head.startswith((COMPOUND, CONTAINER)):
        findings.add(Harm.PACKED_FILE)


def _judge_by_place(table: Mapping[Place, Harm]) -> Judge:
    return lambda address, findings: judge_address(findings, address, table)


def _judge_base(address: str, findings: Findings) -> None:
    """Judge the base of relative links."""
    is_machine = classify_address(address) is Place.OTHER_MACHINE
    findings.add(Harm.LINK_TO_MACHINE if is_machine else Harm.LINK)


def _judge_link(digits: str, findings: Findings) -> None:
    """Judge a field's data: Word reads that of a link, [MS-OSHARED] 2.3.7."""
    drawings.judge_links(bytes.fromhex(digits[: len(digits) // 2 * 2]), findings)


def _judge_hex_connection(digits: str, findings: Findings) -> None:
    content = bytes.fromhex(digits[: len(digits) // 2 * 2])
    for encoding in ("utf-16-le", "cp1252"):
        merging.judge_connection(content.decode(encoding, "ignore").strip("\0"), findings)


def _judge_class(name: str, findings: Findings) -> None:
    findings.add(classes.classify_name(name))


DESTINATIONS: dict[str, Judge] = {
    "pict": _judge_picture,
    "template": _judge_by_place(TEMPLATE_HARMS),
    "sn": lambda _name, _findings: None,
    "sv": lambda _value, _findings: None,  # judged by the property's name, which precedes it
    "hlsrc": _judge_by_place(CLICK_HARMS),
    "hlinkbase": _judge_base,
    "nextfile": _judge_by_place(FETCH_HARMS),
    "file": _judge_by_place(FETCH_HARMS),
    "datafield": _judge_link,
    "mmconnectstr": merging.judge_connection,
    "mmconnectstrdata": _judge_hex_connection,
    "mmdatasource": merging.judge_file,
    "mmheadersource": merging.judge_file,
    "mmodsosrc": merging.judge_file,
    "mmodsoudl": merging.judge_connection,
    "mmodsoudldata": _judge_hex_connection,
    "oleclsid": lambda clsid, findings: findings.add(classes.classify_text(clsid)),
}
"""Judge by control word."""
HEX_DESTINATIONS = {"pict", "datafield", "mmconnectstrdata", "mmodsoudldata"}
SHAPES: dict[str, Judge] = dict.fromkeys(
    ("pibname", "pibprintname", "fillblipname", "lineblipname", "linefillblipname"),
    _judge_by_place(FETCH_HARMS),
) | {"hlink": _judge_by_place(CLICK_HARMS), "pihlshape": _judge_by_place(CLICK_HARMS)}
"""Judge by shape property that is an address; names and alternative texts only look like addresses."""


@dataclass
class Destination:
    """Text of a destination. `word`: control word."""

    word: str
    parts: list[str] = field(default_factory=list)
    length: int = 0

    @property
    def is_full(self) -> bool:
        """Whether more text makes no difference."""
        return self.length >= (2 * FIRST_BYTES if self.word == "pict" else MAX_LENGTH)

    @property
    def text(self) -> str:
        """Text so far."""
        return "".join(self.parts)

    def add(self, text: str) -> None:
        """Append text, without invisible characters and leading blanks."""
        if self.is_full:
            return
        visible = UNSEEN.sub("", text)
        if self.word in HEX_DESTINATIONS:
            visible = "".join(visible.split())
        elif not self.parts:
            visible = visible.lstrip()
        if visible:
            self.parts.append(visible[:MAX_LENGTH])
            self.length += len(visible)

    def judge(self, findings: Findings, shape_property: str) -> None:
        """Judge the text."""
        text = self.text
        if self.word in HEX_DESTINATIONS:
            found = HEX.match(text)
            text = found[0] if found else ""
        judge = SHAPES.get(shape_property) if self.word == "sv" else DESTINATIONS.get(self.word, _judge_class)
        if judge:
            findings.spend(ADDRESS_UNITS)
            judge(text, findings)
