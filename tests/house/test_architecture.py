"""What no linter offers: the rules of docs/architecture.md, checked."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "leadintake"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROUTES = {module.name for kind in ("internal", "public") for module in PACKAGE.rglob(f"{kind}*.py")} | {
    "routes.py", "files.py", "account.py", "blueprints.py",
}  # fmt: skip
DESK = PACKAGE / "pages" / "desk"
SERVICES = {
    "service.py",
    "intake.py",
    "engine.py",
    "models.py",
    "events.py",
    "search.py",
    "rights.py",
    "signs.py",
    "quarantine.py",
    "queue.py",
    "worker.py",
    "users.py",
    "links.py",
    "forgotten.py",
    "factors.py",
    "tokens.py",
    "policy.py",
    "passkeys.py",
    "sso.py",
    "screens.py",
    "barred.py",
}
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


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_fits_on_a_few_screens(module):
    assert len(module.read_text().splitlines()) < 250


def test_only_the_entry_points_import_the_package_itself():
    importers = {
        module.name for module in MODULES for found, _ in imports_of(module) if found == "leadintake"
    }
    assert importers <= {"__init__.py", "__main__.py", "application.py", "serving.py"}


def test_routes_never_touch_the_database():
    offenders = [
        f"{module}: {name}"
        for module in MODULES
        if module.name in ROUTES or module.is_relative_to(DESK)
        for found, name in imports_of(module)
        if (found == "leadintake.core.database" and name != "SAFE_METHODS") or found.startswith("sqlalchemy")
    ]
    assert offenders == []


def test_services_know_no_http():
    offenders = [
        f"{module}: {name}"
        for module in MODULES
        if module.name in SERVICES and not module.is_relative_to(DESK)
        for found, name in imports_of(module)
        if (found == "flask" and name in HTTP_NAMES) or found == "leadintake.core.api"
    ]
    assert offenders == []


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
