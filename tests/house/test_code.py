"""What the code never does, wherever it stands: evaluate text, start a shell, hide a key."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "leadintake"
MODULES = sorted(PACKAGE.rglob("*.py"))
EVALUATES = {"eval", "exec", "compile", "__import__", "execfile"}
UNPACKS_CODE = {"pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle"}
BY_HAND = {"ctypes", "cffi"}
"""What could write where no object is."""
NOT_THERE = {
    "ldap", "ldap3", "graphql", "graphene", "ariadne", "strawberry", "websockets", "websocket",
    "simple_websocket", "flask_sock", "socketio", "flask_socketio", "memcache", "pymemcache", "pylibmc",
    "lxml", "elementpath", "PIL", "markdown", "saml2", "onelogin", "aiortc", "twilio", "oauthlib",
}  # fmt: skip
"""Libraries of what docs/asvs.csv calls not applicable, because there is none."""
PROTECTS = {
    "argon2", "cryptography", "hashlib", "hmac", "secrets", "ssl", "random", "pyotp", "itsdangerous",
    "joserfc", "authlib", "webauthn", "altcha", "pikepdf",
}  # fmt: skip


@functools.cache
def nodes_of(module: Path) -> tuple[ast.AST, ...]:
    """Everything a file is made of."""
    return tuple(ast.walk(ast.parse(module.read_text())))


def imports_of(module: Path) -> Iterator[str]:
    """The first part of the name of every module that a file imports from elsewhere."""
    for node in nodes_of(module):
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)


def calls_in(module: Path) -> Iterator[ast.Call]:
    """Every call in a file."""
    return (node for node in nodes_of(module) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    """What is called, with the names before its dots as far as they are names."""
    return ast.unparse(call.func)


def test_no_text_is_run_as_code():
    found = {f"{module}: {name_of(call)}" for module in MODULES for call in calls_in(module)}
    assert [one for one in found if one.rpartition(": ")[2] in EVALUATES] == []
    assert [
        f"{module}: {name}" for module in MODULES for name in imports_of(module) if name in UNPACKS_CODE
    ] == []


def test_no_template_is_made_of_text():
    makers = ("render_template_string", "from_string", "Template")
    assert [
        f"{module}: {name_of(call)}"
        for module in MODULES
        for call in calls_in(module)
        if name_of(call).rpartition(".")[2] in makers
    ] == []


def test_no_program_is_started_through_a_shell():
    for module in MODULES:
        for call in calls_in(module):
            assert name_of(call) not in {"os.system", "os.popen", "subprocess.getoutput"}, module
            shell = next((word.value for word in call.keywords if word.arg == "shell"), None)
            assert shell is None or ast.unparse(shell) == "False", module


def test_no_memory_is_touched_by_hand():
    assert [f"{module}: {name}" for module in MODULES for name in imports_of(module) if name in BY_HAND] == []


def test_every_library_is_one_we_chose_and_say_why():
    told = (ROOT / "docs" / "dependencies.md").read_text().lower()
    known = packages_distributions()
    used = {name for module in MODULES for name in imports_of(module)}
    libraries = used - set(sys.stdlib_module_names) - {"leadintake", "_typeshed", ""}
    assert libraries & NOT_THERE == set()
    for name in sorted(libraries):
        # One, but for names that several share, as those of opentelemetry do.
        words = {word.lower().replace("_", "-") for word in (*known[name], name)}
        assert any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", told) for word in words), name


def is_fixed(pattern: ast.expr) -> bool:
    """Whether a pattern is made of words that stand in the code alone."""
    if isinstance(pattern, ast.Constant):
        return True
    if isinstance(pattern, ast.Name):
        return pattern.id.isupper()
    if isinstance(pattern, ast.BinOp):
        return is_fixed(pattern.left) and is_fixed(pattern.right)
    if isinstance(pattern, ast.JoinedStr):
        values = [part.value for part in pattern.values if isinstance(part, ast.FormattedValue)]
        return all(is_fixed(value) for value in values)
    if isinstance(pattern, ast.Call) and isinstance(pattern.func, ast.Attribute):  # "|".join(WORDS)
        return pattern.func.attr == "join" and all(map(is_fixed, [pattern.func.value, *pattern.args]))
    return False


def calls_at_work(module: Path) -> Iterator[ast.Call]:
    """Every call within a function, but for those that help while a module is imported.

    What runs at the import runs before anybody typed anything.
    """
    functions = [node for node in nodes_of(module) if isinstance(node, ast.FunctionDef)]
    inside = [(one, node) for one in functions for node in ast.walk(one) if isinstance(node, ast.Call)]
    called = {name_of(call) for _, call in inside}
    return (call for one, call in inside if not (one.name.startswith("_") and one.name not in called))


def test_no_pattern_is_made_of_what_somebody_typed():
    verbs = {"compile", "match", "search", "fullmatch", "sub", "split", "findall", "finditer"}
    odd = [
        f"{module}: {ast.unparse(call)}"
        for module in MODULES
        for call in calls_at_work(module)
        if name_of(call) in {f"re.{verb}" for verb in verbs} and not is_fixed(call.args[0])
    ]
    assert odd == []


def test_no_statement_is_made_of_text():
    for module in MODULES:
        for call in calls_in(module):
            name = name_of(call)
            if name.endswith((".exec_driver_sql", "sa.text", "literal_column", "DDL")):
                (text,) = call.args
                fixed = [text.body, text.orelse] if isinstance(text, ast.IfExp) else [text]
                assert all(isinstance(one, ast.Constant) for one in fixed), (module, ast.unparse(call))


def inventory() -> dict[str, set[str]]:
    """For each module of docs/security.md's table of keys and algorithms, the libraries it names there."""
    page = (ROOT / "docs" / "security.md").read_text()
    section = page.partition("\n## Keys and algorithms\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w/.]+)` \| ([^|]+) \|", section, re.MULTILINE)
    return {module: set(re.findall(r"`(\w+)`", libraries)) for module, libraries in rows}


def test_every_use_of_cryptography_is_in_the_inventory():
    used = {}
    for module in MODULES:
        if libraries := set(imports_of(module)) & PROTECTS:
            used[str(module.relative_to(PACKAGE))] = libraries
    assert inventory() == used


@pytest.mark.parametrize(
    "source", ["eval('1')", "import pickle", "f(shell=True)", "def f(typed): re.compile(typed)"]
)
def test_these_tests_would_notice(tmp_path, monkeypatch, source):
    module = tmp_path / "bad.py"
    module.write_text(source)
    monkeypatch.setattr(sys.modules[__name__], "MODULES", [module])
    noticed = []
    for test in (
        test_no_text_is_run_as_code,
        test_no_program_is_started_through_a_shell,
        test_no_pattern_is_made_of_what_somebody_typed,
    ):
        try:
            test()
        except AssertionError:
            noticed.append(test)
    assert len(noticed) == 1
