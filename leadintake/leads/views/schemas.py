"""Schemas of the forms about saved views."""

from __future__ import annotations

from typing import Annotated

import msgspec

from leadintake.core.text import TYPED_PER_CHARACTER
from leadintake.leads.views.service import MAX_NAME_LENGTH

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_LENGTH * TYPED_PER_CHARACTER)]


class ViewGiven(msgspec.Struct, forbid_unknown_fields=True):
    """A name for a query string of the list."""

    name: Name = ""
    query: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class ViewRenamed(msgspec.Struct, forbid_unknown_fields=True):
    """A new name."""

    name: Name = ""
