"""Whether mail leaves: what the mail server has against us, since when, and in its words.

What is our fault closes the way for everybody. If only mail to strangers shows it, the way is closed for them
alone: what strangers type must not keep the firm's own alerts back. While it is closed, one message is tried
a minute.

Words are shown at the desk, in the log and in incidents, so they are kept without addresses.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.notifications.faults import OPENING
from leadintake.notifications.models import ChannelFault

EVERYBODY, STRANGERS = "everybody", "strangers"
TRY_EVERY = timedelta(seconds=60)
ADDRESS = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]+")
LONGEST_WORDS = 500


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A way that is closed."""

    scope: str
    """`everybody`, or `strangers`: only mail to prospects waits."""
    since: datetime
    step: str
    """Where in the conversation: connect, EHLO, STARTTLS, AUTH, MAIL FROM, RCPT TO or DATA."""
    words: str
    """What the mail server said."""
    tried_at: datetime
    tried_id: uuid.UUID | None
    """The message that was tried last."""

    @property
    def is_opening(self) -> bool:
        """Whether no conversation begins at all, so that no message is ever tried."""
        return self.step in OPENING


def channel_state() -> ChannelState | None:
    """What keeps mail from leaving; None while it leaves. Of two closed scopes the wider."""
    found = closed_scopes()
    return found.get(EVERYBODY) or found.get(STRANGERS)


def closed_scopes() -> dict[str, ChannelState]:
    """Every closed scope."""
    columns = ChannelFault.scope, ChannelFault.since, ChannelFault.step, ChannelFault.words
    rows = db.session.execute(sa.select(*columns, ChannelFault.tried_at, ChannelFault.tried_id)).all()
    return {row.scope: ChannelState(*row) for row in rows}


def close(scope: str, step: str, words: str, message_id: uuid.UUID | None = None) -> None:
    """Record that the way is closed, in the caller's transaction. The first to notice says since when."""
    said = {"step": str(step), "words": mask_addresses(words), "tried_at": now()}
    if message_id is not None:
        said["tried_id"] = message_id
    if _change(scope, said):
        return
    try:
        with db.session.begin_nested():
            db.session.add(ChannelFault(scope=scope, since=now(), **said))
    except IntegrityError:  # another worker was first
        _change(scope, said)


def reopen(*scopes: str) -> None:
    """Record that the way is open, in the caller's transaction; without scopes for everybody."""
    gone = sa.delete(ChannelFault)
    db.session.execute(gone.where(ChannelFault.scope.in_(scopes)) if scopes else gone)


def may_try(scope: str, *, at_once: bool = False) -> bool:
    """Take the one try of this minute; False if another worker has it."""
    moment = now()
    due = sa.or_(ChannelFault.tried_at <= moment - TRY_EVERY, ChannelFault.tried_at >= moment + TRY_EVERY)
    mine = sa.update(ChannelFault).where(ChannelFault.scope == scope, sa.true() if at_once else due)
    changed = db.session.execute(mine.values(tried_at=moment, updated_at=moment))
    return bool(changed.rowcount)  # type: ignore[attr-defined] # of a CursorResult, which an UPDATE gives


def mask_addresses(words: str) -> str:
    """The words on one line, without anybody's address."""
    return ADDRESS.sub("…", " ".join(words.split()))[:LONGEST_WORDS]


def _change(scope: str, said: dict[str, object]) -> bool:
    # A conversation that does not begin proves nothing of what was refused in an earlier one.
    values = dict(said)
    if said["step"] in OPENING:
        values["step"] = sa.case(
            (ChannelFault.step.in_([str(step) for step in OPENING]), said["step"]), else_=ChannelFault.step
        )
    mine = sa.update(ChannelFault).where(ChannelFault.scope == scope).values(**values)
    changed = db.session.execute(mine, execution_options={"synchronize_session": False})
    return bool(changed.rowcount)  # type: ignore[attr-defined] # the same
