"""Names say what they hold: no participle, preposition or pronoun (HOUSE: words)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "leadintake"
COLUMNS = {"told"}
"""Names of columns, and of members of JSON, which stay."""
RIDDLES = {
    "another", "asked", "barred", "begun", "given", "gone", "held", "judged", "kept", "lost", "mended",
    "mine", "nobody", "ours", "owe", "owed", "said", "shown", "shut", "somebody", "spent", "spoken", "theirs",
    "told", "under", "who", "whoever", "whose",
}  # fmt: skip
"""Denied as any name."""
VAGUE = RIDDLES | {
    "found", "known", "made", "meant", "one", "others", "put", "taken", "wanted", "what", "which",
}  # fmt: skip
"""Denied as names of functions, classes and parameters, which a caller reads alone."""
ACTORS = {"actor", "by", "reader", "seen_by"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def names_in(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Each name that is given: its line, itself, and whether others than its function read it."""
    lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    of_lambdas = {id(argument) for function in lambdas for argument in ast.walk(function.args)}
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name, True
            case ast.arg():
                yield node.lineno, node.arg, id(node) not in of_lambdas
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id, False


def riddles_in(source: str) -> list[tuple[int, str]]:
    return [
        (line, name)
        for line, name, is_read_elsewhere in names_in(ast.parse(source))
        if name not in COLUMNS and name.strip("_").lower() in (VAGUE if is_read_elsewhere else RIDDLES)
    ]


def test_no_name_is_a_riddle():
    offenders = [
        f"{module.relative_to(ROOT)}:{line}: {name}"
        for module in sorted(PACKAGE.rglob("*.py"))
        for line, name in riddles_in(module.read_text())
    ]
    assert offenders == []


def test_a_riddle_is_found_in_every_place():
    source = "def said(under):\n    asked = 1\n\n\nclass Kept:\n    theirs: int\n"
    assert [name for _, name in riddles_in(source)] == ["said", "Kept", "under", "asked", "theirs"]


def test_a_concern_is_a_folder_and_no_prefix_of_a_file():
    kinds = {"service", "api", "schemas", "cli", "models", "internal", "public"}
    offenders = [
        str(module.relative_to(ROOT))
        for module in PACKAGE.rglob("*.py")
        if module.stem not in kinds and module.stem.split("_")[0] in kinds
    ]
    assert offenders == []


def test_nobody_is_an_actor_by_default():
    """None never means power: who acts is said by the caller (auth/actor.py)."""
    offenders = []
    for module in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, FUNCTIONS):
                every = [*node.args.posonlyargs, *node.args.args]
                defaults = dict(zip(reversed(every), reversed(node.args.defaults), strict=False))
                defaults |= dict(zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True))
                offenders += [
                    f"{module.relative_to(ROOT)}:{node.lineno}: {argument.arg}"
                    for argument, default in defaults.items()
                    if argument.arg in ACTORS and default is not None
                ]
            elif (
                isinstance(node, ast.keyword) and node.arg in ACTORS and isinstance(node.value, ast.Constant)
            ):
                offenders.append(f"{module.relative_to(ROOT)}:{node.value.lineno}: {node.arg}")
    assert offenders == []
