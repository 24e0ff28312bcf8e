"""docs/monitoring: the rules do what their tests say, and every metric they and the dashboard use exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.engines import missing

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
FILES = ("alerts.yml", "alerts_test.yml", "dashboard.json")
NAME = re.compile(r"\bleadintake_[a-z_]+")
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
NO_METRICS = {"leadintake_test"}


@pytest.fixture(scope="module")
def promtool() -> str:
    """Debian's."""
    return shutil.which("promtool") or missing("no promtool on this machine")


@pytest.mark.parametrize("command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_promtool_accepts_the_rules(promtool, command):
    ran = subprocess.run([promtool, *command], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_promtool_accepts_what_is_exposed(promtool, client):
    client.submit()
    exposed = client.get("/metrics").data
    ran = subprocess.run([promtool, "check", "metrics"], input=exposed, capture_output=True, check=False)
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, b"")


@pytest.fixture
def exposed(client) -> set[str]:
    """The names of all that is in /metrics, also of what was not counted yet."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {family.name + suffix for family in families for suffix in SUFFIXES[family.type]}


@pytest.mark.parametrize("file", FILES)
def test_every_metric_that_is_used_exists(exposed, file):
    used = set(NAME.findall((FOLDER / file).read_text()))
    assert len(used) > 5
    assert used <= exposed


def test_every_rule_says_what_to_do():
    text = (FOLDER / "alerts.yml").read_text()
    rules = text.count("- alert: ")
    assert rules > 10
    assert text.count("action: ") == text.count("summary: ") == text.count("severity: ") == rules


def test_the_dashboard_is_one_that_can_be_imported():
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 15
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_every_metric_is_told_in_the_documentation(exposed):
    page = (FOLDER.parent / "operations.md").read_text()
    bases = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exposed}
    assert [name for name in sorted(bases) if name not in page] == []
