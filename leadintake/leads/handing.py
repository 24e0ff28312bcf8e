"""Leads that go on by themselves: from who left, is away or declined, and those that wait for somebody.

Every verb runs under the assignment lock. A lead that waits is PENDING, has nobody, and was not left to
nobody by a person.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
import structlog

from leadintake.assignment.absences import absences
from leadintake.assignment.rounds import WORKERS, Round, Wanted
from leadintake.assignment.service import assignment
from leadintake.audit.service import By, audit
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.database import db, reading
from leadintake.core.errors import Conflict, Forbidden, Invalid
from leadintake.core.text import TooLong, has_controls, is_invisible, regular
from leadintake.core.transaction import transaction
from leadintake.leads import events, loads, ownership
from leadintake.leads.models import Decline, Lead, LeadStatus, Screen, waiting

Condition = sa.ColumnElement[bool]
LONGEST_WORDS = 500
MOST_AT_ONCE = 100
"""Leads that change hands in one transaction, while submissions wait: a worker's next round goes on."""
log = structlog.get_logger()


class Handing:
    """Leads on their way to the next."""

    def hand_back(self, person: User, why: str, by: By) -> None:
        """Give the pending leads of somebody who left to others, oldest first, each with its reason.

        Of very many the oldest; workers go on with the others, of which nobody is alerted meanwhile.
        """
        theirs = sa.and_(Lead.assignee_id == person.id, Lead.status == LeadStatus.PENDING)
        self._hand_on(theirs, "handed_back", why, by=by)

    def hand_on(self, lead: Lead, cause: str, why: str, *, by: By) -> None:
        """Give one lead to the next, for a reason (a sentence)."""
        self._hand_on(Lead.id == lead.id, cause, why, by=by)

    def decline(self, lead: Lead, words: str, *, by: User) -> None:
        """Refuse an assignment: the lead goes to the next, and by itself never back.

        Raises Forbidden for somebody else's lead, Conflict for one that was reached out to, Invalid.
        """
        if lead.assignee_id != by.id:
            raise Forbidden("This lead is not yours to decline. A manager may hand it over.")
        if lead.status is not LeadStatus.PENDING:
            raise Conflict("This prospect was reached out to already. A manager may hand the lead over.")
        said = _judged(words)
        if by.id not in loads.kept_from([lead.id], Decline).get(lead.id, ()):
            db.session.add(Decline(lead_id=lead.id, user_id=by.id, reason=said))
            db.session.flush()
        events.record(lead, "declined", said, actor=by.email)
        self.hand_on(lead, "declined", f"{by.name} declined it.", by=by)

    def look_after(self) -> None:
        """Hand on what is with somebody who cannot have it, give out what waits: in a worker's every round.

        Whether there is anything to do is asked first, and without the lock.
        """
        with reading():
            adrift, placeable, untold = _adrift(), _any_placeable(), any(True for _ in events.untold())
            db.session.rollback()
        for person in adrift:
            try:
                self._take_back(person)
            except Exception:
                # Whatever it is about their leads: those of others go on all the same.
                log.exception("hand_back_failed", user=str(person))
        if placeable:
            with transaction():
                assignment.hold()
                self._give_out()
        if untold:
            with transaction():
                assignment.hold()
                for manager, lead in [*events.untold()]:
                    events.remind(manager, lead)

    def _take_back(self, user_id: uuid.UUID) -> None:
        with transaction():
            assignment.hold()
            person = next((one for one in _people_adrift() if one.id == user_id), None)
            if person is not None:
                absence = absences.of(person.id)
                says = f"is away until {absence.until}" if absence else "works on leads no more"
                self.hand_back(person, f"{person.name} {says}.", "system")

    def _hand_on(self, which: Condition, cause: str, why: str, *, by: By) -> None:
        leads = _locked(which)
        decisions = assignment.begin(loads.tally)
        for lead, wanted in zip(leads, _wanted(leads, which), strict=True):
            former = lead.assignee_id
            if former is not None:
                decisions.give_up(former, lead.assigned_at)
            self._decide(lead, wanted, decisions, cause=cause, why=why, by=by)

    def _give_out(self) -> None:
        decisions, given, hopeless = assignment.begin(loads.tally), 0, set()
        rows = _waiting()
        for row, wanted in zip(rows, _wanted(rows, waiting()), strict=True):
            if given == MOST_AT_ONCE:
                break  # the next round goes on
            if _kind(wanted) in hopeless:
                continue
            if decisions.ask(wanted)[1].user_id is None:
                hopeless.add(_kind(wanted))
                continue
            for lead in _locked(sa.and_(Lead.id == row.id, waiting())):
                self._decide(lead, wanted, decisions, cause="waited", why="", by="system")
                given += 1

    def _decide(self, lead: Lead, wanted: Wanted, decisions: Round, *, cause: str, why: str, by: By) -> None:
        decision = decisions.next(wanted, cause=cause, why=why)
        if decision.user_id is None:
            log.warning("lead_unassigned", lead=str(lead.id), reason=decision.reason)
        assignee = auth.get(decision.user_id) if decision.user_id else None
        ownership.give(lead, assignee, strategy=decision.strategy, reason=decision.reason, actor="system")
        decisions.write_down()
        to = str(decision.user_id) if decision.user_id else None
        act = "lead.declined" if cause == "declined" else "lead.handed_on"
        audit.record(act, by=by, about=("lead", lead.id), cause=cause, to=to)


