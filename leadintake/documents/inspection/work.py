"""Costs of inspection, in units of `Findings`."""

from __future__ import annotations

from collections.abc import Mapping

from .addresses import Place, classify_address
from .harm import Findings, Harm

ADDRESS_UNITS, LETTERS_PER_UNIT = 4, 25
OBJECT_UNITS, PACKAGE_UNITS, PROJECT_UNITS = 100, 5_000, 20_000
"""Units. A field mark costs one, a usual address a few; a whole budget takes less than a second."""


def judge_address(findings: Findings, address: str, table: Mapping[Place, Harm]) -> None:
    """Add the harm that `table` has for an address."""
    findings.spend(ADDRESS_UNITS + len(address) // LETTERS_PER_UNIT)
    findings.add(table[classify_address(address)])
