"""Backfill of columns that older processes do not write.

Reference (migration 0009), gate of quarantined or released leads (0016), search text (0018), mailbox (0022).
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.core.db.database import db, execute, read_only
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import TextEnum, UTCDateTime
from leadintake.leads import counting, search_index
from leadintake.leads.counting import COLUMNS, Counted
from leadintake.leads.fields import FIELDS, search_text
from leadintake.leads.models import mailbox_of
from leadintake.leads.reference import draw_reference, is_reference_conflict
from leadintake.leads.status import Gate, LeadStatus, Outcome, where_gate_outdated

BATCH = 500
QUARANTINE_STRATEGY = "quarantine"
"""Strategy of quarantined leads: the first column of the index that serves `correct_gates`."""
SEARCHED = [form_field.name for form_field in FIELDS if form_field.in_search]
LEADS = sa.table(
    "leads",
    sa.column("id", sa.Uuid()),
    sa.column("reference", sa.String(9)),
    sa.column("gate", TextEnum(Gate)),
    sa.column("quarantined_at", UTCDateTime()),
    sa.column("assignment_strategy", sa.String(40)),
    sa.column("search_text", sa.String(1000)),
    sa.column("mailbox", sa.String(254)),
    sa.column("assignee_id", sa.Uuid()),
    sa.column("status", TextEnum(LeadStatus)),
    sa.column("outcome", TextEnum(Outcome)),
    sa.column("deleted_at", UTCDateTime()),
    *(sa.column(name, sa.String()) for name in SEARCHED),
)
OUTDATED = where_gate_outdated(LEADS.c.gate, LEADS.c.quarantined_at)
OUTDATED[Gate.QUARANTINE] &= LEADS.c.assignment_strategy == QUARANTINE_STRATEGY
WITHOUT_REFERENCE = sa.select(LEADS.c.id).where(LEADS.c.reference.is_(None))
WITHOUT_MAILBOX = sa.select(LEADS.c.id).where(LEADS.c.mailbox.is_(None))
WITHOUT_TEXT = sa.select(LEADS.c.id).where(LEADS.c.search_text.is_(None), LEADS.c.reference.is_not(None))


def give_references(connection: sa.Connection, ids: Sequence[uuid.UUID]) -> None:
    """Give these leads references in the connection's transaction. Existing ones stay.

    `version` and `updated_at` do not change. After a conflict all are drawn again.
    """
    while True:
        reference_by_id = {lead_id: draw_reference() for lead_id in ids}
        # One statement: MariaDB's driver would send one per row.
        references = sa.case(reference_by_id, value=LEADS.c.id)
        statement = sa.update(LEADS).where(LEADS.c.id.in_(ids), LEADS.c.reference.is_(None))
        try:
            with connection.begin_nested():
                connection.execute(statement.values(reference=references))
        except IntegrityError as error:
            if not is_reference_conflict(error):
                raise
        else:
            return


def run_worker_tick() -> bool:
    """Give references to leads without one; return whether there were any. Without any: one index lookup."""
    with read_only():
        ids = db.session.scalars(WITHOUT_REFERENCE.limit(BATCH)).all()
        db.session.rollback()
    if ids:
        with transaction():
            give_references(db.session.connection(), ids)
    return bool(ids)


def give_mailboxes(connection: sa.Connection, ids: Sequence[uuid.UUID]) -> None:
    """Fill in the mailboxes of these leads, in the connection's transaction."""
    rows = connection.execute(sa.select(LEADS.c.id, LEADS.c.email).where(LEADS.c.id.in_(ids)))
    mailbox_by_id = {row.id: mailbox_of(row.email) for row in rows}
    if mailbox_by_id:
        filled = sa.case(mailbox_by_id, value=LEADS.c.id)
        # One that was corrected meanwhile has its mailbox already.
        fill = sa.update(LEADS).where(LEADS.c.id.in_(mailbox_by_id), LEADS.c.mailbox.is_(None))
        connection.execute(fill.values(mailbox=filled))


def fill_mailboxes() -> bool:
    """Fill in missing mailboxes of leads; return whether there were any. Without any: one index lookup."""
    with read_only():
        ids = db.session.scalars(WITHOUT_MAILBOX.limit(BATCH)).all()
        db.session.rollback()
    if ids:
        with transaction():
            give_mailboxes(db.session.connection(), ids)
    return bool(ids)


def correct_gates() -> bool:
    """Set the gate of leads that an older process quarantined or released; return whether there were any.

    Two index lookups.
    """
    with read_only():
        queries = {
            gate: sa.select(LEADS.c.id).where(condition).limit(BATCH) for gate, condition in OUTDATED.items()
        }
        outdated = {gate: db.session.scalars(query).all() for gate, query in queries.items()}
        db.session.rollback()
    for gate, ids in outdated.items():
        if ids:
            with transaction():
                # The condition again: the lead may have changed.
                columns = [LEADS.c.id, *(LEADS.c[name] for name in COLUMNS)]
                outdated_query = sa.select(*columns).where(LEADS.c.id.in_(ids), OUTDATED[gate])
                rows = db.session.execute(outdated_query.with_for_update()).mappings().all()
                corrected = sa.update(LEADS).where(LEADS.c.id.in_([row["id"] for row in rows]))
                db.session.execute(corrected.values(gate=gate))
                for row in rows:
                    before = Counted(**{name: row[name] for name in COLUMNS})
                    counting.add_change(before, dataclasses.replace(before, gate=gate))
    return any(outdated.values())


def index_texts() -> bool:
    """Index leads without a search text; return whether there were any. Without any: one index lookup."""
    with read_only():
        ids = db.session.scalars(WITHOUT_TEXT.limit(BATCH)).all()
        db.session.rollback()
    if not ids:
        return False
    with transaction():
        # Lock and check again: another worker may index the same leads.
        columns = [LEADS.c.id, LEADS.c.reference, *(LEADS.c[name] for name in SEARCHED)]
        unindexed = sa.select(*columns).where(LEADS.c.id.in_(ids), LEADS.c.search_text.is_(None))
        rows = db.session.execute(unindexed.with_for_update()).mappings().all()
        texts = {row["id"]: search_text({**row}, row["reference"]) for row in rows}
        if texts:
            search_index.add(texts)
            text_by_id = sa.case(texts, value=LEADS.c.id)
            execute(sa.update(LEADS).where(LEADS.c.id.in_(texts)).values(search_text=text_by_id))
    return True
