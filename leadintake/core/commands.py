"""Commands that fail in one line: what a rule refused, or what the machine cannot do now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from leadintake.core.errors import Refusal


class Command(click.Command):
    """A command of its own."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        with in_one_line():
            return super().invoke(ctx)


class CommandGroup(AppGroup):
    """Commands about one thing."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run one of them."""
        with in_one_line():
            return super().invoke(ctx)


@contextmanager
def in_one_line() -> Iterator[None]:
    """Make a refusal or a failing database one line on standard error and exit status 1."""
    try:
        yield
    except Refusal as error:
        reasons = [reason for found in (error.errors or {}).values() for reason in found]
        raise click.ClickException(" ".join(reasons) or str(error)) from error
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
        advice = "`flask doctor` says what is wrong; `flask db upgrade` makes missing tables."
        raise click.ClickException(f"The database cannot do this: {cause}. {advice}") from error
