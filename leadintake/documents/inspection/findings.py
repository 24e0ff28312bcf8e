"""Results of an inspection: refusals and flags."""

from __future__ import annotations

from enum import StrEnum


class Refused(ValueError):
    """The file is refused; the message tells the sender what to do."""


class TooLarge(Refused):
    """The file exceeds MAX_UPLOAD_BYTES."""


class Flag(StrEnum):
    """Reason to warn the reader of an accepted file."""

    JAVASCRIPT = "javascript"
    LAUNCH = "launch"
    EMBEDDED = "embedded"
    REACHES_OUT = "reaches_out"
    ENCRYPTED = "encrypted"
    MEDIA = "media"
    UNUSUAL_LINK = "unusual_link"
    UNREAD = "unread"
    UNSCANNED = "unscanned"


WARNINGS = {
    Flag.JAVASCRIPT: "It contains JavaScript, which a resume does not need.",
    Flag.LAUNCH: "It tries to start other programs when it is opened.",
    Flag.EMBEDDED: "It carries other files inside.",
    Flag.REACHES_OUT: "It may contact other computers when it is opened.",
    Flag.ENCRYPTED: "It is locked with a password, so nobody could look inside.",
    Flag.MEDIA: "It plays films, sounds or 3D scenes.",
    Flag.UNUSUAL_LINK: "It has links that may open other programs. Do not follow them.",
    Flag.UNREAD: "Parts of its text could not be looked at.",
    Flag.UNSCANNED: "The virus scanner was away when it came.",
}
"""Warning by flag, for the reader of the file."""
