"""What no linter offers: the rules of docs/architecture.md, checked."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from leadintake.leads.status import Gate, LeadStatus

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "leadintake"
MODULES = sorted(PACKAGE.rglob("*.py"))
VIEWS = [
    module
    for module in MODULES
    if module.name in {"api.py", "blueprints.py"}
    or module.relative_to(PACKAGE).parts[0] in {"desk", "site"}
    or str(module.relative_to(PACKAGE))
    in {"auth/people/account.py", "leads/files.py", "leads/intake/challenge.py"}
]
KNOW_HTTP = {
    "audit/origin.py", "auth/__init__.py", "auth/guard.py", "auth/sessions/devices.py",
    "auth/sessions/interface.py", "auth/sessions/service.py", "core/db/database.py", "core/db/revisions.py",
    "core/db/transaction.py", "core/doctor/proxies.py", "core/errors.py", "core/i18n/languages.py",
    "core/logs.py", "leads/intake/lead_form.py", "monitoring/metrics.py",
}  # fmt: skip
"""What besides views and core/http/ is about the request or the answer."""
HTTP_NAMES = {
    "request",
    "session",
    "g",
    "Response",
    "make_response",
    "redirect",
    "jsonify",
    "render_template",
}


def imports_of(module: Path) -> Iterator[tuple[str, str]]:
    """Every (module, name) that a file imports."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_every_import_contract_is_kept(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="setup.cfg", cache_dir=None) == 0


def test_a_module_fits_on_a_few_screens():
    lines = {str(module.relative_to(ROOT)): len(module.read_text().splitlines()) for module in MODULES}
    assert len(lines) > 200
    assert {module: count for module, count in lines.items() if count >= 250} == {}


def test_only_the_entry_points_import_the_package_itself():
    importers = {
        module.name for module in MODULES for found, _ in imports_of(module) if found == "leadintake"
    }
    assert importers <= {"__init__.py", "__main__.py", "application.py", "serving.py"}


def test_views_never_touch_the_database():
    offenders = [
        f"{module}: {name}"
        for module in VIEWS
        for found, name in imports_of(module)
        if (found == "leadintake.core.db.database" and name != "SAFE_METHODS")
        or found.startswith("sqlalchemy")
    ]
    assert offenders == []


def test_nothing_but_views_knows_http():
    knowing = {
        str(module.relative_to(PACKAGE))
        for module in MODULES
        if module not in VIEWS and not module.is_relative_to(PACKAGE / "core" / "http")
        for found, name in imports_of(module)
        if (found == "flask" and name in HTTP_NAMES) or found == "leadintake.core.http.api"
    }
    assert knowing == KNOW_HTTP


STATES = {"LeadStatus": {"PENDING", "REACHED_OUT"}, "Gate": {"open", "quarantine"}}
COMPARES = {"is_", "is_not", "in_", "not_in"}


def comparisons(source: str) -> Iterator[str]:
    """Every comparison with a status or a gate of a lead, in Python or for SQL."""
    words = set().union(*STATES.values())
    for node in ast.walk(ast.parse(source)):
        asked: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = node.args if node.func.attr in COMPARES else []
        for part in (one for expression in asked for one in ast.walk(expression)):
            named = isinstance(part, ast.Attribute) and ast.unparse(part.value) in STATES
            if named or (isinstance(part, ast.Constant) and part.value in words):
                yield ast.unparse(node)
                break


def test_nobody_but_the_page_of_states_compares_a_status_or_a_gate():
    """Of leads: leads/status.py has the questions, and the conditions for SQL."""
    assert set(STATES["Gate"]) == set(Gate)
    assert set(STATES["LeadStatus"]) == set(LeadStatus)
    rooms = [module for room in ("leads", "desk", "site") for module in (PACKAGE / room).rglob("*.py")]
    others = [module for module in rooms if module != PACKAGE / "leads" / "status.py"]
    assert [(module.name, found) for module in others for found in comparisons(module.read_text())] == []
    pages = [page for room in ("desk", "site") for page in (PACKAGE / room).rglob("*.html")]
    odd = re.compile(r"lead\.(status|gate) *(==|!=|in)|lead\.quarantined_at %}")
    assert [page.name for page in pages if odd.search(page.read_text())] == []


@pytest.mark.parametrize(
    "source",
    [
        "lead.status is LeadStatus.PENDING",
        "gate in {Gate.OPEN}",
        "lead.gate == 'quarantine'",
        "Lead.gate.in_([Gate.OPEN])",
    ],
)
def test_a_comparison_would_be_noticed(source):
    assert len([*comparisons(source)]) == 1


def test_every_package_is_listed_for_installation():
    import configparser

    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    present = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    elsewhere = {"leadintake.migrations", "leadintake.migrations.versions"}
    assert listed == present | elsewhere


def test_importing_the_package_is_silent_even_with_warnings_as_errors():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import leadintake.application"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
