"""Cost of inspecting parts of a document, in units of `Findings`."""

from __future__ import annotations

from collections.abc import Mapping

from .addresses import Place, classify_address
from .harm import Findings, Harm

ADDRESS_UNITS, LETTERS_PER_UNIT = 4, 25
OBJECT_UNITS, PACKAGE_UNITS, PROJECT_UNITS = 100, 5_000, 20_000
"""Units. A field mark costs one, an address of usual length a few; all together take less than a second."""


def judge_address(findings: Findings, address: str, table: Mapping[Place, Harm]) -> None:
    """Add the harm that `table` names for the place of an address. Raises Refused."""
    findings.spend(ADDRESS_UNITS + len(address) // LETTERS_PER_UNIT)
    findings.add(table[classify_address(address)])
