"""What looking into an old document costs, in units that its findings have so many of."""

from __future__ import annotations

from collections.abc import Mapping

from .addresses import Place, place_of
from .harm import Findings, Harm

OF_ADDRESS, LETTERS = 4, 25
OF_OBJECT, OF_PACKAGE, OF_PROJECT = 100, 5_000, 20_000
"""Units: a mark of a field is one, an address of usual length some more, all of them less than a second."""


def follow(findings: Findings, address: str, table: Mapping[Place, Harm]) -> None:
    """Add what the table says of where an address leads. Raises Refused."""
    findings.spend(OF_ADDRESS + len(address) // LETTERS)
    findings.add(table[place_of(address)])
