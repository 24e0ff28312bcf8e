"""Texts of several lines that people of the firm write."""

from __future__ import annotations

from typing import Annotated

import msgspec

from leadintake.core.errors import UnprocessableContent
from leadintake.core.text import (
    TYPED_PER_CHARACTER,
    TooLong,
    has_controls_in_lines,
    is_invisible,
    normalize_lines,
)
from leadintake.leads.conversation import MAX_TEXT_LENGTH

LongText = Annotated[str, msgspec.Meta(max_length=2 * MAX_TEXT_LENGTH * TYPED_PER_CHARACTER)]
"""4,000 characters, in any Unicode form and with any line ends."""


def clean_text(text: str, field: str) -> str:
    """Return the text as it is stored. Raises UnprocessableContent, which names `field`."""
    try:
        cleaned = normalize_lines(text, MAX_TEXT_LENGTH)
    except TooLong:
        raise UnprocessableContent({field: [f"Use at most {MAX_TEXT_LENGTH:,} characters."]}) from None
    if has_controls_in_lines(cleaned):
        raise UnprocessableContent(
            {field: ["This has characters that cannot be shown. Please type it again."]}
        )
    if is_invisible(cleaned.replace("\n", "").replace("\t", "")):
        raise UnprocessableContent({field: ["Write something that can be read."]})
    return cleaned
