"""Verbs on leads that are here: see, work on, hand over, put away."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence

import sqlalchemy as sa

from leadintake.assignment.service import assignment
from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import Conflict, Forbidden, Invalid, NotFound
from leadintake.core.pages import Order, Page, all_of, page_of
from leadintake.leads import barred, disclaimers, events, ownership, rights
from leadintake.leads.handing import handing
from leadintake.leads.models import MANUAL, Disclaimer, Lead, LeadEvent, LeadStatus, has_key
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import LeadDetail, LeadFilter
from leadintake.leads.search import Statement, matching, one_visible_to, visible_to
from leadintake.notifications.service import notifications

MOST_DUPLICATES = 100


class Leads:
    """The leads of the firm."""

    def get(self, key: LeadKey, *, seen_by: User | None) -> Lead:
        """The lead, if `seen_by` may know of it. Raises NotFound."""
        return self._one(one_visible_to(seen_by).where(has_key(key)), deleted=False)

    def read(self, key: LeadKey, what: str, *, seen_by: User | None, by: User | None) -> Lead:
        """The same, and that `by` read this of it is on record."""
        lead = self.get(key, seen_by=seen_by)
        self._note_reading(lead, what, by=by)
        return lead

    def get_to_change(
        self, key: LeadKey, *, seen_by: User | None, deleted: bool = False, quarantined: bool = False
    ) -> Lead:
        """The same, locked until the transaction ends.

        Raises Conflict for one in quarantine, unless those are wanted (`quarantined`), or deleted ones.
        """
        # Locked by itself, for MariaDB would lock its attorney and its file with it, then read as it is now.
        locked = sa.select(Lead.id).where(has_key(key)).with_for_update()
        db.session.scalar(locked.execution_options(include_deleted=deleted))
        statement = one_visible_to(seen_by).where(has_key(key))
        lead = self._one(statement.execution_options(populate_existing=True), deleted=deleted)
        if lead.quarantined_at is not None and not (quarantined or deleted):
            raise Conflict("This lead is in quarantine. Release it first.")
        return lead

    def page(
        self, wanted: LeadFilter, *, seen_by: User | None, by: User | None, limit: int, cursor: str | None
    ) -> Page[Lead]:
        """Some of the matching leads, in the wanted order; that `by` listed them is on record."""
        bound_to = {
            "status": wanted.status,
            "assigned_to": wanted.assigned_to,
            "q": wanted.q,
            "created_from": wanted.created_from,
            "created_to": wanted.created_to,
        }
        order = Order.parse(Lead, wanted.sort)
        page = page_of(matching(wanted, seen_by), order, limit=limit, cursor=cursor, bound_to=bound_to)
        audit.record("leads.listed", by=by, filters=wanted.names())
        return page

    def count(self, wanted: LeadFilter, *, seen_by: User | None) -> int:
        """How many leads match."""
        found = matching(wanted, seen_by).with_only_columns(
            sa.func.count(Lead.id), maintain_column_froms=True
        )
        return db.session.execute(found).scalar_one()

    def every(self, wanted: LeadFilter, *, seen_by: User | None, by: User | None) -> Iterator[Lead]:
        """All matching leads, in batches, so that memory stays flat and no transaction is kept open.

        What is wanted, and by whom, is judged and put on record at once; the leads are read as they are
        asked for, once the transaction that says so has ended.
        """
        statement = matching(wanted, seen_by)
        audit.record("leads.exported", by=by, filters=wanted.names())
        return all_of(statement, Order.parse(Lead, wanted.sort))

    def note_download(self, lead: Lead, *, inline: bool, by: User | None) -> None:
        """Put on record that the resume was handed out, to be looked at (`inline`) or kept."""
        audit.record("lead.downloaded", by=by, about=("lead", lead.id), inline=inline)

    def history(self, lead: Lead) -> Sequence[LeadEvent]:
        """All that happened to the lead, newest first."""
        about = sa.select(LeadEvent).where(LeadEvent.lead_id == lead.id)
        return db.session.scalars(about.order_by(LeadEvent.at.desc(), LeadEvent.id.desc())).all()

    def disclaimer_of(self, lead: Lead) -> Disclaimer | None:
        """The disclaimer that the prospect was shown, word for word."""
        return disclaimers.of_version(lead.disclaimer_version) if lead.disclaimer_version else None

    def duplicates(self, lead: Lead, *, seen_by: User | None) -> list[uuid.UUID]:
        """Other visible leads with the same address, newest first."""
        same = visible_to(seen_by).where(Lead.email == lead.email, Lead.id != lead.id)
        ids = same.with_only_columns(Lead.id).order_by(Lead.created_at.desc(), Lead.id.desc())
        return list(db.session.scalars(ids.limit(MOST_DUPLICATES)))

    def detail(self, lead: Lead, *, seen_by: User) -> LeadDetail:
        """All of the lead, as `seen_by` may see it."""
        duplicates = self.duplicates(lead, seen_by=seen_by)
        return LeadDetail.of_lead(lead, duplicates=duplicates, allowed=rights.allowed(seen_by, lead))

    def change_status(self, lead: Lead, status: LeadStatus, *, by: User | None) -> None:
        """Record that the prospect was reached. Once is enough; there is no way back."""
        if by is not None and not rights.may_change_status(by, lead):
            raise Forbidden("This lead is somebody else's. Only its attorney or a manager may change it.")
        if lead.status == status:
            self._note_reading(lead, "detail", by=by)  # which is all that comes of it
            return
        if status is LeadStatus.PENDING:
            raise Conflict("This prospect was reached out to already; that cannot be undone.")
        lead.status, lead.reached_at = status, now()
        self._record(lead, "reached_out", by=by)
        db.session.flush()

    def assign(self, lead: Lead, user_id: uuid.UUID | None, *, by: User | None) -> None:
        """Give the lead to somebody, take it, or leave it to nobody. The new owner is alerted."""
        taking = by is not None and user_id == by.id and rights.may_take(by, lead)
        if by is not None and not rights.may_assign(by) and not taking:
            raise Forbidden("You may take a lead that nobody has; a manager may hand it over.")
        if user_id == lead.assignee_id and (user_id or lead.assignment_strategy == MANUAL):
            self._note_reading(lead, "detail", by=by)  # which is all that comes of it
            return
        assignee = None if user_id is None else self._owner(user_id, barred.from_lead(lead.id))
        how = "Taken" if taking else "Decided"
        tell = by is None or user_id != by.id
        ownership.hand(lead, assignee, f"{how} by {events.actor_of(by)}.", by=by, tell=tell)

    def possible_owners(self, lead: Lead) -> Sequence[User]:
        """Those whom `assign` would take now, by name: nobody who is away, left, or is barred from it."""
        out = {*barred.from_lead(lead.id), *assignment.away()}
        return [one for one in auth.everyone() if one.works_on_leads and one.id not in out]

    def delete(self, lead: Lead, *, by: User | None) -> None:
        """Put the lead away: it is gone from every list, and can be restored."""
        lead.deleted_at = now()
        db.session.flush()
        self._record(lead, "deleted", by=by)
        notifications.put_away(lead.id)

    def restore(self, lead: Lead, *, by: User | None) -> None:
        """Bring a deleted lead back."""
        if lead.deleted_at is None:
            self._note_reading(lead, "detail", by=by)  # which is all that comes of it
            return
        lead.deleted_at = None
        db.session.flush()
        self._record(lead, "restored", by=by)
        notifications.bring_back(lead.id)
        owner = lead.assigned_to
        pending = lead.status is LeadStatus.PENDING
        if pending and owner is not None and not assignment.may_hold_leads(owner):
            handing.hand_on(lead, "handed_back", f"{owner.name} left, or is away.", by=by)

    def hold_all(self) -> None:
        """Let no lead arrive or leave until this transaction ends: for changes that touch several."""
        assignment.hold()

    def _note_reading(self, lead: Lead, what: str, *, by: User | None) -> None:
        audit.record("lead.read", by=by, about=("lead", lead.id), what=what)

    def _record(self, lead: Lead, action: str, words: str = "", *, by: User | None, **detail: object) -> None:
        """Write an act into the lead's history, in words, and into the audit trail, without any."""
        events.record(lead, action, words, actor=events.actor_of(by))
        audit.record(f"lead.{action}", by=by, about=("lead", lead.id), **detail)

    def _one(self, statement: Statement, *, deleted: bool) -> Lead:
        found: Lead | None = db.session.scalar(statement.execution_options(include_deleted=deleted))
        if found is None:
            raise NotFound("There is no such lead.")
        return found

    def _owner(self, user_id: uuid.UUID, kept_out: Collection[uuid.UUID]) -> User:
        user = None if user_id in kept_out else auth.get(user_id)
        if user is None or not assignment.may_hold_leads(user):
            raise Invalid({"user_id": ["Choose somebody who is active, not away, and may work on leads."]})
        return user


leads = Leads()
