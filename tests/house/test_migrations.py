"""What every migration must say and how it must change tables."""

from __future__ import annotations

import re
from pathlib import Path

from alembic.script import ScriptDirectory

from leadintake.core.db.database import migrations_folder
from leadintake.core.db.revisions import list_revisions

SCRIPTS = ScriptDirectory(str(migrations_folder()))
STEPS = {step.revision: step for step in SCRIPTS.walk_revisions()}
ASKS_NOTHING = re.compile(
    r"\bop\.(create_table|drop_table|add_column|drop_column|create_index|drop_index|bulk_insert)\("
)


def test_the_file_of_a_migration_begins_with_its_revision_and_the_newest_is_the_greatest():
    """Commands and requests read the names, without loading Alembic."""
    assert list_revisions() == set(STEPS)
    assert max(list_revisions()) == SCRIPTS.get_current_head()


def test_a_migration_says_which_code_is_the_oldest_that_may_still_run():
    """Beside `down_revision`: oldest_code = "0006", a revision whose code runs on the new tables."""
    told = {revision: getattr(step.module, "oldest_code", None) for revision, step in STEPS.items()}
    missing = [revision for revision, oldest in told.items() if oldest not in STEPS]
    assert missing == [], "write oldest_code = down_revision in these"
    assert [revision for revision, oldest in told.items() if oldest > revision] == []


def test_a_migration_asks_what_exists_before_it_changes_anything():
    """By leadintake.core.db.schema, which also builds indexes concurrently on PostgreSQL."""
    found = {revision: ASKS_NOTHING.findall(Path(step.path).read_text()) for revision, step in STEPS.items()}
    assert len(found) > 10
    assert {revision: calls for revision, calls in found.items() if calls} == {}


def test_a_new_migration_begins_with_both():
    template = (migrations_folder() / "script.py.mako").read_text()
    assert "oldest_code = " in template
    assert "from leadintake.core.db import schema" in template
