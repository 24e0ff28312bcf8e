"""Query parameters of single sign-on."""

from __future__ import annotations

from typing import Annotated

import msgspec


class SsoStart(msgspec.Struct, forbid_unknown_fields=True):
    """Local path to open after sign-in."""

    next: Annotated[str, msgspec.Meta(max_length=500)] = "/docs"


class SsoAnswer(msgspec.Struct):
    """Callback parameters (RFC 6749, 4.1.2; RFC 9207)."""

    code: Annotated[str, msgspec.Meta(max_length=4096, pattern="^[ -~]*$")] = ""
    state: Annotated[str, msgspec.Meta(max_length=200)] = ""
    error: Annotated[str, msgspec.Meta(max_length=200)] = ""
    iss: Annotated[str, msgspec.Meta(max_length=1000)] = ""
