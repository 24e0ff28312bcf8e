"""flask demo."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from datetime import timedelta
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from leadintake.auth.people.service import users
from leadintake.auth.service import auth
from leadintake.core.actor import OPERATOR
from leadintake.core.cli.commands import Command
from leadintake.core.clock import set_back
from leadintake.core.db.transaction import transaction
from leadintake.demo.leads import create_leads
from leadintake.demo.people import ATTORNEYS, PROSPECTS
from leadintake.server_logs.lines import log_config

AGE_OF_FIRM = timedelta(days=7)
"""Age of the accounts: older than all leads."""
PUBLIC_URL_VARIABLES = {"LEADINTAKE_PUBLIC_URL", "LEADINTAKE_PUBLIC_URL_FILE"}


@click.command("demo", cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@with_appcontext
def demo(host: str, port: int) -> None:
    """Prepare a database with people and leads, then serve it all until Ctrl-C."""
    if current_app.config["ENVIRONMENT"] == "production":
        raise click.ClickException(
            "The demo makes accounts with printed passwords; it does not run in production."
        )
    if not PUBLIC_URL_VARIABLES & os.environ.keys():
        current_app.config["PUBLIC_URL"] = f"http://{host}:{port}"  # for the links in the first mails
    _refuse_taken_port(host, port)
    from flask_migrate import upgrade  # loads Alembic

    upgrade()
    passwords = _create_people()
    create_leads(PROSPECTS)
    _print_addresses(f"http://{host}:{port}", passwords)
    _serve(host, port)


def _refuse_taken_port(host: str, port: int) -> None:
    """Raise where the port is in use: Linux would let two servers share it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            advice = f"Choose another: flask demo --port {port + 120}"
            raise click.ClickException(
                f"Port {port} of {host} is taken ({error.strerror}). {advice}"
            ) from error


def _create_people() -> dict[str, str]:
    """Create the users; each start of the demo sets new passwords."""
    passwords = {}
    with transaction():
        for email, name, role in ATTORNEYS:
            passwords[email] = secrets.token_urlsafe(12)
            user = auth.find(email)
            if user is None:
                with set_back(AGE_OF_FIRM):
                    users.add(email, name, role, passwords[email], actor=OPERATOR)
            else:
                users.set_password(user, passwords[email], actor=OPERATOR)
    return passwords


def _print_addresses(address: str, passwords: dict[str, str]) -> None:
    click.echo()
    click.secho("leadintake is ready to try.", bold=True)
    click.echo(f"  Public form     {address}/")
    click.echo(f"  Attorneys' desk {address}/desk")
    click.echo(f"  API             {address}/docs")
    click.echo(f"  Mails           {Path(current_app.config['INSTANCE_PATH']) / 'mail'}")
    click.echo("  Sign in as one of:")
    for email, name, role in ATTORNEYS:
        click.echo(f"    {role.value:<9} {email:<26} {passwords[email]}   ({name})")
    click.echo("Stop it with Ctrl-C.\n")


def _serve(host: str, port: int) -> None:
    """Replace this process by the default server, with the same application."""
    checkout = Path(__file__).parent.parent.parent
    target = ["wsgi:app", "--working-dir", str(checkout)]
    if not (checkout / "wsgi.py").exists():
        target = ["leadintake.serving:serve", "--factory"]
    options = ["--log-config", str(log_config("granian"))]
    options += ["--interface", "wsgi", "--http", "1", "--blocking-threads", "64"]
    options += ["--host", host, "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "FLASK_RUN_FROM_CLI"}
    if not PUBLIC_URL_VARIABLES & environment.keys():
        environment["LEADINTAKE_PUBLIC_URL"] = f"http://{host}:{port}"
    command = [sys.executable, "-m", "granian", *options, *target]
    os.execve(sys.executable, command, environment)  # noqa: S606 - no shell, fixed arguments
