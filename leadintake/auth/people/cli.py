"""flask users: manage users."""

from __future__ import annotations

import sys

import click

from leadintake.auth.cli import user_named
from leadintake.auth.mfa.factors import factors
from leadintake.auth.people.address import change_address
from leadintake.auth.people.service import users
from leadintake.auth.permissions import Role
from leadintake.auth.service import auth
from leadintake.auth.tokens.service import tokens
from leadintake.core.actor import OPERATOR
from leadintake.core.cli.commands import CommandGroup
from leadintake.core.cli.output import format_option, show
from leadintake.core.db.transaction import transaction

group = CommandGroup("users", help="People who may sign in.")
ROLE = click.Choice([role.value for role in Role])
INTAKE = click.option(
    "--intake/--no-intake", default=None, help="Whether new leads go to them (attorneys: yes)."
)
from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@group.command("add")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", type=ROLE, required=True)
@INTAKE
@from_stdin
def add(email: str, name: str, role: str, intake: bool | None, password_stdin: bool) -> None:
    """Make a user with EMAIL."""
    password = _password(password_stdin)
    with transaction():
        user = users.add(email, name, Role(role), password, can_intake=intake, actor=OPERATOR)
        message = f"{user.email} may now sign in as {user.role}."
    click.echo(message)


@group.command("invite")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", type=ROLE, required=True)
@INTAKE
def invite(email: str, name: str, role: str, intake: bool | None) -> None:
    """Make a user who is mailed a link to choose a password."""
    with transaction():
        user = users.invite(email, name, Role(role), can_intake=intake, actor=OPERATOR)
        message = f"{user.email} is mailed a link to come in as {user.role}."
    click.echo(message)


@group.command("list")
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
            "joined": user.joined_at is not None,
            "second_factor": user.totp_since is not None,
        }
        for user in auth.everyone()
    ]
    show(
        rows,
        form,
        empty="There is no user yet. Make one with: flask users add EMAIL --name NAME --role admin",
    )


@group.command("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """Lock EMAIL out and end their sessions."""
    with transaction():
        users.deactivate(user_named(email), actor=OPERATOR)
    click.echo(f"{email} may no longer sign in and gets no new leads.")


@group.command("activate")
@click.argument("email")
def activate(email: str) -> None:
    """Let EMAIL in again."""
    with transaction():
        users.activate(user_named(email), actor=OPERATOR)
    click.echo(f"{email} may sign in again.")


@group.command("set-role")
@click.argument("email")
@click.argument("role", type=ROLE)
def set_role(email: str, role: str) -> None:
    """Make EMAIL an admin, manager, attorney or viewer, from their next request on."""
    with transaction():
        users.change_role(user_named(email), Role(role), actor=OPERATOR)
    click.echo(f"{email} is now {role}.")


@group.command("rename")
@click.argument("email")
@click.argument("name")
def rename(email: str, name: str) -> None:
    """Change the NAME of EMAIL."""
    with transaction():
        user = user_named(email)
        users.rename(user, name, actor=OPERATOR)
        message = f"{user.email} is now called {user.name}."
    click.echo(message)


@group.command("set-email")
@click.argument("email")
@click.argument("new_email")
def set_email(email: str, new_email: str) -> None:
    """Let EMAIL sign in as NEW_EMAIL; both are told, and sessions and mailed links end."""
    with transaction():
        user = users.get_to_change(user_named(email).id)
        change_address(user, new_email, actor=OPERATOR)
        message = f"{email} is now {user.email}, and is signed out everywhere."
    click.echo(message)
    click.echo(
        "Change the address in ASSIGNMENT_POLICY and at the sign-in service, if it is there.", err=True
    )


@group.command("reset-second-factor")
@click.argument("email")
def reset_second_factor(email: str) -> None:
    """Let EMAIL, who lost their phone, sign in with the password alone and set up another."""
    with transaction():
        factors.reset(user_named(email), actor=OPERATOR)
    click.echo(f"{email} has no second factor any more.")


@group.command("sign-out")
@click.argument("email", required=False)
@click.option("--everybody", is_flag=True, help="All of them, instead of one.")
def sign_out(email: str | None, everybody: bool) -> None:
    """End every session of EMAIL, or of everybody; they may sign in again."""
    if everybody == bool(email):
        raise click.UsageError("Name one EMAIL, or say --everybody.")
    with transaction():
        for user in auth.everyone() if everybody else [user_named(email or "")]:
            users.sign_out(user, actor=OPERATOR)
    click.echo(f"{email or 'Everybody'} is signed out everywhere.")


@group.command("set-password")
@click.argument("email")
@from_stdin
@click.option(
    "--end-tokens/--keep-tokens", default=False, show_default=True, help="API tokens of theirs, too."
)
def set_password(email: str, password_stdin: bool, end_tokens: bool) -> None:
    """Give EMAIL a new password and end their sessions."""
    password = _password(password_stdin)
    with transaction():
        user = user_named(email)
        users.set_password(user, password, end_tokens=end_tokens, actor=OPERATOR)
        programs = [row.name for row in tokens.list_active(user)]
    ended = "every session and API token" if end_tokens else "every session"
    click.echo(f"The password of {email} is changed; {ended} of theirs has ended.")
    if programs:
        click.echo(f"API tokens of theirs go on: {', '.join(programs)}. End them: --end-tokens", err=True)


def _password(piped: bool) -> str:
    if piped:
        try:
            password = sys.stdin.readline().rstrip("\r\n")
            password.encode()  # in the C locale, invalid bytes become surrogates
        except UnicodeError as error:
            raise click.ClickException("The password on standard input is not UTF-8.") from error
        return password
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed
