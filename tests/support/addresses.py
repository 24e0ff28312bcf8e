"""Werkzeug takes rules of addresses apart and compiles how they are built: most of making an application.

Every test makes one, with the same rules as the one before, and builds a few of its addresses. So here
a rule is taken apart once in a process, and compiles how it is built when it is first built; what
comes of it, and how, is Werkzeug's own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from werkzeug.routing import BaseConverter, Rule
from werkzeug.routing.rules import RulePart

_compile = Rule._compile_builder
_parse = Rule._parse_rule
_Parsed = tuple[list[RulePart], list[tuple[bool, str]], dict[str, BaseConverter]]
_parsed: dict[Any, _Parsed] = {}


def prepare_rules_once() -> None:
    """Have every rule from now on compile late, and reuse what was parsed."""
    Rule._compile_builder = _compiled_late
    Rule._parse_rule = _parsed_once


def _compiled_late(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
    compiled: list[Callable[..., Any]] = []

    def build(self: Rule, **values: Any) -> Any:
        if not compiled:
            compiled.append(_compile(rule, append_unknown))
        return compiled[0](self, **values)

    return build


def _parsed_once(rule: Rule, text: str) -> list[RulePart]:
    key = text, *rule.map.converters.items()
    if key not in _parsed:
        _parsed[key] = _parse_and_keep(rule, text)
    parts, trace, converters = _parsed[key]
    rule._trace += trace
    for name, converter in converters.items():
        rule._converters[name] = _converter_of(rule.map, converter)
        rule.arguments.add(name)
    return parts


def _parse_and_keep(rule: Rule, text: str) -> _Parsed:
    """Parse with a rule that is thrown away; the converters are kept without the map of its application."""
    blank = copy.copy(rule)
    blank._trace, blank._converters, blank.arguments = [], {}, set()
    parts = list(_parse(blank, text))
    return parts, blank._trace, {name: _converter_of(None, one) for name, one in blank._converters.items()}


def _converter_of(map_: Any, converter: BaseConverter) -> BaseConverter:
    own = copy.copy(converter)
    own.map = map_
    return own
