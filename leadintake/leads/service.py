"""Verbs on leads: read, edit, assign, delete."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from leadintake.assignment.service import assignment
from leadintake.audit.service import audit
from leadintake.auth.actor import UserOrOperator
from leadintake.auth.models import User
from leadintake.auth.people import departures
from leadintake.auth.service import auth
from leadintake.core.actor import OPERATOR
from leadintake.core.addresses import normalize_mailbox
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Order, Page, Shape, iterate_all
from leadintake.core.errors import Conflict, Forbidden, NotFound, PreconditionFailed, UnprocessableContent
from leadintake.leads import disclaimers, permissions, reopening, visibility, work
from leadintake.leads.disclaimers import Disclaimer
from leadintake.leads.distribution import alerts, ownership
from leadintake.leads.distribution.handover import handover
from leadintake.leads.events import LeadStatusChanged, lead_status_changed
from leadintake.leads.listing import list_matching
from leadintake.leads.matches import Statement, count_leads
from leadintake.leads.models import MANUAL, Lead, LeadEvent, has_key
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import LeadDetail, LeadFilter
from leadintake.leads.search import matching_query, parse_search, readable_query, visible_query
from leadintake.leads.status import LeadStatus, is_open, is_pending, may_follow
from leadintake.notifications.mailboxes import mailboxes
from leadintake.notifications.service import notifications

MAX_DUPLICATES = 100


class Leads:
    """Leads of the firm."""

    def get(self, key: LeadKey, *, reader: UserOrOperator) -> Lead:
        """Return a lead that `reader` may open. Raises NotFound."""
        return self._fetch(readable_query(reader).where(has_key(key)), deleted=False)

    def read(self, key: LeadKey, part: str, *, reader: UserOrOperator, actor: UserOrOperator) -> Lead:
        """Return the lead like `get`, and audit that `actor` read this part of it."""
        lead = self.get(key, reader=reader)
        audit.record("lead.read", actor=actor, about=("lead", lead.id), what=part)
        return lead

    @contextlib.contextmanager
    def edit(
        self,
        key: LeadKey,
        actor: UserOrOperator,
        *,
        if_version: Collection[str] | None = None,
        lock_assignment: bool = False,
        deleted: bool = False,
        quarantined: bool = False,
    ) -> Iterator[Lead]:
        """Lock a lead until the transaction ends, for a change by `actor`; flush it at the end.

        1. With `lock_assignment`, take the assignment lock, before all others. It is needed by every change
           that assigns the lead, depends on who may have it, or ends its waiting (reminders of managers).
        2. Lock the row of the lead.
        3. Read it. Raises NotFound unless visible to `actor`. `deleted`: also a deleted one.
        4. Raise Conflict for a lead in quarantine, unless `quarantined` or `deleted`.
        5. Raise PreconditionFailed unless its version is in `if_version`. None: any.
        """
        if lock_assignment:
            departures.lock_assignment()
        # Lock before the read: with a join MariaDB locks attorney and document, too.
        lock_query = sa.select(Lead.id).where(has_key(key)).with_for_update()
        db.session.scalar(lock_query.execution_options(include_deleted=deleted))
        statement = readable_query(actor).where(has_key(key))
        lead = self._fetch(statement.execution_options(populate_existing=True), deleted=deleted)
        if lead.in_quarantine and not (quarantined or deleted):
            raise Conflict("This lead is in quarantine. Release it first.")
        if if_version is not None and str(lead.version) not in if_version:
            raise PreconditionFailed(
                "Somebody changed this meanwhile. Please look at it again before you change it."
            )
        yield lead
        db.session.flush()

    def page(
        self,
        filters: LeadFilter,
        *,
        reader: UserOrOperator,
        actor: UserOrOperator,
        limit: int,
        cursor: str | None,
        shape: Shape | None = None,
    ) -> Page[Any]:
        """Return a page of the matching leads, or of rows by `shape`; audit that `actor` listed them."""
        page = list_matching(filters, reader).page(limit=limit, cursor=cursor, shape=shape)
        audit.record("leads.listed", actor=actor, filters=filters.names())
        return page

    def count(self, filters: LeadFilter, *, reader: UserOrOperator) -> int:
        """Count the matching leads, MAX_COUNTED + 1 at most."""
        statement, search = parse_search(matching_query(filters, reader), filters)
        return search.count(statement) if search else count_leads(statement)

    def iterate(
        self, filters: LeadFilter, *, reader: UserOrOperator, actor: UserOrOperator
    ) -> Iterator[Lead]:
        """Iterate over all matching leads in batches, with constant memory and no open transaction.

        Filters are checked and the export is audited now, in the caller's transaction; the leads are read as
        the caller consumes them.
        """
        statement, search = parse_search(matching_query(filters, reader), filters)
        audit.record("leads.exported", actor=actor, filters=filters.names())
        return iterate_all(statement, Order.parse(Lead, filters.sort), search.narrow if search else None)

    def note_download(self, lead: Lead, *, inline: bool, actor: UserOrOperator) -> None:
        """Audit a download of the resume. `inline`: the browser shows it."""
        audit.record("lead.downloaded", actor=actor, about=("lead", lead.id), inline=inline)

    def history(self, lead: Lead) -> Sequence[LeadEvent]:
        """Return the lead's history, newest first."""
        history_query = sa.select(LeadEvent).where(LeadEvent.lead_id == lead.id)
        return db.session.scalars(history_query.order_by(LeadEvent.at.desc(), LeadEvent.id.desc())).all()

    def disclaimer_of(self, lead: Lead) -> Disclaimer | None:
        """Return the disclaimer shown to the prospect."""
        return disclaimers.find_version(lead.disclaimer_version) if lead.disclaimer_version else None

    def duplicates(self, lead: Lead, *, reader: UserOrOperator) -> list[uuid.UUID]:
        """Return the ids of other visible leads of the mailbox, newest first, MAX_DUPLICATES at most."""
        if lead.email is None:
            return []
        mailbox = normalize_mailbox(lead.email)
        same_mailbox = visible_query(reader).where(Lead.mailbox == mailbox, Lead.id != lead.id)
        ids = same_mailbox.with_only_columns(Lead.id).order_by(Lead.created_at.desc(), Lead.id.desc())
        return list(db.session.scalars(ids.limit(MAX_DUPLICATES)))

    def detail(self, lead: Lead, *, reader: User) -> LeadDetail:
        """Return the detail for `reader`."""
        duplicates, allowed = self.duplicates(lead, reader=reader), permissions.allowed(reader, lead)
        if "reopen" in allowed and reopening.blocked_reason(lead, reader):
            allowed.remove("reopen")
        refused = lead.email is not None and mailboxes.has_refused(lead.email, lead.id)
        facts = {"duplicates": duplicates, "allowed": allowed, "email_refused": refused}
        return LeadDetail.of_lead(lead, reader=reader, **facts)

    def change_status(self, lead: Lead, status: LeadStatus, *, actor: UserOrOperator) -> None:
        """Change the status; needs the assignment lock to reopen. Raises Forbidden, and Conflict."""
        work.require_right(lead, actor)
        if lead.status == status:
            work.note_repetition(lead, actor=actor)  # nothing to change
            return
        if not may_follow(lead.status, status):
            raise Conflict(f"A lead that is {lead.status} cannot become {status}.")
        is_reopened = is_pending(status)
        if is_reopened and (reason := reopening.blocked_reason(lead, actor)):
            raise Conflict(reason)
        before, lead.status, lead.reached_at = lead.status, status, None if is_reopened else now()
        work.record(lead, "reopened" if is_reopened else "reached_out", "", actor=actor)
        db.session.flush()
        lead_status_changed.send(LeadStatusChanged(lead.id, before, status, alerts.name_of(actor)))
        self.hand_on_if_owner_left(lead, actor=actor)

    def assign(
        self, lead: Lead, user_id: uuid.UUID | None, *, actor: UserOrOperator, silent: bool = False
    ) -> None:
        """Assign the lead to a user, or to none, and alert the assignee unless it is the actor.

        `silent`: the caller mails. Raises Forbidden, and UnprocessableContent for an ineligible user.
        """
        is_taking = actor is not OPERATOR and user_id == actor.id and permissions.may_take(actor, lead)
        if actor is not OPERATOR and not permissions.may_assign(actor) and not is_taking:
            raise Forbidden("You may take a lead that nobody has; a manager may hand it over.")
        if user_id == lead.assignee_id and (user_id or lead.assignment_strategy == MANUAL):
            work.note_repetition(lead, actor=actor)  # nothing to change
            return
        assignee = None if user_id is None else self._owner(user_id, visibility.screened_users(lead.id))
        how = "Taken" if is_taking else "Decided"
        alert_owner = not silent and (actor is OPERATOR or user_id != actor.id)
        told = {"alert_owner": alert_owner, "tell_former": not silent}
        ownership.set_owner_manually(
            lead, assignee, f"{how} by {alerts.name_of(actor)}.", actor=actor, **told
        )

    def possible_owners(self, lead: Lead) -> Sequence[User]:
        """Return the users that `assign` accepts now, by name."""
        unavailable = {*visibility.screened_users(lead.id), *assignment.away()}
        return [user for user in auth.everyone() if user.works_on_leads and user.id not in unavailable]

    def delete(self, lead: Lead, *, actor: UserOrOperator) -> None:
        """Soft-delete the lead and hide its messages."""
        lead.deleted_at = now()
        db.session.flush()
        work.record(lead, "deleted", "", actor=actor)
        notifications.hide_for_lead(lead.id)

    def restore(self, lead: Lead, *, actor: UserOrOperator) -> None:
        """Restore a deleted lead; reassign it if its assignee may not have leads now."""
        if lead.deleted_at is None:
            work.note_repetition(lead, actor=actor)  # nothing to change
            return
        lead.deleted_at = None
        db.session.flush()
        work.record(lead, "restored", "", actor=actor)
        notifications.show_for_lead(lead.id)
        self.hand_on_if_owner_left(lead, actor=actor)

    def hand_on_if_owner_left(self, lead: Lead, *, actor: UserOrOperator) -> None:
        """Reassign an open lead whose assignee may not have leads now."""
        owner = lead.assigned_to
        if is_open(lead.status, lead.outcome) and owner is not None and not assignment.may_hold_leads(owner):
            handover.hand_on(lead, "handed_back", f"{owner.name} left, or is away.", actor=actor)

    def _fetch(self, statement: Statement, *, deleted: bool) -> Lead:
        found: Lead | None = db.session.scalar(statement.execution_options(include_deleted=deleted))
        if found is None:
            raise NotFound("There is no such lead.")
        return found

    def _owner(self, user_id: uuid.UUID, screened: Collection[uuid.UUID]) -> User:
        user = None if user_id in screened else auth.get(user_id)
        if user is not None:
            db.session.refresh(user)  # may have been read before the lock was granted
        if user is None or not assignment.may_hold_leads(user):
            raise UnprocessableContent(
                {"user_id": ["Choose somebody who is active, not away, and may work on leads."]}
            )
        return user


leads = Leads()
