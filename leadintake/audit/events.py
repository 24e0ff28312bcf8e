"""Events of this room."""

from __future__ import annotations

from datetime import datetime

import msgspec

from leadintake.audit.chain import Head
from leadintake.core.hooks import Event


class HeadPublished(msgspec.Struct, frozen=True):
    """The end of the chain at a moment."""

    head: Head
    moment: datetime


head_published = Event("head_published", HeadPublished)
