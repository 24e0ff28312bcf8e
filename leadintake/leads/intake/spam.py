"""Spam signals: they send a submission into quarantine, and never refuse it.

A missing field is no signal, since API clients and a firm's own form do not send it; with ALTCHA a missing
proof of work is.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from flask import current_app

from leadintake.auth.passkeys import challenges
from leadintake.core.clock import now
from leadintake.core.crypto import Unreadable, keys, seal, unseal

PURPOSE, PROOFS = "form opened", "altcha"
ALGORITHM: Final = "SHA-256"
MAX_TRIES = 50_000
"""A browser needs half of them: less than a second on a telephone."""
GOOD_FOR = timedelta(minutes=20)

TRAP_FILLED = "A field that nobody sees was filled in."
TIME_FORGED = "The time at which the form was opened was not ours."
TOO_FAST = "It was sent {seconds:.1f} seconds after the form was opened."
PROOF_MISSING = "It came without a proof of work (ALTCHA)."
PROOF_WRONG = "Its proof of work (ALTCHA) is wrong, or too old."
PROOF_USED = "Its proof of work (ALTCHA) was used before."


@dataclass(frozen=True)
class SpamSignals:
    """Reasons for suspicion (sentences for managers). `proof`: the solved challenge."""

    reasons: tuple[str, ...] = ()
    proof: str = ""

    def consume_proof(self) -> tuple[str, ...]:
        """Mark the proof as used, and return the reasons. The caller holds the assignment lock."""
        if self.proof and not challenges.consume_locked(self.proof.encode(), now() + GOOD_FOR):
            return (*self.reasons, PROOF_USED)
        return self.reasons


NO_SIGNALS = SpamSignals()


class Solution(msgspec.Struct):
    """A solved challenge, as ALTCHA writes it."""

    algorithm: str
    challenge: str
    number: int
    salt: str
    signature: str


class Challenge(msgspec.Struct):
    """A challenge, as ALTCHA writes it."""

    algorithm: str
    challenge: str
    maxnumber: int
    salt: str
    signature: str


def seal_opening_time() -> str:
    """Return the sealed current time, for the field `opened`."""
    return seal(PURPOSE, str(now().timestamp()))


def challenge() -> Challenge:
    """Create a signed challenge. It is not stored."""
    from altcha import v1 as altcha

    options = altcha.ChallengeOptions(
        ALGORITHM, MAX_TRIES, hmac_key=keys(PROOFS)[0], expires=now() + GOOD_FOR
    )
    created = altcha.create_challenge(options)
    return Challenge(
        created.algorithm, created.challenge, created.max_number, created.salt, created.signature
    )


def read_signals(*, trap: str, opened: str, proof: str) -> SpamSignals:
    """Check the honeypot, the time since the form was opened, and the proof of work."""
    reasons = [TRAP_FILLED] if trap else []
    reasons += _check_speed(opened) if opened else []
    if not current_app.config["ALTCHA"]:
        return SpamSignals(tuple(reasons))
    solution = _verify_solution(proof)
    if solution is None:
        return SpamSignals((*reasons, PROOF_WRONG if proof else PROOF_MISSING))
    return SpamSignals(tuple(reasons), solution.challenge)


def _check_speed(opened: str) -> list[str]:
    try:
        passed = now() - datetime.fromtimestamp(float(unseal(PURPOSE, opened)), UTC)
    except Unreadable:
        return [TIME_FORGED]
    seconds = passed.total_seconds()
    return [TOO_FAST.format(seconds=seconds)] if 0 <= seconds < current_app.config["FORM_MIN_SECONDS"] else []


def _verify_solution(proof: str) -> Solution | None:
    from altcha import v1 as altcha

    try:
        solution = msgspec.json.decode(base64.b64decode(proof, validate=True), type=Solution)
    except ValueError:  # includes errors of msgspec and base64
        return None
    fields = msgspec.to_builtins(solution)
    is_valid = any(altcha.verify_solution(fields, key)[0] for key in keys(PROOFS))
    return solution if is_valid and solution.algorithm == ALGORITHM else None
