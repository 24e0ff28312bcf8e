"""Lines of the log, read as an operator's collector reads them."""

from __future__ import annotations

import json
from typing import Any


def lines_of(text: str, event: str | None = None) -> list[dict[str, Any]]:
    """The JSON lines in a text, all or those of one event."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if event in (None, line["event"])]
