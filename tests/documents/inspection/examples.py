"""How many examples a property is tried with: the same ones in every run."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

LONG = os.environ.get("LEADINTAKE_FAULTS") == "full"


def examples(number: int, **more: Any) -> settings:
    """So many in the long form, a quarter of them in the short one; no time limit for one of them."""
    few = number if LONG else max(number // 4, 8)
    return settings(max_examples=few, deadline=None, derandomize=True, database=None, **more)
