"""What a mail server said, in the form it is kept in."""

from __future__ import annotations

import smtplib


def reply_words(code: int, text: bytes | str) -> str:
    """A reply as it is kept."""
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


def error_words(error: Exception) -> str:
    """What the server said, or else what went wrong."""
    if isinstance(error, smtplib.SMTPResponseException):
        return reply_words(error.smtp_code, error.smtp_error)
    return str(error) or type(error).__name__
