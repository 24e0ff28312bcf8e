"""flask tokens: manage API tokens."""

from __future__ import annotations

import uuid

import click

from leadintake.auth.cli import user_named
from leadintake.auth.models import ApiToken
from leadintake.auth.permissions import Permission
from leadintake.auth.tokens.service import tokens
from leadintake.core.actor import OPERATOR
from leadintake.core.cli.commands import CommandGroup
from leadintake.core.cli.ids import StoredId
from leadintake.core.cli.output import format_option, show
from leadintake.core.db.transaction import transaction

group = CommandGroup("tokens", help="API tokens, for programs.")
SCOPE = click.Choice([permission.value for permission in Permission])


@group.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What the program is.")
@click.option(
    "--scope", "scopes", type=SCOPE, multiple=True, required=True, help="May be given several times."
)
@click.option("--days", type=int, default=90, show_default=True, help="For how long it is good.")
def add(email: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a token in the name of EMAIL, and print it: it is shown this once."""
    with transaction():
        text, row = tokens.add(
            user_named(email), name, [Permission(scope) for scope in scopes], days, actor=OPERATOR
        )
        until = row.expires_at.date()
    click.echo(
        f"Send it as `Authorization: Bearer …`; it is good until {until} and not shown again.", err=True
    )
    click.echo(text)


@group.command("list")
@format_option()
def list_tokens(form: str) -> None:
    """Show every token, the newest first."""
    rows = [
        {
            "id": row.id,
            "user": row.user.email,
            "name": row.name,
            "scopes": row.scopes,
            "expires_at": row.expires_at,
            "last_used_at": row.last_used_at,
            "revoked_at": row.revoked_at,
        }
        for row in tokens.all()
    ]
    show(
        rows,
        form,
        empty="There is no token yet. Make one with: flask tokens add EMAIL --name NAME --scope SCOPE",
    )


@group.command("revoke")
@click.argument("token_id", metavar="ID", type=StoredId(ApiToken.id, "token"))
def revoke(token_id: uuid.UUID) -> None:
    """Make token ID worthless, from the next request on."""
    with transaction():
        tokens.revoke(token_id, actor=OPERATOR)
    click.echo(f"Token {token_id} lets nobody in any more.")
