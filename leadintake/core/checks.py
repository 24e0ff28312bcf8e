"""What must work for the service to work: rooms register a check, monitoring and the doctor ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Flask, current_app

Check = Callable[[], None]
"""Returns when the part works, raises with a sentence for the operator when it does not."""


def register(app: Flask, part: str, check: Check, *, needed: bool = True) -> None:
    """Add a check of `part`. A check that is not `needed` is the doctor's only, not readiness's."""
    app.extensions.setdefault("leadintake.checks", []).append((part, check, needed))


def results(*, all_of_them: bool = False) -> dict[str, str]:
    """Each part that was asked, and what is wrong with it: nothing (an empty text) or a sentence."""
    found = {}
    for part, check, needed in current_app.extensions["leadintake.checks"]:
        if needed or all_of_them:
            try:
                check()
                found[part] = ""
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a part is its finding
                found[part] = str(error).partition("\n")[0] or type(error).__name__
    return found


def failing() -> dict[str, str]:
    """The needed parts that do not work now, each with its sentence."""
    return {part: sentence for part, sentence in results().items() if sentence}


def gauge(app: Flask, name: str, help_text: str, label: str, read: Callable[[], Mapping[str, int]]) -> None:
    """Add a number per value of `label` to the metrics, read when asked for."""
    app.extensions.setdefault("leadintake.gauges", {})[name] = (help_text, label, read)
