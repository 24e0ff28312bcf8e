"""What looking inside one upload may cost, containers within containers included."""

from __future__ import annotations

from dataclasses import dataclass

from .findings import Refused
from .sentences import TOO_MUCH

MB = 1024 * 1024


@dataclass
class Budget:
    """What is left to spend. Each verb raises Refused when that is not enough.

    The largest of 2,686 genuine containers had 733 entries and 15 MB unpacked. What may be spent at all takes
    less than a second.
    """

    entries: int = 1500
    unpacked: int = 48 * MB
    markup: int = 16 * MB
    elements: int = 400_000

    def list(self, entries: int) -> None:
        """Spend entries of a container's list."""
        self.entries -= entries
        _enough(self.entries)

    def unpack(self, size: int) -> None:
        """Spend unpacked bytes."""
        self.unpacked -= size
        _enough(self.unpacked)

    def parse(self, size: int) -> None:
        """Spend bytes of XML."""
        self.markup -= size
        _enough(self.markup)

    def element(self, weight: int = 1) -> None:
        """Spend an element of XML, or what costs as much as so many."""
        self.elements -= weight
        if self.elements < 0:
            raise Refused(TOO_MUCH)


def _enough(left: int) -> None:
    if left < 0:
        raise Refused(TOO_MUCH)
