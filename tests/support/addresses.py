"""Werkzeug compiles how addresses are built when a rule is made: most of making an application.

Every test makes one, and builds a few of its addresses. So here a rule compiles that when it is
first built; what is compiled, and how, is Werkzeug's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

_compile = Rule._compile_builder


def build_when_asked() -> None:
    """Have every rule from now on compile late."""
    Rule._compile_builder = _compiled_late


def _compiled_late(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
    compiled: list[Callable[..., Any]] = []

    def build(self: Rule, **values: Any) -> Any:
        if not compiled:
            compiled.append(_compile(rule, append_unknown))
        return compiled[0](self, **values)

    return build
