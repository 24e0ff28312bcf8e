"""Audit changes of the access rules in settings and code, and check second factors of admins."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
import sqlalchemy as sa
from flask import current_app

from leadintake.audit.service import audit
from leadintake.auth.models import Passkey, User
from leadintake.auth.permissions import GRANTS, Role
from leadintake.core.actor import SYSTEM
from leadintake.core.chores import Stop
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction

ACTION = "policy.changed"
SETTINGS = ("ATTORNEY_VISIBILITY", "REQUIRE_MFA", "OIDC_ISSUER", "OIDC_ROLE_CLAIM", "OIDC_ROLES")


def fingerprint() -> str:
    """Return a hash of the grants and the settings that modify them."""
    table = {role: sorted(granted) for role, granted in sorted(GRANTS.items())}
    rules = [table, [current_app.config[name] for name in SETTINGS]]
    return hashlib.sha256(msgspec.json.encode(rules)).hexdigest()[:16]


def note_change(_stop: Stop) -> Mapping[str, object]:
    """Audit the rules if they changed. A chore."""
    with transaction():
        last = audit.last(ACTION)
        changed = last is None or last["rules"] != fingerprint()
        if changed:
            audit.record(
                ACTION,
                actor=SYSTEM,
                rules=fingerprint(),
                visibility=current_app.config["ATTORNEY_VISIBILITY"],
                second_factor_for=current_app.config["REQUIRE_MFA"],
            )
    return {"changed": changed}


def check_second_factors() -> None:
    """Raise RuntimeError if a production admin can sign in with a password alone."""
    config = current_app.config
    if config["ENVIRONMENT"] != "production" or Role.ADMIN in config["REQUIRE_MFA"]:
        return
    count_query = sa.select(sa.func.count(User.id)).where(
        User.role == Role.ADMIN,
        User.active.is_(True),
        User.joined_at.is_not(None),
        User.totp_since.is_(None),
        ~sa.exists().where(Passkey.user_id == User.id),
    )
    if number := db.session.scalar(count_query):
        raise RuntimeError(
            f"{number} admin{'s' * (number > 1)} can sign in with a password alone. Have them set up an "
            "authenticator app or a passkey, then set LEADINTAKE_REQUIRE_MFA=admin."
        )
