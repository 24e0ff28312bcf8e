"""Single sign-on through the firm's OpenID provider, for users of this service, by verified e-mail address.

The state between the two requests is in a sealed cookie.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from flask import current_app

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.auth.people.service import LastAdmin, users
from leadintake.auth.permissions import Role
from leadintake.auth.service import auth, folded
from leadintake.auth.sso.schemas import SsoAnswer
from leadintake.core.actor import ANONYMOUS, SYSTEM
from leadintake.core.clock import now
from leadintake.core.crypto import Unreadable, seal, unseal
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Refusal, UnprocessableContent
from leadintake.core.text import has_controls

if TYPE_CHECKING:  # its libraries are an optional extra
    from leadintake.auth.sso.oidc import Provider

PURPOSE = "sso"
GOOD_FOR = timedelta(minutes=10)
"""Time to sign in at the provider."""
BEGIN_AGAIN = "This sign-in is too old, or was begun in another browser. Please begin again."
NOT_VERIFIED = "What the firm's sign-in service said could not be verified. Please begin again."
NOT_INVITED = "Nobody with your e-mail address may sign in here. Please ask an administrator to invite you."
log = structlog.get_logger()


class NotAdmitted(Refusal):
    """The user is refused. `reason`: a machine word for the audit trail."""

    status = 401
    title = "Not signed in"

    def __init__(self, reason: str, detail: str, about: User | None = None) -> None:
        super().__init__(detail)
        self.reason, self.about = reason, ("user", about.id) if about else None


class Journey(msgspec.Struct):
    """State of a sign-in, in the browser's cookie."""

    state: str
    nonce: str
    verifier: str
    next: str
    until: float


class Sso:
    """Single sign-on."""

    def begin(self, to: str, *, back_to: str) -> tuple[str, str]:
        """Return the authorization URL and the sealed journey. `to`: local path to open afterwards.

        Raises UnprocessableContent, ProviderAway.
        """
        if not is_local(to):
            raise UnprocessableContent({"next": ["Give a path of this site, such as /docs."]})
        until = (now() + GOOD_FOR).timestamp()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        address = _provider().sign_in_address(state=state, nonce=nonce, verifier=verifier, back_to=back_to)
        journey = Journey(state, nonce, verifier, to, until)
        return address, seal(PURPOSE, msgspec.json.encode(journey).decode())

    def journey(self, answer: SsoAnswer, sealed: str) -> Journey:
        """Return the journey of this answer. Raises NotAdmitted.

        Failures are neither audited nor throttled: any page can send a browser here.
        """
        try:
            return _open_journey(answer, sealed)
        except NotAdmitted as astray:
            log.info("sso_astray", reason=astray.reason)
            raise

    def finish(self, answer: SsoAnswer, journey: Journey, *, back_to: str) -> str:
        """Sign in the provider's user; return the path to open. Raises NotAdmitted, ProviderAway.

        1. Ask the provider, without a transaction.
        2. Open one that writes: that of a GET request only reads.
        """
        try:
            claims = _fetch_claims(answer, journey, back_to)
            with transaction():
                self._admit(claims)
        except NotAdmitted as refused:
            audit.record_refusal("sso.refused", actor=ANONYMOUS, about=refused.about, reason=refused.reason)
            raise
        return journey.next

    def _admit(self, claims: Mapping[str, Any]) -> None:
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str):
            raise NotAdmitted(
                "email_not_verified", "The firm's sign-in service has not verified your e-mail."
            )
        account = auth.find(email) if _is_plain(email) else None
        if account is None:
            raise NotAdmitted("unknown", NOT_INVITED)
        account_email = account.email
        user = users.get_to_change(account.id)
        if user.email != account_email:  # changed while we waited for it
            raise NotAdmitted("unknown", NOT_INVITED)
        if not user.active:
            raise NotAdmitted("inactive", NOT_INVITED, user)
        role = _choose_role(claims, user)
        try:
            users.change_role(user, role, actor=SYSTEM)
        except LastAdmin as error:
            message = f"The firm's sign-in service makes you {role}, but {error.detail}"
            raise NotAdmitted("last_admin", message, user) from error
        methods = claims.get("amr")
        auth.sign_in(user, how="sso", second_factor=isinstance(methods, list) and "mfa" in methods)


def is_local(path: str) -> bool:
    """Return whether a browser stays on this site, in whatever way it parses `path`."""
    # One leading slash: neither scheme nor host (RFC 3986, 4.2). Browsers treat
    # backslashes as slashes, and drop tabs and newlines (WHATWG URL, 4.4).
    return path.startswith("/") and "//" not in path and "\\" not in path and not has_controls(path)


def _open_journey(answer: SsoAnswer, sealed: str) -> Journey:
    try:
        journey = msgspec.json.decode(unseal(PURPOSE, sealed), type=Journey)
    except Unreadable as error:
        raise NotAdmitted("not_begun_here", BEGIN_AGAIN) from error
    if not hmac.compare_digest(journey.state.encode(), answer.state.encode(errors="replace")):
        raise NotAdmitted("state_differs", BEGIN_AGAIN)
    if journey.until <= now().timestamp():
        raise NotAdmitted("too_late", BEGIN_AGAIN)
    return journey


def _fetch_claims(answer: SsoAnswer, journey: Journey, back_to: str) -> Mapping[str, Any]:
    from leadintake.auth.sso.oidc import Untrusted

    if answer.iss and answer.iss != current_app.config["OIDC_ISSUER"]:
        raise NotAdmitted("another_issuer", NOT_VERIFIED)  # mix-up attack: RFC 9207
    if answer.error or not answer.code:
        raise NotAdmitted("denied", "The firm's sign-in service did not sign you in. Please begin again.")
    try:
        return _provider().claims_of(
            answer.code, nonce=journey.nonce, verifier=journey.verifier, back_to=back_to
        )
    except Untrusted as error:
        log.warning("sso_not_believed", reason=str(error))
        raise NotAdmitted("not_believed", NOT_VERIFIED) from error


def _is_plain(email: str) -> bool:
    """Return whether folding changes ASCII case only: ß and ss may be different domains."""
    return not has_controls(email) and folded(email).encode() == email.strip().encode().lower()


def _choose_role(claims: Mapping[str, Any], user: User) -> Role:
    """Return the claimed role, or the user's own if roles are local. Raises NotAdmitted."""
    claim, table = current_app.config["OIDC_ROLE_CLAIM"], current_app.config["OIDC_ROLES"]
    if not claim or not table:
        return user.role
    value_or_list = claims.get(claim)
    values = value_or_list if isinstance(value_or_list, list) else [value_or_list]
    for value, _, role in (entry.rpartition("=") for entry in table):
        if value.strip() in values:
            return Role(role.strip())
    raise NotAdmitted("no_role", "The firm's sign-in service gives you no role here. Please ask there.", user)


def _provider() -> Provider:
    from leadintake.auth.sso.oidc import Provider

    settings, extensions = current_app.config, current_app.extensions
    if "leadintake.provider" not in extensions:
        new_provider = Provider(
            *(settings[f"OIDC_{name}"] for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET"))
        )
        extensions.setdefault("leadintake.provider", new_provider)
    found: Provider = extensions["leadintake.provider"]
    return found


sso = Sso()
