"""Single sign-on: people whom the firm's OpenID provider knows come in by its word.

Only who was invited here comes in, known by the e-mail address the provider has verified. What is to be
remembered between the two requests is in a sealed cookie of the browser that began.
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
from leadintake.auth.permissions import Role
from leadintake.auth.proofs import SsoAnswer
from leadintake.auth.service import auth, folded
from leadintake.auth.users import LastAdmin, users
from leadintake.core.clock import now
from leadintake.core.errors import Invalid, Refusal
from leadintake.core.keys import Unreadable, seal, unseal
from leadintake.core.text import has_controls
from leadintake.core.transaction import transaction

if TYPE_CHECKING:  # its libraries are an extra, and not imported before they are needed
    from leadintake.auth.oidc import Provider

PURPOSE = "sso"
GOOD_FOR = timedelta(minutes=10)
"""How long somebody may take at the provider."""
BEGIN_AGAIN = "This sign-in is too old, or was begun in another browser. Please begin again."
NOT_BELIEVED = "What the firm's sign-in service said could not be verified. Please begin again."
NOBODY = "Nobody with your e-mail address may sign in here. Please ask an administrator to invite you."
log = structlog.get_logger()


class NotAdmitted(Refusal):
    """The provider's word lets nobody in. The reason is a machine word, for the audit trail."""

    status = 401
    title = "Not signed in"

    def __init__(self, reason: str, detail: str, about: User | None = None) -> None:
        super().__init__(detail)
        self.reason, self.about = reason, ("user", about.id) if about else None


class Journey(msgspec.Struct):
    """What a browser takes along to the provider and back."""

    state: str
    nonce: str
    verifier: str
    next: str
    until: float


class Sso:
    """Signing in by the provider's word."""

    def begin(self, to: str, *, back_to: str) -> tuple[str, str]:
        """The address at the provider, and the sealed journey. `to` is where to go once signed in.

        Raises Invalid where that is not a path of this site; ProviderAway.
        """
        if not is_local(to):
            raise Invalid({"next": ["Give a path of this site, such as /docs."]})
        until = (now() + GOOD_FOR).timestamp()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        address = _provider().sign_in_address(state=state, nonce=nonce, verifier=verifier, back_to=back_to)
        journey = Journey(state, nonce, verifier, to, until)
        return address, seal(PURPOSE, msgspec.json.encode(journey).decode())

    def journey(self, answer: SsoAnswer, sealed: str) -> Journey:
        """The journey that this answer ends. Raises NotAdmitted.

        Nobody is on record for it, nor counted: any page can send a browser here that never set out.
        """
        try:
            return _journey(answer, sealed)
        except NotAdmitted as astray:
            log.info("sso_astray", reason=astray.reason)
            raise

    def finish(self, answer: SsoAnswer, journey: Journey, *, back_to: str) -> str:
        """Sign in whoever the provider sent back; return where to go. Raises NotAdmitted, ProviderAway.

        The provider is asked first, while no transaction is open. Then one begins that writes: by itself a
        GET request has one that reads.
        """
        try:
            claims = _ask(answer, journey, back_to)
            with transaction():
                self._admit(claims)
        except NotAdmitted as refused:
            audit.record_refusal("sso.refused", by="anybody", about=refused.about, reason=refused.reason)
            raise
        return journey.next

    def _admit(self, claims: Mapping[str, Any]) -> None:
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str):
            raise NotAdmitted(
                "email_not_verified", "The firm's sign-in service has not verified your e-mail."
            )
        known = auth.find(email) if _is_plain(email) else None
        if known is None:
            raise NotAdmitted("unknown", NOBODY)
        user = users.get_to_change(known.id)
        if not user.active:
            raise NotAdmitted("inactive", NOBODY, user)
        role = _role_in(claims, user)
        try:
            users.change_role(user, role, by="system")
        except LastAdmin as error:
            said = f"The firm's sign-in service makes you {role}, but {error.detail}"
            raise NotAdmitted("last_admin", said, user) from error
        methods = claims.get("amr")
        auth.sign_in(user, how="sso", second_factor=isinstance(methods, list) and "mfa" in methods)


def is_local(path: str) -> bool:
    """Whether a browser that is sent to `path` stays on this site, however it reads addresses."""
    # One slash and no other beside it: so there is neither scheme nor host (RFC 3986, 4.2). Browsers take a
    # backslash for a slash, and leave tabs and line ends out (WHATWG URL, 4.4).
    return path.startswith("/") and "//" not in path and "\\" not in path and not has_controls(path)


def _journey(answer: SsoAnswer, sealed: str) -> Journey:
    """The journey that this answer ends. Raises NotAdmitted."""
    try:
        journey = msgspec.json.decode(unseal(PURPOSE, sealed), type=Journey)
    except Unreadable as error:
        raise NotAdmitted("not_begun_here", BEGIN_AGAIN) from error
    if not hmac.compare_digest(journey.state.encode(), answer.state.encode(errors="replace")):
        raise NotAdmitted("state_differs", BEGIN_AGAIN)
    if journey.until <= now().timestamp():
        raise NotAdmitted("too_late", BEGIN_AGAIN)
    return journey


def _ask(answer: SsoAnswer, journey: Journey, back_to: str) -> Mapping[str, Any]:
    """What the provider says of whom it sent. Raises NotAdmitted, ProviderAway."""
    from leadintake.auth.oidc import Untrusted

    if answer.iss and answer.iss != current_app.config["OIDC_ISSUER"]:
        raise NotAdmitted("another_issuer", NOT_BELIEVED)  # RFC 9207: two providers mixed up
    if answer.error or not answer.code:
        raise NotAdmitted("denied", "The firm's sign-in service did not sign you in. Please begin again.")
    try:
        return _provider().claims_of(
            answer.code, nonce=journey.nonce, verifier=journey.verifier, back_to=back_to
        )
    except Untrusted as error:
        log.warning("sso_not_believed", reason=str(error))
        raise NotAdmitted("not_believed", NOT_BELIEVED) from error


def _is_plain(email: str) -> bool:
    """Whether folding changes nothing but the case of plain letters: ß and ss may be two persons' domains."""
    return not has_controls(email) and folded(email).encode() == email.strip().encode().lower()


def _role_in(claims: Mapping[str, Any], user: User) -> Role:
    """The role the provider gives the user, or their own where roles are kept here. Raises NotAdmitted."""
    claim, table = current_app.config["OIDC_ROLE_CLAIM"], current_app.config["OIDC_ROLES"]
    if not claim or not table:
        return user.role
    said = claims.get(claim)
    values = said if isinstance(said, list) else [said]
    for value, _, role in (entry.rpartition("=") for entry in table):
        if value.strip() in values:
            return Role(role.strip())
    raise NotAdmitted("no_role", "The firm's sign-in service gives you no role here. Please ask there.", user)


def _provider() -> Provider:
    """The provider of this application, with what is known of it."""
    from leadintake.auth.oidc import Provider

    settings, kept = current_app.config, current_app.extensions
    if "leadintake.provider" not in kept:
        made = Provider(*(settings[f"OIDC_{name}"] for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")))
        kept.setdefault("leadintake.provider", made)
    found: Provider = kept["leadintake.provider"]
    return found


sso = Sso()
