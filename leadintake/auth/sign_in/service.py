"""Password sign-in for JSON and desk: throttled and recorded."""

from __future__ import annotations

from leadintake.auth import passwords, throttle
from leadintake.auth.passwords import BadCredentials
from leadintake.auth.schemas import Credentials
from leadintake.auth.service import auth, folded
from leadintake.auth.sessions.devices import known_device


def sign_in_user(credentials: Credentials) -> None:
    """Sign in. Raises BadCredentials, OtpRequired, TooMany, Unavailable."""
    account = folded(credentials.email)
    device = known_device(account)
    if device is None:
        passwords.lanes.refuse_crowd()
    with throttle.limit_attempt(account, device, counts=BadCredentials):
        user, proved = auth.authenticate(
            credentials.email, credentials.password, credentials.otp, is_known=device is not None
        )
        auth.sign_in(user, how="password", second_factor=proved)
