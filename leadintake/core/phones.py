"""Telephone numbers as people type them, read by Google's libphonenumber.

The library is imported when it is first needed: that takes 0.14 s, which no other command should pay.
"""

from __future__ import annotations

import re
import unicodedata

from leadintake.core.text import has_controls, is_invisible

LONGEST = 100
"""Characters of a number as it is typed. E.164 has 15 digits; the rest is what people add to it."""
FEWEST_DIGITS = 3
"""What has fewer digits is no part of a number to look for."""
TYPED = re.compile(r"[\d+\uff0b()\uff08\uff09\[\]./\uff0e\uff0f\s\-\u2010-\u2015\u2212\u30fc\uff0d]+")
"""Digits of any script and what people set between them. E.164 would lose a word, and an extension."""


def shown_text(typed: str) -> str:
    """What can be seen of it: address books put marks of direction round the numbers they copy."""
    line = " ".join(typed.split())
    visible = "".join(char for char in line if not has_controls(char) and unicodedata.category(char) != "Cf")
    return "" if is_invisible(visible) else visible.strip()


def read_number(typed: str, region: str) -> str | None:
    """The number in E.164, such as `+12025550123`; None for what is no number, or is more than one.

    `region` (ISO 3166) says where a number without a country code is from.
    """
    if len(typed) > LONGEST or not TYPED.fullmatch(typed):
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
    """The number in E.164, else what was typed."""
    return read_number(typed, region) or typed


def is_as_typed(text: str) -> bool:
    """Whether a text that `regular_number` gave could not be read."""
    return bool(text) and read_number(text, "") != text


def spaced_number(text: str) -> str:
    """A number in E.164 as people read it, `+1 202-555-0123`; what could not be read as it is."""
    if not text or is_as_typed(text):
        return text
    import phonenumbers

    return phonenumbers.format_number(phonenumbers.parse(text), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def digits_of(text: str) -> str:
    """The digits of any script, as ASCII."""
    return "".join(str(unicodedata.decimal(char)) for char in text[:LONGEST] if char.isdecimal())


def search_text(stored: str) -> str:
    """Return the search text of a stored number: itself, and its digits if other characters separate them."""
    digits = digits_of(stored)
    return stored if digits in stored else f"{stored} {digits}"


def search_terms(typed: str, region: str) -> set[str]:
    """What to look for where somebody typed a number or a part of one: digits without the zero in front.

    Nothing for what is no part of a number. The whole number is read, too: `011 49 …` is dialled in one
    region, `00 49 …` in another.
    """
    if len(typed) > LONGEST or not TYPED.fullmatch(typed):
        return set()
    digits = digits_of(typed)
    found = {digits, digits.lstrip("0"), digits_of(read_number(typed, region) or "")}
    return {one for one in found if len(one) >= FEWEST_DIGITS}


def is_region(code: str) -> bool:
    """Whether the library knows the numbers of this region."""
    import phonenumbers

    return code in phonenumbers.SUPPORTED_REGIONS
