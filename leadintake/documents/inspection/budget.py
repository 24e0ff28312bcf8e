"""What looking inside one upload may cost, containers within containers included."""

from __future__ import annotations

from dataclasses import dataclass

from .findings import Refused
from .sentences import TOO_MUCH

MB = 1024 * 1024


@dataclass
class Budget:
    """What is left to spend. Each verb raises Refused when that is not enough."""

    entries: int = 2000
    unpacked: int = 100 * MB
    markup: int = 32 * MB
    elements: int = 1_000_000

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

    def element(self) -> None:
        """Spend an element of XML."""
        self.elements -= 1
        _enough(self.elements)


def _enough(left: int) -> None:
    if left < 0:
        raise Refused(TOO_MUCH)
