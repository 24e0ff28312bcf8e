"""Commands whose errors are one line."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import has_app_context
from flask.cli import AppGroup, ScriptInfo
from sqlalchemy.exc import SQLAlchemyError

from leadintake.core.db import revisions
from leadintake.core.errors import Refusal


class Command(click.Command):
    """A command with errors in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        with report_errors_in_one_line():
            return super().invoke(ctx)


class CommandGroup(AppGroup):
    """Commands that need the database: none runs while this code may not use it."""

    def command(  # type: ignore[override] # only the form that Flask uses
        self, *args: Any, **kwargs: Any
    ) -> Callable[[Callable[..., Any]], click.Command]:
        register = super().command(*args, **kwargs)

        def decorate(act: Callable[..., Any]) -> click.Command:
            @functools.wraps(act)
            def run_if_possible(*arguments: Any, **named: Any) -> Any:
                revisions.require()
                return act(*arguments, **named)

            return register(run_if_possible)

        return decorate

    def invoke(self, ctx: click.Context) -> Any:
        with report_errors_in_one_line():
            if not has_app_context():  # arguments are looked up in the database
                ctx.with_resource(ctx.ensure_object(ScriptInfo).load_app().app_context())
            return super().invoke(ctx)


@contextmanager
def report_errors_in_one_line() -> Iterator[None]:
    """Convert a refusal or database failure to one line on standard error and exit status 1."""
    try:
        yield
    except revisions.WrongRevision as error:
        raise click.ClickException(error.sentence) from error
    except Refusal as error:
        reasons = [reason for found in (error.errors or {}).values() for reason in found]
        raise click.ClickException(" ".join(reasons) or str(error)) from error
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
        advice = "`flask doctor` says what is wrong; `flask db upgrade` makes missing tables."
        raise click.ClickException(f"The database cannot do this: {cause}. {advice}") from error
