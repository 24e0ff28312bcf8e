"""Validation of the settings of receivers."""

from __future__ import annotations

from urllib.parse import urlsplit

from leadintake.config.settings import Settings
from leadintake.monitoring.sending import key_of

ADDRESSES = ("PAGERDUTY_URL", "INCIDENT_WEBHOOK_URL", "HEARTBEAT_URL")


def check_receivers(settings: Settings) -> list[tuple[bool, str]]:
    """Return the checks of receivers."""
    signed = bool(settings.INCIDENT_WEBHOOK_SECRET)
    found = [
        (
            bool(settings.INCIDENT_WEBHOOK_URL) and not signed,
            "INCIDENT_WEBHOOK_URL: set INCIDENT_WEBHOOK_SECRET",
        ),
        (
            signed and not _is_secret(settings.INCIDENT_WEBHOOK_SECRET),
            "INCIDENT_WEBHOOK_SECRET: use whsec_ and 24 to 64 bytes in base64",
        ),
    ]
    return found + [
        (
            bool(getattr(settings, name)) and not _is_address(getattr(settings, name)),
            f"{name}: use http(s)://…",
        )
        for name in ADDRESSES
    ]


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _is_secret(text: str) -> bool:
    try:
        return bool(key_of(text))
    except ValueError:
        return False
