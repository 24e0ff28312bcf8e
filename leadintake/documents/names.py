"""The name of an upload: what its ending promises, and the name under which the file is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from leadintake.core.text import is_invisible, shown_name
from leadintake.documents.inspection import BY_EXTENSION

LONGEST = 255
NAMELESS = "resume"
# An ending of ours, and behind it at most what programs add to a second copy: a dot, " (1)", "-2", "_".
OURS = re.compile(
    rf"(?P<stem>.*)(?P<ending>{'|'.join(map(re.escape, BY_EXTENSION))})(?P<copy>[\W\d_]*)",
    re.IGNORECASE | re.DOTALL,
)
LOOKS_LIKE_AN_ENDING = re.compile(r"(?![vV]\d)([a-z][a-z0-9]{1,3}|[A-Z][A-Z0-9]{1,3})")
OTHERS = {
    "3gp", "7z", "class", "command", "crdownload", "desktop", "download", "ipynb", "mhtml", "numbers",
    "pages", "shtml", "sqlite", "torrent", "webarchive", "webloc", "xhtml",
}  # fmt: skip
"""Endings of other kinds of file that do not look like one."""


@dataclass(frozen=True)
class Name:
    """A name that is safe to show. `ending` is one of ours in lower case, or empty when there is none."""

    stem: str
    ending: str = ""
    written: str = ""
    """The ending as it was written."""
    is_not_taken: bool = False
    """Whether it is the name of another kind of file, or none at all."""

    @classmethod
    def of(cls, filename: str) -> Name:
        """Take a name apart."""
        name = _without_blanks(shown_name(filename, LONGEST))
        if match := OURS.fullmatch(name):
            copy = match["copy"].rstrip(". ") if re.search(r"\d", match["copy"]) else ""
            return cls(match["stem"] + copy, match["ending"].lower(), match["ending"])
        name = _without_blanks(name.rstrip(". "))
        return cls(name, is_not_taken=not name or _has_other_ending(name))

    def under(self, ending: str) -> str:
        """The name with this ending, as it was written if it had it already."""
        written = self.written if self.ending == ending else ending
        stem = self.stem or NAMELESS
        return stem[: LONGEST - len(written)] + written


def _without_blanks(name: str) -> str:
    """Without what nobody sees at its end."""
    while name and is_invisible(name[-1]):
        name = name[:-1]
    return name


def _has_other_ending(name: str) -> bool:
    _, dot, ending = name.rpartition(".")
    if not dot or len(ending) < 2:  # an initial
        return False
    return ending.lower() in OTHERS or bool(LOOKS_LIKE_AN_ENDING.fullmatch(ending))
