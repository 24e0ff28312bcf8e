"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for a lost phone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

import pyotp
import sqlalchemy as sa
import structlog
from flask import current_app

from leadintake.audit.service import By, audit
from leadintake.auth.models import Passkey, RecoveryCode, User
from leadintake.auth.passwords import BadCredentials
from leadintake.auth.permissions import Role
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import Conflict, Forbidden, Invalid, Refusal
from leadintake.core.keys import Unreadable, seal, unseal
from leadintake.notifications.service import notifications

PURPOSE = "totp"
STEP_SECONDS, STEPS_AROUND = 30, 1
"""A code of the step before or after counts too: telephones' clocks are wrong by some seconds."""
RECOVERY_CODES, RECOVERY_BYTES = 10, 15
"""120 bits each: above the 112 from which a plain hash is enough (ASVS 5.0, 6.5.2)."""
log = structlog.get_logger()


class CodeWanted(Refusal):
    """The password is right; a code must come with it."""

    status = 401
    type = "urn:leadintake:code-wanted"
    title = "One more step"

    def __init__(self) -> None:
        super().__init__("Send the code of your authenticator app, or a recovery code, as `otp`.")


class BadCode(BadCredentials):
    """The code is wrong, was used already, or is too old."""

    type = "urn:leadintake:code-wanted"

    def __init__(self) -> None:
        super().__init__("This code is wrong, too old, or was used before. Please take the next one.")


class MoreWanted(Forbidden):
    """The role of this person must prove more than a password (REQUIRE_MFA)."""

    type = "urn:leadintake:second-factor-wanted"
    title = "A second factor is needed"

    def __init__(self) -> None:
        super().__init__("Your role needs a second factor: set one up, or sign in with the one you have.")


class Factors:
    """Second factors of the people."""

    def prove(self, user: User, code: str | None) -> bool:
        """Whether a second factor was proved; False where the user has none to prove.

        A code is never taken twice. Raises CodeWanted, BadCode.
        """
        if user.totp_since is None:
            return False
        if not code:
            raise CodeWanted
        given = code.replace(" ", "").replace("-", "").lower()
        if not self._take_code(user, given) and not self._take_recovery_code(user, given):
            raise BadCode
        return True

    def required_of(self, user: User) -> bool:
        """Whether the user's role must prove a second factor."""
        return user.role in {Role(role) for role in current_app.config["REQUIRE_MFA"]}

    def refuse_unproved(self, user: User, *, proved: bool) -> None:
        """Raise MoreWanted where the user has a second factor and this session knows only the password.

        Else who guessed the password could add a factor of their own.
        """
        passkeys = sa.select(Passkey.id).where(Passkey.user_id == user.id)
        has_one = user.totp_since is not None or db.session.scalar(passkeys.limit(1)) is not None
        if has_one and not proved:
            raise MoreWanted

    def begin(self, user: User) -> tuple[str, str]:
        """Give the user a new secret: it, and the otpauth: address that apps read from a picture.

        Nothing changes before `confirm`. Raises Conflict where one is in use.
        """
        if user.totp_since is not None:
            raise Conflict("You use an authenticator app already. Remove it first, then set up another one.")
        secret = pyotp.random_base32()  # 160 bits, as RFC 4226 recommends
        user.totp_secret = seal(PURPOSE, secret)
        firm = current_app.config["FIRM_NAME"]
        return secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=firm)

    def confirm(self, user: User, code: str) -> list[str]:
        """Use the secret from now on, as the app has shown that it has it. Return the recovery codes."""
        if user.totp_secret is None or user.totp_since is not None:
            raise Conflict("There is nothing to confirm. Begin with setting up an authenticator app.")
        user.totp_last_step = 0
        db.session.flush()
        if not self._take_code(user, code.replace(" ", "")):
            raise Invalid(
                {"code": ["This is not the code the app should show now. Please try the next one."]}
            )
        user.totp_since = now()
        self._tell(user, "second_factor.added", "An authenticator app was set up for signing in.", by=user)
        return self._new_recovery_codes(user)

    def renew_recovery_codes(self, user: User) -> list[str]:
        """Replace the recovery codes."""
        if user.totp_since is None:
            raise Conflict("Recovery codes belong to an authenticator app. Set one up first.")
        self._tell(user, "recovery_codes.renewed", "New recovery codes were made.", by=user)
        return self._new_recovery_codes(user)

    def remove(self, user: User, *, by: By) -> None:
        """Ask the user for no code any more."""
        user.totp_secret = user.totp_since = None
        db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        self._tell(user, "second_factor.removed", "The authenticator app was removed from signing in.", by=by)

    def reset(self, user: User, *, by: By) -> None:
        """Remove the app and every passkey, for somebody who lost them."""
        db.session.execute(sa.delete(Passkey).where(Passkey.user_id == user.id))
        self.remove(user, by=by)

    def recovery_codes_left(self, user: User) -> int:
        """How many recovery codes are not used yet."""
        mine = sa.select(sa.func.count()).where(RecoveryCode.user_id == user.id)
        return db.session.scalar(mine) or 0

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
        # One statement: of two requests with the same code, one finds the step taken.
        taken = sa.update(User).where(User.id == user.id, User.totp_last_step < max(fits, default=0))
        done = db.session.execute(taken.values(totp_last_step=max(fits, default=0)))
        return bool(done.rowcount)  # type: ignore[attr-defined] # of a CursorResult, which an UPDATE gives

    def _take_recovery_code(self, user: User, code: str) -> bool:
        known = sa.delete(RecoveryCode).where(
            RecoveryCode.user_id == user.id, RecoveryCode.code_hash == _hash(user, code)
        )
        if not db.session.execute(known).rowcount:  # type: ignore[attr-defined] # of a CursorResult
            return False
        left = self.recovery_codes_left(user)
        self._tell(user, "recovery_code.used", f"A recovery code was used; {left} are left.", by=user)
        return True

    def _new_recovery_codes(self, user: User) -> list[str]:
        db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        codes = [
            base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
            for _ in range(RECOVERY_CODES)
        ]
        db.session.add_all([RecoveryCode(user_id=user.id, code_hash=_hash(user, code)) for code in codes])
        return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]

    def _tell(self, user: User, action: str, sentence: str, *, by: By) -> None:
        audit.record(action, by=by, about=("user", user.id))
        notifications.owe("account_notice", user.email, name=user.name, what=sentence)


def _hash(user: User, code: str) -> str:
    return hashlib.sha256(f"{user.id}|{code}".encode()).hexdigest()


factors = Factors()
