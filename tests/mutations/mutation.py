"""One safeguard, and the source without it."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass

from tests.mutations.operations import NoSuchPattern, Operation, find_definition


@dataclass(frozen=True)
class Mutation:
    """`operation` takes the safeguard out of `definition` in `file`; one of `tests` must fail then."""

    safeguard: str
    file: str
    definition: str
    """Qualified name of a function, class or constant."""
    operation: Operation
    tests: tuple[str, ...]

    def apply(self, source: str) -> str:
        """Return the source without the safeguard. Nothing else changes. Raises NoSuchPattern."""
        lines = source.splitlines()
        try:
            node = find_definition(ast.parse(source), self.definition)
            decorators: list[ast.expr] = getattr(node, "decorator_list", [])
            start, end = min(part.lineno for part in (node, *decorators)), node.end_lineno
            self.operation(node)
        except NoSuchPattern as error:
            raise NoSuchPattern(f"{self.safeguard!r}: in {self.file}, {self.definition}: {error}") from error
        lines[start - 1 : end] = textwrap.indent(ast.unparse(node), " " * node.col_offset).splitlines()
        return "\n".join(lines) + "\n"
