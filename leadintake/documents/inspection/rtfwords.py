"""What destinations of RTF say that is judged: addresses, class names, the first bytes of pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import classes, drawings, merging
from .addresses import CLICKED, FETCHED, TEMPLATES, Place, place_of
from .compound import MAGIC as COMPOUND
from .container import MAGIC as CONTAINER
from .harm import Findings, Harm
from .instructions import UNSEEN
from .programs import MAGIC as PROGRAMS
from .work import OF_ADDRESS, follow

Judge = Callable[[str, Findings], None]
FIRST_BYTES = 16
LONGEST = 16 * 1024
"""Characters of a destination's text that are looked at."""
HEX = re.compile("[0-9a-f]*+", re.IGNORECASE)


def _picture(digits: str, findings: Findings) -> None:
    head = bytes.fromhex(digits[: len(digits) // 2 * 2])
    if head.startswith(PROGRAMS):
        findings.add(Harm.PROGRAM)
    if head.startswith((COMPOUND, CONTAINER)):
        findings.add(Harm.PACKED_FILE)


def _by_place(table: Mapping[Place, Harm]) -> Judge:
    return lambda address, findings: follow(findings, address, table)


def _base(address: str, findings: Findings) -> None:
    """What links are relative to."""
    is_machine = place_of(address) is Place.OTHER_MACHINE
    findings.add(Harm.LINK_TO_MACHINE if is_machine else Harm.LINK)


def _link(digits: str, findings: Findings) -> None:
    """The data of a field: of a link it is what [MS-OSHARED] 2.3.7 tells, which Word goes by."""
    drawings.judge_links(bytes.fromhex(digits[: len(digits) // 2 * 2]), findings)


def _connection_in_bytes(digits: str, findings: Findings) -> None:
    content = bytes.fromhex(digits[: len(digits) // 2 * 2])
    for encoding in ("utf-16-le", "cp1252"):
        merging.judge_connection(content.decode(encoding, "ignore").strip("\0"), findings)


def _class(name: str, findings: Findings) -> None:
    findings.add(classes.of_name(name))


DESTINATIONS: dict[str, Judge] = {
    "pict": _picture,
    "template": _by_place(TEMPLATES),
    "sn": lambda _name, _findings: None,
    "sv": lambda _value, _findings: None,  # by the name before it
    "hlsrc": _by_place(CLICKED),
    "hlinkbase": _base,
    "nextfile": _by_place(FETCHED),
    "file": _by_place(FETCHED),
    "datafield": _link,
    "mmconnectstr": merging.judge_connection,
    "mmconnectstrdata": _connection_in_bytes,
    "mmdatasource": merging.judge_file,
    "mmheadersource": merging.judge_file,
    "mmodsosrc": merging.judge_file,
    "mmodsoudl": merging.judge_connection,
    "mmodsoudldata": _connection_in_bytes,
    "oleclsid": lambda clsid, findings: findings.add(classes.of_text(clsid)),
}
"""What is read, by its control word, and how it is judged."""
OF_BYTES = {"pict", "datafield", "mmconnectstrdata", "mmodsoudldata"}
SHAPES: dict[str, Judge] = dict.fromkeys(
    ("pibname", "pibprintname", "fillblipname", "lineblipname", "linefillblipname"), _by_place(FETCHED)
) | {"hlink": _by_place(CLICKED), "pihlshape": _by_place(CLICKED)}
"""Properties of shapes that are addresses; a name or an alternative text may look like one and is none."""


@dataclass
class Said:
    """What a destination says. `of` is its control word."""

    of: str
    parts: list[str] = field(default_factory=list)
    length: int = 0

    @property
    def is_full(self) -> bool:
        """Whether more makes no difference."""
        return self.length >= (2 * FIRST_BYTES if self.of == "pict" else LONGEST)

    @property
    def words(self) -> str:
        """All of it."""
        return "".join(self.parts)

    def add(self, words: str) -> None:
        """Go on, without blanks at its start and what nobody sees."""
        if self.is_full:
            return
        seen = UNSEEN.sub("", words)
        if self.of in OF_BYTES:
            seen = "".join(seen.split())
        elif not self.parts:
            seen = seen.lstrip()
        if seen:
            self.parts.append(seen[:LONGEST])
            self.length += len(seen)

    def judge(self, findings: Findings, shape_property: str) -> None:
        """Add what follows from it. Raises Refused."""
        words = self.words
        if self.of in OF_BYTES:
            found = HEX.match(words)
            words = found[0] if found else ""
        judge = SHAPES.get(shape_property) if self.of == "sv" else DESTINATIONS.get(self.of, _class)
        if judge:
            findings.spend(OF_ADDRESS)
            judge(words, findings)
