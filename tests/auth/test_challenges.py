"""What nobody may guess is long and never the same: challenges of passkeys, recovery codes."""

from __future__ import annotations

import re

import pyotp

from leadintake.auth.mfa.factors import RECOVERY_CODES
from leadintake.auth.passkeys import challenges
from tests.factories import UserFactory
from tests.support.client import TOTP_SECRET

BITS_OF_BASE32 = 5


def test_a_challenge_has_128_random_bits_that_never_come_twice(app):
    with app.app_context():
        made = {challenges.create("sign in")[: challenges.RANDOM_BYTES] for _ in range(200)}
    assert len(made) == 200
    assert {len(one) * 8 for one in made} == {128}


def test_a_recovery_code_has_120_bits(client, given):
    client.sign_in(given(UserFactory, "with_app"), otp=pyotp.TOTP(TOTP_SECRET).now())
    codes = client.post("/internal/second-factor/recovery-codes").json["recovery_codes"]
    letters = [re.sub("-", "", code) for code in codes]
    assert all(re.fullmatch("[a-z2-7]+", code) for code in letters)
    assert {len(code) * BITS_OF_BASE32 for code in letters} == {120}
    assert len(set(letters)) == RECOVERY_CODES
