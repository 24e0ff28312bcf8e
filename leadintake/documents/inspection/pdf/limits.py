"""Limits on reading one PDF, measured on genuine documents."""

from __future__ import annotations

from dataclasses import dataclass

from ..budget import MB
from ..findings import Refused
from ..sentences import PDF_TOO_MUCH, PDF_UNUSUAL

DEEPEST = 200
"""Nesting of brackets."""
MAX_OVERLAP = 2
"""Average number of objects that may contain a byte: one in valid files."""
MAX_OF_ONE_NUMBER = 200
"""Objects with the same number; each revision of a file may add one."""
MAX_CHAIN_LENGTH = 16
"""References to references, and filters of a stream."""


@dataclass
class Budget:
    """Remaining amounts. Each method raises Refused when its amount is used up."""

    tokens: int = 1_000_000  # brackets and strings outside streams, six per object; a resume has hundreds
    values: int = 250_000  # names, numbers and strings of parsed objects
    steps: int = 250_000  # references followed
    decryptions: int = 10_000  # strings and streams
    unpacked: int = 16 * MB  # bytes of object streams, which hold no text; a thick book takes 2 or 3 MB

    def scan(self, tokens: int) -> None:
        """Spend tokens of the search for objects' ends."""
        self.tokens -= tokens
        if self.tokens < 0:
            raise Refused(PDF_UNUSUAL)

    def read(self, values: int) -> None:
        """Spend parsed values."""
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
        """Spend bytes unpacked, or read for unpacking."""
        self.unpacked -= size
        if self.unpacked < 0:
            raise Refused(PDF_TOO_MUCH)
