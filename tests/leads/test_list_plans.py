"""Lists are read from an index in their order, as SQLite's plans show: nothing is sorted."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.core.db.database import db
from tests.factories import LeadFactory, NotificationFactory, UserFactory

GROWING = re.compile("FROM (leads|notifications|audit_entries)")
SORTED = "USE TEMP B-TREE FOR ORDER BY"
LISTS = {
    "/internal/leads?assigned_to=me": "ix_leads_assignee_id_created_at_id",
    "/internal/leads?assigned_to=none&sort=created_at": "ix_leads_assignee_id_created_at_id",
    "/internal/leads?assigned_to=me&sort=-updated_at": "ix_leads_assignee_id_updated_at_id",
    "/internal/leads?assigned_to=me&sort=last_name": "ix_leads_assignee_id_last_name_id",
    "/internal/leads?assigned_to=me&sort=-email": "ix_leads_assignee_id_email_id",
    "/internal/leads?assigned_to=me&sort=status": "ix_leads_assignee_id_status_id",
    "/internal/leads?assigned_to=me&status=PENDING": "ix_leads_assignee_id_status_open",
    "/internal/leads?outcome=hired": "ix_leads_outcome",
    "/internal/leads?practice_area=family": "ix_leads_practice_area",
    "/internal/leads?language=es&sort=created_at": "ix_leads_language",
    "/internal/audit?action=lead.read": "ix_audit_entries_action_created_at_id",
    "/internal/notifications": "ix_notifications_created_at_id",
    "/internal/notifications?status=sent": "ix_notifications_status_created_at_id",
}


GROUPS = {
    "due": ("ix_leads_assignee_id_status_open", "ix_leads_assignee_id_follow_up_at_id"),
    "waiting": ("ix_leads_assignee_id_status_open",),
    "colleagues": ("ix_leads_assignee_id_status_open",),
    "snoozed": ("ix_leads_assignee_id_follow_up_at_id",),
    "done": ("ix_leads_outcome", "ix_leads_status_created_at_id"),
    "done of own leads": ("ix_leads_assignee_id_outcome", "ix_leads_assignee_id_status_open"),
}


@pytest.fixture
def plans(app):
    """The steps of all SELECTs from a table that grows, which an act sends; of each by itself if `whole`."""

    def explain(act, *, whole: bool = False) -> list:
        sent = []
        with app.app_context():
            engine = db.engine

        def note(_connection, _cursor, statement, parameters, *_more) -> None:
            sent.append((statement, parameters))

        sa.event.listen(engine, "before_cursor_execute", note)
        act()
        sa.event.remove(engine, "before_cursor_execute", note)
        with engine.connect() as connection:
            selects = [
                [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
                for statement, parameters in sent
                if statement.startswith("SELECT") and GROWING.search(statement)
            ]
        return selects if whole else [step for steps in selects for step in steps]

    return explain


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_read_in_the_order_of_its_index(path, client, given, plans):
    reader = given(UserFactory, "admin" if "audit" in path else "manager")
    client.sign_in(reader)
    given(LeadFactory, assigned_to=reader)
    given(NotificationFactory, "sent")
    steps = plans(lambda: client.get(path))
    assert any(LISTS[path] in step for step in steps), steps
    assert not [step for step in steps if step.startswith(SORTED)], steps


@pytest.mark.parametrize("group", GROUPS)
def test_the_leads_of_a_group_are_found_in_indexes_and_read_by_their_ids(group, app, client, given, plans):
    """Sorted are the rows of a page, and next steps that have come, which are few."""
    own_only = group.endswith(" of own leads")
    app.config["ATTORNEY_VISIBILITY"] = "own" if own_only else "all"
    reader = given(UserFactory) if own_only else given(UserFactory, "manager")
    client.sign_in(reader)
    given(LeadFactory, assigned_to=reader)
    given(LeadFactory, "reached_out", assigned_to=reader)
    given(LeadFactory, assigned_to=given(UserFactory))
    path = f"/desk?group={group.partition(' ')[0]}"
    selects = plans(lambda: client.get(path), whole=True)
    ids = next(steps for steps in selects if any(GROUPS[group][0] in step for step in steps))
    assert all(any(index in step for step in ids) for index in GROUPS[group]), ids
    assert len([step for step in ids if step.startswith(SORTED)]) == (group == "due"), ids
    assert not [step for step in ids if step.startswith("SCAN leads")], ids
    rows = [steps for steps in selects if any("documents" in step for step in steps)]
    assert ["leads_1 (id=?)" in "".join(steps) for steps in rows] == [True]


def test_among_many_leads_of_one_state_the_next_page_is_sought_by_the_id(client, given, plans):
    client.sign_in(given(UserFactory, "manager"))
    for _ in range(3):
        given(LeadFactory)
    cursor = client.get("/internal/leads?sort=status&limit=1").json["next_cursor"]
    steps = plans(lambda: client.get(f"/internal/leads?sort=status&limit=1&cursor={cursor}"))
    assert any("ix_leads_status_id ((status,id)>(?,?))" in step for step in steps), steps


def test_neighbours_of_a_lead_are_read_from_the_index_of_its_list(client, given, plans):
    client.sign_in(given(UserFactory, "manager"))
    lead = given(LeadFactory)
    selects = plans(lambda: client.get(f"/desk/leads/{lead.id}?list=sort%3Dlast_name"), whole=True)
    in_order = [steps for steps in selects if any("ix_leads_last_name_id" in step for step in steps)]
    assert len(in_order) >= 3, "before, after, and a page"
    assert not [step for steps in in_order for step in steps if step.startswith(SORTED)]


def test_leads_that_a_search_found_are_read_by_their_ids(client, given, plans):
    """Rather than from an index of the other filters, which names all leads of somebody who has many."""
    reader = given(UserFactory, "manager")
    client.sign_in(reader)
    for _ in range(12):
        given(LeadFactory, assigned_to=reader, last_name="Quixotica")
    with_files = [
        steps
        for steps in plans(lambda: client.get("/internal/leads?assigned_to=me&q=quixotica"), whole=True)
        if any("documents" in step for step in steps)
    ]
    assert len(with_files) == 1
    assert "SEARCH leads USING INDEX sqlite_autoindex_leads_1 (id=?)" in with_files[0]


def test_the_latest_entry_of_an_act_is_looked_up(app, plans):
    def look() -> None:
        with app.app_context():
            audit.last("lead.read")

    (step,) = plans(look)
    assert "ix_audit_entries_action_number" in step
