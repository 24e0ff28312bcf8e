"""Second factors: authenticator apps (TOTP, RFC 6238) and recovery codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

import pyotp
import sqlalchemy as sa
import structlog
from flask import current_app

from leadintake.audit.service import audit
from leadintake.auth.actor import Actor
from leadintake.auth.models import Passkey, RecoveryCode, User
from leadintake.auth.passwords import BadCredentials
from leadintake.auth.permissions import Role
from leadintake.core.clock import now
from leadintake.core.crypto import Unreadable, seal, unseal
from leadintake.core.db.database import db
from leadintake.core.db.results import affected
from leadintake.core.errors import Conflict, Forbidden, Refusal, UnprocessableContent
from leadintake.notifications.service import notifications

PURPOSE = "totp"
STEP_SECONDS, STEPS_AROUND = 30, 1
"""Adjacent steps are accepted: clocks of phones differ."""
RECOVERY_CODES, RECOVERY_BYTES = 10, 15
"""Bytes: 120 bits. From 112 bits on, an unsalted hash suffices (ASVS 5.0, 6.5.2)."""
log = structlog.get_logger()


class OtpRequired(Refusal):
    """The password is right; a code is required."""

    status = 401
    type = "urn:leadintake:code-wanted"
    title = "One more step"

    def __init__(self) -> None:
        super().__init__(
            "Send the code of your authenticator app, or a recovery code, as `otp`.",
            page="Enter the code of your authenticator app, or a recovery code.",
        )


class BadCode(BadCredentials):
    """The code is wrong, used or expired."""

    type = "urn:leadintake:code-wanted"

    def __init__(self) -> None:
        super().__init__("This code is wrong, too old, or was used before. Please take the next one.")


class SecondFactorRequired(Forbidden):
    """The user's role requires a second factor (REQUIRE_MFA)."""

    type = "urn:leadintake:second-factor-wanted"
    title = "A second factor is needed"

    def __init__(self) -> None:
        super().__init__("Your role needs a second factor: set one up, or sign in with the one you have.")


class Factors:
    """Second factors of users."""

    def verify(self, user: User, code: str | None) -> bool:
        """Verify a code, accepted once; return False if the user has no app. Raises OtpRequired, BadCode."""
        if user.totp_since is None:
            return False
        if not code:
            raise OtpRequired
        plain_code = code.replace(" ", "").replace("-", "").lower()
        if not self._take_code(user, plain_code) and not self._take_recovery_code(user, plain_code):
            raise BadCode
        return True

    def is_required_for(self, user: User) -> bool:
        """Return whether the user's role requires a second factor (REQUIRE_MFA)."""
        return user.role in {Role(role) for role in current_app.config["REQUIRE_MFA"]}

    def refuse_unproved(self, user: User, *, proved: bool) -> None:
        """Raise SecondFactorRequired if the user has a factor and did not prove it in this session.

        Otherwise a stolen password would suffice to change factors.
        """
        passkey_query = sa.select(Passkey.id).where(Passkey.user_id == user.id)
        has_one = user.totp_since is not None or db.session.scalar(passkey_query.limit(1)) is not None
        if has_one and not proved:
            raise SecondFactorRequired

    def begin(self, user: User) -> tuple[str, str]:
        """Create a secret, inactive until `confirm`; return it and its otpauth: URI. Raises Conflict."""
        if user.totp_since is not None:
            raise Conflict("You use an authenticator app already. Remove it first, then set up another one.")
        secret = pyotp.random_base32()  # 160 bits, as RFC 4226 recommends
        user.totp_secret = seal(PURPOSE, secret)
        firm = current_app.config["FIRM_NAME"]
        return secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=firm)

    def confirm(self, user: User, code: str) -> list[str]:
        """Activate the secret by a first code; return recovery codes.

        Raises Conflict, UnprocessableContent.
        """
        if user.totp_secret is None or user.totp_since is not None:
            raise Conflict("There is nothing to confirm. Begin with setting up an authenticator app.")
        user.totp_last_step = 0
        db.session.flush()
        if not self._take_code(user, code.replace(" ", "")):
            raise UnprocessableContent(
                {"code": ["This is not the code the app should show now. Please try the next one."]}
            )
        user.totp_since = now()
        self._tell(user, "second_factor.added", "An authenticator app was set up for signing in.", actor=user)
        return self._new_recovery_codes(user)

    def renew_recovery_codes(self, user: User) -> list[str]:
        """Replace the recovery codes. Raises Conflict without an app."""
        if user.totp_since is None:
            raise Conflict("Recovery codes belong to an authenticator app. Set one up first.")
        self._tell(user, "recovery_codes.renewed", "New recovery codes were made.", actor=user)
        return self._new_recovery_codes(user)

    def remove(self, user: User, *, actor: Actor) -> None:
        """Remove the app and the recovery codes."""
        user.totp_secret = user.totp_since = None
        db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        self._tell(
            user, "second_factor.removed", "The authenticator app was removed from signing in.", actor=actor
        )

    def reset(self, user: User, *, actor: Actor) -> None:
        """Remove app, recovery codes and all passkeys, after their loss."""
        db.session.execute(sa.delete(Passkey).where(Passkey.user_id == user.id))
        self.remove(user, actor=actor)

    def recovery_codes_left(self, user: User) -> int:
        """Return the number of unused recovery codes."""
        count_query = sa.select(sa.func.count()).where(RecoveryCode.user_id == user.id)
        return db.session.scalar(count_query) or 0

    def _take_code(self, user: User, code: str) -> bool:
        try:
            totp = pyotp.TOTP(unseal(PURPOSE, user.totp_secret or ""))
        except Unreadable:
            log.exception("second_factor_unreadable", user=str(user.id))
            return False
        present = int(now().timestamp()) // STEP_SECONDS
        steps = range(present - STEPS_AROUND, present + STEPS_AROUND + 1)
        fits = [
            step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
        ]
        # One statement: of two concurrent requests with the same code, one fails.
        step_query = sa.update(User).where(User.id == user.id, User.totp_last_step < max(fits, default=0))
        done = db.session.execute(step_query.values(totp_last_step=max(fits, default=0)))
        return bool(affected(done))

    def _take_recovery_code(self, user: User, code: str) -> bool:
        code_query = sa.delete(RecoveryCode).where(
            RecoveryCode.user_id == user.id, RecoveryCode.code_hash == _hash(user, code)
        )
        if not affected(db.session.execute(code_query)):
            return False
        left = self.recovery_codes_left(user)
        self._tell(user, "recovery_code.used", f"A recovery code was used; {left} are left.", actor=user)
        return True

    def _new_recovery_codes(self, user: User) -> list[str]:
        db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        codes = [
            base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
            for _ in range(RECOVERY_CODES)
        ]
        db.session.add_all([RecoveryCode(user_id=user.id, code_hash=_hash(user, code)) for code in codes])
        return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]

    def _tell(self, user: User, action: str, sentence: str, *, actor: Actor) -> None:
        audit.record(action, actor=actor, about=("user", user.id))
        notifications.enqueue("account_notice", user.email, name=user.name, what=sentence)


def _hash(user: User, code: str) -> str:
    return hashlib.sha256(f"{user.id}|{code}".encode()).hexdigest()


factors = Factors()
