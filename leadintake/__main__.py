"""The `leadintake` command: all of `flask`, for this application."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click
from flask.cli import FlaskGroup

from leadintake import create_app


class Commands(FlaskGroup):
    """All of `flask`, and what was meant by a command that does not exist."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Find the command, or fail with status 2 and the nearest names."""
        near = get_close_matches(args[0], self.list_commands(ctx))
        if near and args[0] not in near:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {' or '.join(map(repr, near))}?")
        return super().resolve_command(ctx, args)


def main() -> None:
    """Run a command."""
    Commands(create_app=create_app, help="leadintake: the front door of a law firm.")()


if __name__ == "__main__":
    main()
