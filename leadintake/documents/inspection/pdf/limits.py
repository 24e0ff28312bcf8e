"""What reading one PDF may cost. Sized by genuine documents."""

from __future__ import annotations

from dataclasses import dataclass

from ..budget import MB
from ..findings import Refused
from ..sentences import PDF_TOO_MUCH, PDF_UNUSUAL

DEEPEST = 200
"""Brackets within brackets."""
MOST_OVERLAP = 2
"""How often, on average, each byte may be read as part of an object; once, in honest files."""
MOST_OF_ONE_NUMBER = 200
"""Objects of one number; each time a document is changed and saved may add one."""
LONGEST_CHAIN = 16
"""References to references, and filters of a stream."""


@dataclass
class Budget:
    """What is left to spend. Each verb raises Refused when that is not enough."""

    tokens: int = 1_000_000  # brackets and strings outside streams, six more an object; a resume has hundreds
    values: int = 250_000  # names, numbers and strings of objects that are read in full
    steps: int = 250_000  # references followed
    decryptions: int = 10_000  # strings and streams
    unpacked: int = 16 * MB  # of object streams: they hold no text; a thick book takes two or three

    def scan(self, tokens: int) -> None:
        """Spend tokens of objects whose ends are looked for."""
        self.tokens -= tokens
        if self.tokens < 0:
            raise Refused(PDF_UNUSUAL)

    def read(self, values: int) -> None:
        """Spend values of objects that are read in full."""
        self.values -= values
        if self.values < 0:
            raise Refused(PDF_TOO_MUCH)

    def follow(self, steps: int = 1) -> None:
        """Spend references."""
        self.steps -= steps
        if self.steps < 0:
            raise Refused(PDF_TOO_MUCH)

    def decrypt(self) -> None:
        """Spend a decryption."""
        self.decryptions -= 1
        if self.decryptions < 0:
            raise Refused(PDF_TOO_MUCH)

    def unpack(self, size: int) -> None:
        """Spend bytes that are unpacked, or read for it."""
        self.unpacked -= size
        if self.unpacked < 0:
            raise Refused(PDF_TOO_MUCH)
