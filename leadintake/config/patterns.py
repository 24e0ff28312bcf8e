"""Types of settings with a pattern. The description is the answer to a wrong value."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

_HOST_NAME = r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*"
_BRACKETED_IP = r"\[[A-Za-z0-9:.]{3,50}\]"

MailAddress = Annotated[
    str, Meta(pattern=r"^[!-;=?A-~]+@[!-;=?A-~]+\Z", description="use one plain e-mail address")
]
OptionalMailAddress = Annotated[
    str, Meta(pattern=r"^([!-;=?A-~]+@[!-;=?A-~]+)?\Z", description="use one plain e-mail address")
]
EhloName = Annotated[
    str,
    Meta(  # RFC 5321, 4.1.1.1
        pattern=rf"^({_HOST_NAME}|{_BRACKETED_IP})?\Z",
        description="use a host name such as intake.firm.example, or [192.0.2.1] with its brackets",
    ),
]
RedisUrl = Annotated[str, Meta(pattern=r"^(\Z|rediss?://)", description="use redis://host:port/number")]
WebAddress = Annotated[
    str, Meta(pattern=r"^(\Z|https?://[!-~]+\Z)", description="use a whole address: https://www.firm.example")
]
RoutingKey = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z0-9]{32})?\Z",
        description="use the 32 letters and digits of an Events API v2 integration",
    ),
]
Colour = Annotated[
    str,
    Meta(pattern=r"^#[0-9a-fA-F]{6}\Z", description="write it as #rrggbb, such as #1f4e8c"),
]
