"""flask users: who may sign in."""

from __future__ import annotations

import sys

import click

from leadintake.auth.models import User
from leadintake.auth.permissions import Role
from leadintake.auth.service import auth
from leadintake.core.commands import CommandGroup
from leadintake.core.tables import format_option, show
from leadintake.core.transaction import transaction

users = CommandGroup("users", help="People who may sign in.")
from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@users.command("add")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--intake/--no-intake", default=None, help="Whether new leads go to them (attorneys: yes).")
@from_stdin
def add(email: str, name: str, role: str, intake: bool | None, password_stdin: bool) -> None:
    """Make a user with EMAIL."""
    password = _password(password_stdin)
    with transaction():
        user = auth.add(email, name, Role(role), password, can_intake=intake)
        message = f"{user.email} may now sign in as {user.role}."
    click.echo(message)


@users.command("list")
@format_option()
def list_users(form: str) -> None:
    """Show every user."""
    rows = [
        {
            "email": user.email,
            "name": user.name,
            "role": user.role,
            "active": user.active,
            "can_intake": user.can_intake,
        }
        for user in auth.everyone()
    ]
    show(
        rows,
        form,
        empty="There is no user yet. Make one with: flask users add EMAIL --name NAME --role admin",
    )


@users.command("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """Lock EMAIL out and end their sessions."""
    with transaction():
        auth.deactivate(_user(email))
    click.echo(f"{email} may no longer sign in and gets no new leads.")


@users.command("set-password")
@click.argument("email")
@from_stdin
def set_password(email: str, password_stdin: bool) -> None:
    """Give EMAIL a new password and end their sessions."""
    password = _password(password_stdin)
    with transaction():
        auth.set_password(_user(email), password)
    click.echo(f"The password of {email} is changed; every session of theirs has ended.")


def _user(email: str) -> User:
    user = auth.find(email)
    if user is None:
        raise click.ClickException(f"There is no user {email}. `flask users list` shows them all.")
    return user


def _password(piped: bool) -> str:
    if piped:
        try:
            given = sys.stdin.readline().rstrip("\r\n")
            given.encode()  # where the locale is C, wrong bytes come through as surrogates
        except UnicodeError as error:
            raise click.ClickException("The password on standard input is not UTF-8.") from error
        return given
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed
