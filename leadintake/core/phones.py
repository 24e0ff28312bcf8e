"""Telephone numbers as typed, read by Google's libphonenumber.

Its import takes 0.14 s, so it waits for the first use.
"""

from __future__ import annotations

import re
import unicodedata

from leadintake.core.text import has_controls, is_invisible

MAX_LENGTH = 100
"""Characters as typed, with separators; E.164 has 15 digits."""
MIN_DIGITS = 3
"""Shorter parts of a number are not searched."""
TYPED = re.compile(r"[\d+\uff0b()\uff08\uff09\[\]./\uff0e\uff0f\s\-\u2010-\u2015\u2212\u30fc\uff0d]+")
"""Digits of any script and separators. Other text stays as typed: E.164 would lose a word or an extension."""


def shown_text(typed: str) -> str:
    """Return the visible text in one line: address books add direction marks to copied numbers."""
    line = " ".join(typed.split())
    visible = "".join(char for char in line if not has_controls(char) and unicodedata.category(char) != "Cf")
    return "" if is_invisible(visible) else visible.strip()


def read_number(typed: str, region: str) -> str | None:
    """Return the number in E.164, such as `+12025550123`; None if the text is not exactly one valid number.

    `region` (ISO 3166): of numbers without a country code.
    """
    if len(typed) > MAX_LENGTH or not TYPED.fullmatch(typed):
        return None
    import phonenumbers

    try:
        number = phonenumbers.parse(typed, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def regular_number(typed: str, region: str) -> str:
    """Return the number in E.164, else the text as typed."""
    return read_number(typed, region) or typed


def is_as_typed(text: str) -> bool:
    """Return whether a result of `regular_number` is not in E.164."""
    return bool(text) and read_number(text, "") != text


def spaced_number(text: str) -> str:
    """Return a number in E.164 with spaces, `+1 202-555-0123`; other text unchanged."""
    if not text or is_as_typed(text):
        return text
    import phonenumbers

    return phonenumbers.format_number(phonenumbers.parse(text), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def digits_of(text: str) -> str:
    """Return the digits of any script, as ASCII."""
    return "".join(str(unicodedata.decimal(char)) for char in text[:MAX_LENGTH] if char.isdecimal())


def search_text(stored: str) -> str:
    """Return the search text of a stored number: itself, and its digits if other characters separate them."""
    digits = digits_of(stored)
    return stored if digits in stored else f"{stored} {digits}"


def search_terms(typed: str, region: str) -> set[str]:
    """Return the digits to search for a typed number or a part of one; nothing for other text.

    With and without leading zeros, and as E.164: `011 49 …` is dialled in one region, `00 49 …` in another.
    """
    if len(typed) > MAX_LENGTH or not TYPED.fullmatch(typed):
        return set()
    digits = digits_of(typed)
    found = {digits, digits.lstrip("0"), digits_of(read_number(typed, region) or "")}
    return {term for term in found if len(term) >= MIN_DIGITS}


def is_region(code: str) -> bool:
    """Return whether the library knows this region."""
    import phonenumbers

    return code in phonenumbers.SUPPORTED_REGIONS
