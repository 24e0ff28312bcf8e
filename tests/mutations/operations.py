"""Ways to take a safeguard away: changes of the syntax tree of one definition.

A `mention` is a name, an attribute, a keyword or a whole expression: `fsync`, `os.fsync`, `user.id == me`.
Of the places that have it, the innermost is changed. It must be the only one, unless `nth` says which,
counted from 1 in the order of the source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

Item = TypeVar("Item")
Operation = Callable[[ast.AST], None]
"""Changes a definition. Raises NoSuchPattern."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)
DEFINITIONS = (*SCOPES, ast.Assign, ast.AnnAssign)
STATEMENTS = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Raise, ast.Delete)
CONDITIONS = (ast.If, ast.IfExp, ast.While)
LISTS = {
    (ast.Call, "args"), (ast.Call, "keywords"), (ast.Dict, "keys"), (ast.Dict, "values"), (ast.Tuple, "elts"),
    (ast.List, "elts"), (ast.Set, "elts"), (ast.With, "items"), (ast.comprehension, "ifs"),
}  # fmt: skip


class NoSuchPattern(LookupError):
    """The list names what is not in the code, or is there more than once."""


@dataclass(frozen=True)
class Place:
    """A child in a syntax tree: a field of its parent, or one item of a field that is a list."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST

    def set(self, node: ast.AST) -> None:
        """Put `node` there."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node

    def delete(self) -> None:
        """Take the item out of its list; of a dictionary key and value."""
        for field in ("keys", "values") if isinstance(self.parent, ast.Dict) else (self.field,):
            del getattr(self.parent, field)[self.index]


def without(mention: str, *, nth: int = 0) -> Operation:
    """Leave out the simple statement with this mention."""

    def change(tree: ast.AST) -> None:
        statements = [place for place in _places(tree) if isinstance(place.node, STATEMENTS)]
        _select(statements, mention, nth).set(ast.Pass())

    return change


def never(mention: str, *, nth: int = 0) -> Operation:
    """Make the condition with this mention (of an `if`, `while`, `... if ... else ...`) False."""
    return _with_condition(mention, nth, value=False)


def always(mention: str, *, nth: int = 0) -> Operation:
    """Make the condition with this mention True."""
    return _with_condition(mention, nth, value=True)


def drop_operand(mention: str, *, nth: int = 0) -> Operation:
    """Leave out the operand of `and` or `or` with this mention."""

    def change(tree: ast.AST) -> None:
        operands = [place for place in _places(tree) if isinstance(place.parent, ast.BoolOp)]
        place = _select([one for one in operands if one.index is not None], mention, nth)
        place.delete()
        rest = cast(ast.BoolOp, place.parent).values
        if len(rest) == 1:
            _place_of(place.parent, tree).set(rest[0])

    return change


def drop_item(mention: str, *, nth: int = 0) -> Operation:
    """Leave out the argument, element, entry, context of a `with` or filter of a comprehension."""

    def change(tree: ast.AST) -> None:
        items = [place for place in _places(tree) if (type(place.parent), place.field) in LISTS]
        place = _select(items, mention, nth)
        place.delete()
        if isinstance(place.parent, ast.With) and not place.parent.items:
            _place_of(place.parent, tree).set(ast.If(ast.Constant(True), place.parent.body, []))

    return change


def unchain(method: str) -> Operation:
    """Leave out one call of a chain: `query.where(x).limit(1)` becomes `query.where(x)`."""

    def change(tree: ast.AST) -> None:
        calls = []
        for place in _places(tree):
            match place.node:
                case ast.Call(func=ast.Attribute(attr=name, value=value)) if name == method:
                    calls.append((place, value))
        place, value = _only(calls, method)
        place.set(value)

    return change


def swap(old: str, new: str) -> Operation:
    """Put another expression in the place of this one."""

    def change(tree: ast.AST) -> None:
        _only([place for place in _places(tree) if _is_equal(place.node, _parse(old))], old).set(_parse(new))

    return change


def returns(value: str) -> Operation:
    """Return this at once."""

    def change(tree: ast.AST) -> None:
        if not isinstance(tree, FUNCTIONS):
            raise NoSuchPattern("it is no function")
        tree.body = [ast.Return(_parse(value))]

    return change


def find_definition(module: ast.Module, name: str) -> ast.stmt:
    """Return the function, class or constant with this qualified name. Raises NoSuchPattern."""
    scope: ast.AST = module
    for part in name.split("."):
        fits = [definition for definition in _definitions_in(scope) if part in _names_of(definition)]
        if len(fits) != 1:
            raise NoSuchPattern(f"{name} is there {len(fits)} times")
        scope = fits[0]
    return fits[0]


def _with_condition(mention: str, nth: int, *, value: bool) -> Operation:
    def change(tree: ast.AST) -> None:
        conditions = [
            place for place in _places(tree) if place.field == "test" and isinstance(place.parent, CONDITIONS)
        ]
        _select(conditions, mention, nth).set(ast.Constant(value))

    return change


def _definitions_in(scope: ast.AST) -> Iterator[ast.stmt]:
    """Yield the definitions of this scope, without those of the scopes in it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, DEFINITIONS):
            yield child
        if not isinstance(child, SCOPES):
            yield from _definitions_in(child)


def _names_of(definition: ast.stmt) -> list[str]:
    match definition:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _select(places: list[Place], mention: str, nth: int) -> Place:
    """Return the innermost place with this mention. Raises NoSuchPattern unless there is one, or an nth."""
    pattern = _parse(mention)
    fits = [place for place in places if _mentions(place.node, mention, pattern)]
    innermost = [place for place in fits if not any(_is_inside(other.node, place.node) for other in fits)]
    innermost.sort(key=lambda place: next(_lines(place.node)))
    if nth and nth <= len(innermost):
        return innermost[nth - 1]
    return _only(innermost, mention)


def _only(items: list[Item], pattern: str) -> Item:
    if len(items) != 1:
        raise NoSuchPattern(f"`{pattern}` is there {len(items)} times")
    return items[0]


def _mentions(node: ast.AST, mention: str, pattern: ast.expr) -> bool:
    return any(
        mention in (getattr(part, "attr", ""), getattr(part, "arg", "")) or _is_equal(part, pattern)
        for part in ast.walk(node)
    )


def _is_equal(node: ast.AST, pattern: ast.expr) -> bool:
    return type(node) is type(pattern) and ast.unparse(node) == ast.unparse(pattern)


def _is_inside(inner: ast.AST, outer: ast.AST) -> bool:
    return inner is not outer and any(part is inner for part in ast.walk(outer))


def _lines(node: ast.AST) -> Iterator[int]:
    return (part.lineno for part in ast.walk(node) if isinstance(part, (ast.stmt, ast.expr)))


def _place_of(node: ast.AST, tree: ast.AST) -> Place:
    return next(place for place in _places(tree) if place.node is node)


def _places(tree: ast.AST) -> Iterator[Place]:
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, ast.AST):
                yield Place(parent, field, None, value)
            elif isinstance(value, list):
                children = [(index, item) for index, item in enumerate(value) if isinstance(item, ast.AST)]
                yield from (Place(parent, field, index, item) for index, item in children)


def _parse(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body
