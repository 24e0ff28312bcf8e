"""flask assignment: absences. The room of leads adds the commands `simulate` and `report`."""

from __future__ import annotations

from datetime import date

import click

from leadintake.assignment.absences import absences
from leadintake.auth.cli import user_named
from leadintake.core.actor import OPERATOR
from leadintake.core.cli.commands import CommandGroup
from leadintake.core.cli.output import format_option, show
from leadintake.core.db.transaction import transaction

group = CommandGroup("assignment", help="Who gets the next lead.")


class Day(click.ParamType):  # type: ignore[type-arg] # generic to the checker alone
    """A date, written 2026-12-24."""

    name = "day"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Parse the date."""
        try:
            day = date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day such as 2026-12-24.", param, ctx)
        if not 1970 <= day.year <= 9000:  # datetime needs room for one more day and any zone
            self.fail(f"{value!r} is out of reach: choose a year from 1970 to 9000.", param, ctx)
        return day


DAY = Day()


@group.command("away")
@click.argument("email")
@click.option("--from", "first_day", type=DAY, help="The first day. Without it: today.")
@click.option("--until", "last_day", type=DAY, help="The last day. Without it: until further notice.")
@click.option("--substitute", metavar="EMAIL", help="Who gets their leads first.")
def away(email: str, first_day: date | None, last_day: date | None, substitute: str | None) -> None:
    """Say that EMAIL is away; their pending leads go on to others."""
    with transaction():
        user, other = user_named(email), user_named(substitute) if substitute else None
        first = first_day or absences.today()
        absence = absences.set(user.id, first, last_day, other.id if other else None, actor=OPERATOR)
        message = f"{user.email} is away from {absence.first_day} until {absence.until}."
    click.echo(message)


@group.command("back")
@click.argument("email")
def back(email: str) -> None:
    """Have EMAIL back from now on; absences to come stay."""
    with transaction():
        found = absences.of_today(user_named(email).id)
        if not found:
            raise click.ClickException(
                f"{email} is not away today. `flask assignment absences` shows who is."
            )
        for absence in found:
            absences.end(absence, actor=OPERATOR)
    click.echo(f"{email} is back. Leads that wait are given out by the worker.")


@group.command("absences")
@format_option()
def list_absences(form: str) -> None:
    """Show absences that are not over."""
    rows = [
        {
            "user": one.user.email,
            "first_day": one.first_day,
            "last_day": one.last_day,
            "substitute": one.substitute.email if one.substitute else None,
        }
        for one in absences.coming()
    ]
    show(rows, form, empty="Nobody is away, nor will be.")
