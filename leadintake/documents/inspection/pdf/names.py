"""Names that make a PDF act, and patterns that find them without parsing."""

from __future__ import annotations

import re

from .syntax import END_OF_NAME, SPACE, match_names

MEDIA_ACTIONS = {"Rendition", "Movie", "Sound", "RichMediaExecute", "GoTo3DView"}  # 12.6.4
MEDIA_ANNOTATIONS = {"Movie", "Screen", "Sound", "3D", "RichMedia"}  # 12.5.6, 13
LINKS = {"GoTo", "GoToR", "GoToE", "GoToDp", "Thread", "Launch", "URI"}
WATCHED = (
    {
        "JavaScript",
        "JS",
        "Launch",
        "URI",
        "SubmitForm",
        "ImportData",
        "XFA",
        "AA",
        "OpenAction",
        "EF",
        "MCD",
        "Base",
        "Ref",
    }
    | {"UF", "DOS", "Mac", "Unix", "Encrypt"}
    | MEDIA_ACTIONS
    | MEDIA_ANNOTATIONS
)
"""Every harmful dictionary has one of these names or /F, apart in MAY_ACT since it is mostly a number."""
REFUSED_NAMES = WATCHED | LINKS | {"F"}
"""Names refused in objects that cannot be parsed."""


def _join_names(names: set[str]) -> bytes:
    """Return a pattern of these names that branches on the first letter."""
    by_letter = {name[0]: [other[1:] for other in sorted(names) if other[0] == name[0]] for name in names}
    return "|".join(f"{letter}(?:{'|'.join(rests)})" for letter, rests in sorted(by_letter.items())).encode()


NUMBER_OF_OBJECT = rb"\+?\d++(?:" + SPACE + rb"*+%|" + SPACE + rb"++\d)"
MAY_ACT = re.compile(
    rb"/(?:(?:%b)%b|F(?=[(<%%]|%b++(?:[(<%%]|%b))|[^\x00\t\n\f\r ()<>\[\]{}/%%#]*+\#)"
    % (_join_names(WATCHED), END_OF_NAME, SPACE, NUMBER_OF_OBJECT)
)
"""A watched name, or any with #xx escapes, which hide it."""
SHAPE = {name: re.compile(b"/" + match_names(name) + END_OF_NAME) for name in ("Catalog", "Page", "XRef")}
"""Names in every PDF, possibly in object streams; XRef only where there is no table."""
ENCRYPT = re.compile(b"/" + match_names("Encrypt") + END_OF_NAME)
