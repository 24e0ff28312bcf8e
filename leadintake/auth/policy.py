"""The rules on who may do what, as far as they are settings or code: a change of them is on record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
import sqlalchemy as sa
from flask import current_app

from leadintake.audit.service import audit
from leadintake.auth.models import Passkey, User
from leadintake.auth.permissions import GRANTS, Role
from leadintake.core.chores import Stop
from leadintake.core.database import db
from leadintake.core.transaction import transaction

ACTION = "policy.changed"
SETTINGS = ("ATTORNEY_VISIBILITY", "REQUIRE_MFA", "OIDC_ISSUER", "OIDC_ROLE_CLAIM", "OIDC_ROLES")


def fingerprint() -> str:
    """Tells one set of rules from another: the table of permissions and the settings that bend it."""
    table = {role: sorted(granted) for role, granted in sorted(GRANTS.items())}
    rules = [table, [current_app.config[name] for name in SETTINGS]]
    return hashlib.sha256(msgspec.json.encode(rules)).hexdigest()[:16]


def note_change(_stop: Stop) -> Mapping[str, object]:
    """Write down under which rules the service runs, where they are not those written down last."""
    with transaction():
        last = audit.last(ACTION)
        changed = last is None or last["rules"] != fingerprint()
        if changed:
            audit.record(
                ACTION,
                by="system",
                rules=fingerprint(),
                visibility=current_app.config["ATTORNEY_VISIBILITY"],
                second_factor_for=current_app.config["REQUIRE_MFA"],
            )
    return {"changed": changed}


def check_second_factors() -> None:
    """Raise where an admin of a real installation comes in with a password alone."""
    config = current_app.config
    if config["ENVIRONMENT"] != "production" or Role.ADMIN in config["REQUIRE_MFA"]:
        return
    alone = sa.select(sa.func.count(User.id)).where(
        User.role == Role.ADMIN,
        User.active.is_(True),
        User.joined_at.is_not(None),
        User.totp_since.is_(None),
        ~sa.exists().where(Passkey.user_id == User.id),
    )
    if number := db.session.scalar(alone):
        raise RuntimeError(
            f"{number} admin{'s' * (number > 1)} can sign in with a password alone. Have them set up an "
            "authenticator app or a passkey, then set LEADINTAKE_REQUIRE_MFA=admin."
        )
