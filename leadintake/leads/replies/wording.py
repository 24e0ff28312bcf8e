"""Texts of replies and templates: their limits, and the fields in braces.

`{first_name}` is a field; `{{` and `}}` stand for single braces. Fields are replaced in one pass, so a value
is never read as a field, and no attribute of a value can be named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from leadintake.core.text import BIDI_CONTROLS, TooLong, has_controls, is_invisible, normalize_text

MAX_NAME_LENGTH, MAX_SUBJECT_LENGTH, MAX_BODY_LENGTH = 80, 150, 10_000
FIELDS = ("first_name", "last_name", "attorney", "firm", "phone", "reference", "practice_area")
"""`phone` is the firm's."""
PROSPECT_FIELDS = ("first_name", "last_name")
"""Text of a prospect, which must not reach a subject by itself."""
TOKEN = re.compile(r"\{\{|\}\}|\{([^\s{}]{1,60})\}")
LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
LAYOUT = str.maketrans("", "", "\n\t" + "".join(sorted(BIDI_CONTROLS)))
UNREADABLE = "This has characters that cannot be shown. Please type it again."


def check_line(text: str, most: int, errors: dict[str, list[str]], field: str) -> str:
    """Return a line in NFC; name what is wrong with it in `errors`."""
    try:
        line = normalize_text(text, most)
    except TooLong:
        line = ""
    if is_invisible(line):
        errors[field] = [f"Write 1 to {most} characters in one line."]
    elif has_controls(line):
        errors[field] = [UNREADABLE]
    return line


def check_body(text: str, errors: dict[str, list[str]]) -> str:
    """Return the text in NFC, with \\n at the ends of lines; name what is wrong with it in `errors`.

    Any script is allowed, its bidi controls included: they end with their line.
    """
    try:
        body = normalize_text(LINE_ENDS.sub("\n", text), MAX_BODY_LENGTH)
    except TooLong:
        body = ""
    if is_invisible(body.translate(LAYOUT)):
        errors["body"] = [f"Write 1 to {MAX_BODY_LENGTH:,} characters."]
    elif has_controls(body.translate(LAYOUT)):
        errors["body"] = [UNREADABLE]
    return body


def list_fields(text: str) -> list[str]:
    """Return the names in single braces, in their order."""
    return list(dict.fromkeys(match[1] for match in TOKEN.finditer(text) if match[1]))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace the fields. One without a value stays as it is, for its author to see."""

    def replace(match: re.Match[str]) -> str:
        return values.get(match[1]) or match[0] if match[1] else match[0][0]

    return TOKEN.sub(replace, text)


def list_empty_fields(text: str, values: Mapping[str, str]) -> list[str]:
    """Return the fields of a template that `fill` leaves in their braces."""
    return [name for name in list_fields(text) if not values.get(name)]


def name_fields(names: list[str]) -> str:
    """Return `{a}, {b}`, each cut to 60 characters."""
    return ", ".join(f"{{{name}}}" for name in names)
