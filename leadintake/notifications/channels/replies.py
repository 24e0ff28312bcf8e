"""Replies of mail servers as text."""

from __future__ import annotations

import smtplib


def format_reply(code: int, text: bytes | str) -> str:
    """Return code and text as one text."""
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


def format_error(error: Exception) -> str:
    """Return the server's reply, else the error's message."""
    if isinstance(error, smtplib.SMTPResponseException):
        return format_reply(error.smtp_code, error.smtp_error)
    return str(error) or type(error).__name__
