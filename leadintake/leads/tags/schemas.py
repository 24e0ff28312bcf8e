"""JSON schemas of tags."""

from __future__ import annotations

from typing import Annotated

import msgspec

from leadintake.core.text import TYPED_PER_CHARACTER
from leadintake.leads.progress import MAX_TAG_LENGTH, MAX_TAGS

Typed = Annotated[str, msgspec.Meta(max_length=2 * MAX_TAG_LENGTH * TYPED_PER_CHARACTER)]
"""A tag, in any Unicode form, with spaces around it."""
Tags = Annotated[list[Typed], msgspec.Meta(max_length=MAX_TAGS)]


class TagsChange(msgspec.Struct, forbid_unknown_fields=True):
    """All tags of a lead, at most ten, each of 1 to 40 characters and without a comma."""

    tags: Tags


class TagList(msgspec.Struct):
    """The tags in use, most used first, 100 at most."""

    items: list[str]
