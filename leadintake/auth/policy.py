"""The rules on who may do what, as far as they are settings or code: a change of them is on record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from flask import current_app

from leadintake.audit.service import audit
from leadintake.auth.permissions import GRANTS
from leadintake.core.chores import Stop
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
