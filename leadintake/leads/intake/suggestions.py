"""What a mistyped mail domain may have meant. Offered, never forced: unusual domains are real, too."""

from __future__ import annotations

import functools
import re

import msgspec

ENDING_SLIPS = {
    **dict.fromkeys(("con", "cpm", "vom", "xom", "cim", "cmo", "ocm", "ckm", "comm", "coml"), "com"),
    **dict.fromkeys(("ney", "nte", "nett"), "net"),
    **dict.fromkeys(("ogr", "orgg"), "org"),
}
"""Endings that no domain has (IANA's root zone), and what they mean."""
SHORT_ENDINGS = ("co", "cm", "om", "cam")
"""Real endings under which these providers have no mailboxes: slips of `com`."""
COM, NET, WORLDWIDE = re.compile("com"), re.compile("net"), re.compile(r"com|(?:com?\.)?[a-z]{2}")
PROVIDERS = {
    "gmail": COM, "googlemail": COM, "icloud": COM, "protonmail": COM, "rocketmail": COM,
    "hotmail": WORLDWIDE, "outlook": WORLDWIDE, "yahoo": WORLDWIDE,
    "bellsouth": NET, "comcast": NET, "sbcglobal": NET, "verizon": NET,
}  # fmt: skip
"""The endings of a provider's mailboxes by the name before them. Shorter names (aol, gmx) have too many real
neighbours; so have slips in the first letter (ymail, email, cloud)."""


REAL_NEIGHBOURS = {"gail.com"}
"""Real domains one slip from a provider's."""
ASKED_EARLY = ("gmail", "hotmail", "icloud", "outlook", "yahoo")
"""Providers whose commonest slips the script of the form knows, too."""


def suggest(address: str) -> str | None:
    """Return the address that a normalized one may have meant; None where it has no known slip.

    1. An ending that does not exist is corrected.
    2. A name one slip from a provider's becomes the provider's, if it has mailboxes under this ending.
    """
    local, _, domain = address.rpartition("@")
    meant = _suggest_domain(domain)
    return None if meant == domain else f"{local}@{meant}"


@functools.cache
def encode_slips() -> str:
    """Return common slips for the script of the form: JSON, by domain a text of what is typed instead."""
    table = {}
    for name in ASKED_EARLY:
        places = range(1, len(name) + 1)
        typed = [name[:place] + name[place + 1 :] for place in places]
        typed += [name[:place] + name[place - 1] + name[place:] for place in places]
        typed += [name[:place] + name[place : place + 2][::-1] + name[place + 2 :] for place in places]
        domains = [f"{one}.com" for one in typed] + [
            f"{name}.{ending}" for ending in (*ENDING_SLIPS, *SHORT_ENDINGS)
        ]
        meant = f"{name}.com"
        slips = (one for one in dict.fromkeys(domains) if one != meant and _suggest_domain(one) == meant)
        table[meant] = " ".join(slips)
    return msgspec.json.encode(table).decode()


def _suggest_domain(domain: str) -> str:
    if domain in REAL_NEIGHBOURS:
        return domain
    rest, _, ending = domain.rpartition(".")
    meant = f"{rest}.{ENDING_SLIPS.get(ending, ending)}"
    name, _, ending = meant.partition(".")
    provider = next((known for known in PROVIDERS if _is_near(name, known)), None)
    if provider is None:
        return meant
    endings = PROVIDERS[provider]
    if ending in SHORT_ENDINGS and endings is not NET:
        ending = "com"
    return f"{provider}.{ending}" if endings.fullmatch(ending) else meant


def _is_near(typed: str, name: str) -> bool:
    """Return whether `name`, or one letter more, less, other or swapped (Damerau); its first letter stays."""
    if typed == name:
        return True
    if typed[:1] != name[0] and typed[:2] != name[1::-1]:
        return False
    if len(typed) == len(name):
        wrong = [place for place, letter in enumerate(name) if typed[place] != letter]
        first, last = wrong[0], wrong[-1]
        is_swapped = last - first == 1 and typed[first : last + 1] == name[last] + name[first]
        return first == last or is_swapped
    longer, shorter = sorted((typed, name), key=len, reverse=True)
    return len(longer) == len(shorter) + 1 and any(
        longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer))
    )
