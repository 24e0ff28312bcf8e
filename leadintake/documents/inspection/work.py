"""What was found in one old document so far, and what looking further may still cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .addresses import Place, place_of
from .budget import MB, Budget
from .findings import Refused
from .harm import Findings, Harm
from .sentences import TOO_MUCH

UNITS = 100_000
"""Units of work in one document, objects within it included. A field that is followed takes some ten.

A mark of a field takes one, an address of usual length four, so that all of them take less than a second. A
long resume has some hundred fields; a book with five thousand links has enough."""
OF_ADDRESS, LETTERS = 4, 25
OF_PROJECT, OF_OBJECT = 20_000, 100


@dataclass
class Work(Findings):
    """Findings, with what is left to spend. Its verbs raise Refused, by the table or when that is spent."""

    units: int = UNITS
    packages: Budget = field(
        default_factory=lambda: Budget(entries=2000, unpacked=8 * MB, markup=4 * MB, elements=50_000)
    )
    """For packages within objects, of which only the links are unpacked."""

    def spend(self, units: int) -> None:
        """Spend units of work."""
        self.units -= units
        if self.units < 0:
            raise Refused(TOO_MUCH)

    def follow(self, address: str, table: Mapping[Place, Harm]) -> None:
        """Add what the table says of where an address leads."""
        self.spend(OF_ADDRESS + len(address) // LETTERS)
        self.add(table[place_of(address)])