def _locked(which: Condition) -> Sequence[Lead]:
    """These leads (of very many the oldest), oldest first, as they are now and until the transaction ends.

    Locked by themselves, for MariaDB would lock their attorneys and files with them, then read.
    """
    oldest = sa.select(Lead.id).where(which).order_by(Lead.created_at, Lead.id).limit(MOST_AT_ONCE)
    ids = db.session.scalars(oldest.with_for_update()).all()
    found: sa.Select[Any] = sa.select(Lead).where(Lead.id.in_(ids), which)
    now = found.order_by(Lead.created_at, Lead.id).execution_options(populate_existing=True)
    return db.session.scalars(now).all()


def _adrift() -> Sequence[uuid.UUID]:
    return [person.id for person in _people_adrift()]


def _people_adrift() -> Sequence[User]:
    """Those with pending leads who cannot have any: deactivated, away, or of another role since."""
    theirs = sa.select(Lead.id).where(Lead.assignee_id == User.id, Lead.status == LeadStatus.PENDING)
    cannot = sa.or_(
        User.active.is_(False),
        User.joined_at.is_(None),
        User.role.not_in(WORKERS),
        User.id.in_(absences.on(absences.today())),
    )
    return db.session.scalars(sa.select(User).where(cannot, theirs.exists()).order_by(User.id)).all()


def _waiting() -> Sequence[Any]:
    """As much of every lead that waits as the assignment asks for, oldest first."""
    asked = sa.select(Lead.id, Lead.practice_area, Lead.language, Lead.folded_email, Lead.assignee_id)
    return db.session.execute(asked.where(waiting()).order_by(Lead.created_at, Lead.id)).all()


def _any_placeable() -> bool:
    """Whether there is somebody for one of the leads that wait. Like leads are asked for once."""
    rows = _waiting()
    if not rows:
        return False
    kinds = {_kind(one): one for one in _wanted(rows, waiting(), returning=False)}
    decisions = assignment.begin(loads.tally)
    return any(decisions.ask(one)[1].user_id is not None for one in kinds.values())


def _kind(wanted: Wanted) -> tuple[object, ...]:
    """Whether somebody can take a lead is the same for all of a kind."""
    return wanted.practice_area, wanted.language, frozenset(wanted.screened), frozenset(wanted.declined)


def _wanted(leads: Sequence[Any], which: Condition, *, returning: bool = True) -> Iterator[Wanted]:
    """What the assignment asks of the leads that `which` selects, in as many statements for many as for one.

    `returning`: also who had their prospects before.
    """
    ids, emails = (sa.select(column).where(which).correlate(None) for column in (Lead.id, Lead.folded_email))
    screened, declined = loads.kept_from(ids, Screen), loads.kept_from(ids, Decline)
    owners = loads.owners(emails) if returning else {}
    for lead in leads:
        former = [lead.assignee_id] if lead.assignee_id else []
        others = [one for one in owners.get(lead.folded_email, ()) if one not in former]
        yield Wanted(
            lead.id,
            lead.folded_email,
            lead.practice_area,
            lead.language,
            [*former, *others],
            screened.get(lead.id, ()),
            declined.get(lead.id, ()),
        )


def _judged(words: str) -> str:
    try:
        said = regular(words, LONGEST_WORDS)
    except TooLong:
        said = ""
    if is_invisible(said):
        raise Invalid({"reason": [f"Say why, in 1 to {LONGEST_WORDS} characters."]})
    if has_controls(said):
        raise Invalid({"reason": ["This has characters that cannot be shown. Please type it again."]})
    return said


handing = Handing()
