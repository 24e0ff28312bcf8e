"""What keeps spam apart: the settings of it, judged."""

from __future__ import annotations

from importlib.util import find_spec

from leadintake.config.settings import Settings


def spam(settings: Settings) -> list[tuple[bool, str]]:
    """What is wrong with them."""
    return [
        (not 0 <= settings.FORM_MIN_SECONDS <= 60, "FORM_MIN_SECONDS: use 0 to 60; 0 switches it off"),
        (
            settings.ALTCHA and find_spec("altcha") is None,
            "ALTCHA: install the library first: pip install 'leadintake[altcha]'",
        ),
    ]
