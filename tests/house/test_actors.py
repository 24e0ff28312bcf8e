"""Who acts is always named: no default, no None, and no OPERATOR where a request is served."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_architecture import MODULES, PACKAGE, VIEWS, imports_of

ACTORS = {"actor", "reader"}
KNOW_WHO_SIGNED_IN = {"auth/guard.py", "core/actor.py", "desk/words.py"}
"""Who asks whether somebody is signed in, the one who answers for everybody else, and the templates."""


def parameters() -> Iterator[tuple[Path, ast.arg, ast.expr | None]]:
    """Every parameter of every function, with its default."""
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                usual = [*node.args.posonlyargs, *node.args.args]
                missing: list[ast.expr | None] = [None] * (len(usual) - len(node.args.defaults))
                yield from (
                    (module, one, default)
                    for one, default in (
                        *zip(usual, [*missing, *node.args.defaults], strict=True),
                        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
                    )
                )


def test_nobody_acts_under_another_name():
    names = {f"{module}: {one.arg}" for module, one, _ in parameters() if one.arg in {"by", "seen_by"}}
    assert names - {f"{PACKAGE / 'auth' / 'passwords.py'}: by"} == set()


def test_an_actor_has_no_default_and_is_never_none():
    found = [(module, one, default) for module, one, default in parameters() if one.arg in ACTORS]
    assert len(found) > 50
    wrong = [
        f"{module}: {one.arg}"
        for module, one, default in found
        if default is not None or one.annotation is None or "None" in ast.unparse(one.annotation)
    ]
    # Of the command line: the id to filter the trail by, and the address behind --as.
    assert sorted({Path(one).relative_to(PACKAGE).as_posix() for one in wrong}) == [
        "audit/cli.py: actor",
        "leads/cli.py: reader",
        "leads/reports/cli.py: reader",
    ]


def test_no_view_acts_as_an_operator():
    offenders = [str(module) for module in VIEWS for _, name in imports_of(module) if name == "OPERATOR"]
    assert offenders == []


def test_no_view_locks_by_itself():
    offenders = [str(module) for module in VIEWS if "lock_assignment()" in module.read_text()]
    assert offenders == []


def test_there_is_one_way_to_ask_who_is_there():
    knowing = {
        str(module.relative_to(PACKAGE))
        for module in MODULES
        for found, name in imports_of(module)
        if found == "flask_login" and name == "current_user"
    }
    assert knowing == KNOW_WHO_SIGNED_IN
