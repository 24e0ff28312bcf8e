"""Signs that a program filled the form in, and not a person. None of them refuses anything.

What is suspicious goes into quarantine, where somebody of the firm looks at it. Who sends no such field, as
a program or the firm's own form does, is not judged by it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from flask import current_app

from leadintake.auth import challenges
from leadintake.core.clock import now
from leadintake.core.keys import Unreadable, keys, seal, unseal

PURPOSE, PROOFS = "form opened", "altcha"
ALGORITHM: Final = "SHA-256"
MOST_TRIES = 50_000
"""About half of them are tried: well below a second on a telephone."""
GOOD_FOR = timedelta(minutes=20)

FILLED_IN = "A field that nobody sees was filled in."
FORGED = "The time at which the form was opened was not ours."
HASTY = "It was sent {seconds:.1f} seconds after the form was opened."
UNPROVED = "It came without a proof of work (ALTCHA)."
WRONG = "Its proof of work (ALTCHA) is wrong, or too old."
SPENT = "Its proof of work (ALTCHA) was used before."


@dataclass(frozen=True)
class Signs:
    """What is suspicious, in sentences for managers; `proof` is the challenge that was answered, if any."""

    reasons: tuple[str, ...] = ()
    proof: str = ""

    def spent(self) -> tuple[str, ...]:
        """The reasons, once the proof counts in this transaction, and never again.

        For a caller that keeps other submissions out meanwhile.
        """
        if self.proof and not challenges.spend_alone(self.proof.encode(), now() + GOOD_FOR):
            return (*self.reasons, SPENT)
        return self.reasons


NO_SIGNS = Signs()


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


def opened() -> str:
    """What a form carries that is opened now."""
    return seal(PURPOSE, str(now().timestamp()))


def challenge() -> Challenge:
    """Something to be solved before the form is sent. Nothing of it is kept here."""
    from altcha import v1 as altcha

    options = altcha.ChallengeOptions(
        ALGORITHM, MOST_TRIES, hmac_key=keys(PROOFS)[0], expires=now() + GOOD_FOR
    )
    made = altcha.create_challenge(options)
    return Challenge(made.algorithm, made.challenge, made.max_number, made.salt, made.signature)


def read(*, website: str, opened: str, proof: str) -> Signs:
    """What the fields that people do not fill in tell: the trap, the time, and the proof of work."""
    reasons = [FILLED_IN] if website else []
    reasons += _haste(opened) if opened else []
    if not current_app.config["ALTCHA"]:
        return Signs(tuple(reasons))
    solved = _solved(proof)
    if solved is None:
        return Signs((*reasons, WRONG if proof else UNPROVED))
    return Signs(tuple(reasons), solved.challenge)


def _haste(opened: str) -> list[str]:
    try:
        passed = now() - datetime.fromtimestamp(float(unseal(PURPOSE, opened)), UTC)
    except Unreadable:
        return [FORGED]
    seconds = passed.total_seconds()
    return [HASTY.format(seconds=seconds)] if 0 <= seconds < current_app.config["FORM_MIN_SECONDS"] else []


def _solved(proof: str) -> Solution | None:
    from altcha import v1 as altcha

    try:
        solution = msgspec.json.decode(base64.b64decode(proof, validate=True), type=Solution)
    except ValueError:  # also what msgspec and base64 raise
        return None
    told = msgspec.to_builtins(solution)
    right = any(altcha.verify_solution(told, key)[0] for key in keys(PROOFS))
    return solution if right and solution.algorithm == ALGORITHM else None
