"""What the settings of the watchdog and its receivers may be."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from leadintake.config.settings import Settings
from leadintake.monitoring.sending import key_of

ROUTING_KEY = re.compile(r"[A-Za-z0-9]{32}")
ADDRESSES = ("PAGERDUTY_URL", "INCIDENT_WEBHOOK_URL", "HEARTBEAT_URL")


def receivers(settings: Settings) -> list[tuple[bool, str]]:
    """Judge who is told of incidents."""
    signed = bool(settings.INCIDENT_WEBHOOK_SECRET)
    found = [
        (not 1 <= settings.ALERT_LATE_MINUTES <= 1440, "ALERT_LATE_MINUTES: use 1 to 1440"),
        (
            bool(settings.PAGERDUTY_ROUTING_KEY)
            and not ROUTING_KEY.fullmatch(settings.PAGERDUTY_ROUTING_KEY),
            "PAGERDUTY_ROUTING_KEY: use the 32 letters and digits of an Events API v2 integration",
        ),
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
