"""What every migration must say and how it must change tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from leadintake.core.database import migrations_folder

STEPS = {step.revision: step for step in ScriptDirectory(str(migrations_folder())).walk_revisions()}
ASKS_NOTHING = re.compile(
    r"\bop\.(create_table|drop_table|add_column|drop_column|create_index|drop_index|bulk_insert)\("
)


@pytest.mark.parametrize("revision", sorted(STEPS))
def test_a_migration_says_which_code_is_the_oldest_that_may_still_run(revision):
    """Beside `down_revision`: oldest_code = "0006", a revision whose code runs on the new tables."""
    step = STEPS[revision]
    oldest = getattr(step.module, "oldest_code", None)
    assert oldest in STEPS, f"{Path(step.path).name}: write oldest_code = {step.down_revision!r}"
    assert oldest <= revision


@pytest.mark.parametrize("revision", sorted(STEPS))
def test_a_migration_asks_what_exists_before_it_changes_anything(revision):
    """By leadintake.core.schema, which also builds indexes concurrently on PostgreSQL."""
    assert ASKS_NOTHING.findall(Path(STEPS[revision].path).read_text()) == []


def test_a_new_migration_begins_with_both():
    template = (migrations_folder() / "script.py.mako").read_text()
    assert "oldest_code = " in template
    assert "from leadintake.core import schema" in template
