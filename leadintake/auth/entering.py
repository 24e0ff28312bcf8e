"""Coming in with a password, by whatever door: judged, throttled and on record in one way."""

from __future__ import annotations

from leadintake.auth import passwords, throttle
from leadintake.auth.devices import known_device
from leadintake.auth.passwords import BadCredentials
from leadintake.auth.schemas import Credentials
from leadintake.auth.service import auth, folded


def enter(shown: Credentials) -> None:
    """Sign in whoever these are of. Raises BadCredentials, CodeWanted, TooMany, Unavailable."""
    account = folded(shown.email)
    device = known_device(account)
    if device is None:
        passwords.lanes.refuse_crowd()
    with throttle.attempting(account, device, counts=BadCredentials):
        user, proved = auth.authenticate(shown.email, shown.password, shown.otp, known=device is not None)
        auth.sign_in(user, how="password", second_factor=proved)
