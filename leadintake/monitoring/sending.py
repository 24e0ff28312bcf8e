"""Requests to incident receivers: bounded, signed, without redirects and personal data."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec
import structlog

from leadintake.core.clock import now

CONNECT_SECONDS, READ_SECONDS = 3, 7
"""Timeouts of connecting and of reading."""
MAX_ANSWER_BYTES = 1024
PREFIX = "whsec_"
log = structlog.get_logger()


class NotDelivered(Exception):
    """The receiver did not accept the request."""


@dataclass(frozen=True)
class Event:
    """A change of an incident."""

    key: str
    """The same for all events on a cause of an installation."""
    id: str
    """The same for all attempts to send this event."""
    cause: str
    resolved: bool
    severity: str
    sentence: str
    opened_at: datetime
    resolved_at: datetime | None
    source: str
    """The host of the service."""


class Receiver(Protocol):
    name: str

    def notify(self, event: Event) -> None:
        """Send the event. Raises NotDelivered."""


class PagerDuty:
    """Events API v2: https://developer.pagerduty.com/docs/send-alert-event"""

    name = "pagerduty"

    def __init__(self, url: str, routing_key: str) -> None:
        self.url, self.routing_key = url, routing_key

    def notify(self, event: Event) -> None:
        body: dict[str, object] = {
            "routing_key": self.routing_key,
            "event_action": "resolve" if event.resolved else "trigger",
            "dedup_key": event.key,
        }
        if not event.resolved:
            body["payload"] = {
                "summary": event.sentence,
                "source": event.source,
                "severity": event.severity,
                "timestamp": event.opened_at,
                "component": "leadintake",
                "class": event.cause,
            }
        send("POST", self.url, msgspec.json.encode(body), {"Content-Type": "application/json"})


class Webhook:
    """Standard Webhooks 1.0: https://www.standardwebhooks.com"""

    name = "webhook"

    def __init__(self, url: str, secret: str) -> None:
        self.url, self.key = url, key_of(secret)

    def notify(self, event: Event) -> None:
        body = msgspec.json.encode(
            {
                "type": "incident.resolved" if event.resolved else "incident.opened",
                "timestamp": event.resolved_at or event.opened_at,
                "data": {
                    "key": event.key,
                    "cause": event.cause,
                    "severity": event.severity,
                    "summary": event.sentence,
                    "source": event.source,
                    "opened_at": event.opened_at,
                    "resolved_at": event.resolved_at,
                },
            }
        )
        moment = int(now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": event.id,
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(self.key, event.id, moment, body),
        }
        send("POST", self.url, body, headers)


def key_of(secret: str) -> bytes:
    """Return the key of a `whsec_` secret. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("not whsec_ and 24 to 64 bytes")
    return key


def sign(key: bytes, message_id: str, moment: int, body: bytes) -> str:
    """Sign id, time and body by HMAC-SHA256."""
    signed = b".".join((message_id.encode(), str(moment).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def send_heartbeat(url: str, causes: list[str]) -> None:
    """Send a heartbeat to a healthchecks server, with the causes of problems. Raises NotDelivered."""
    place = re.sub(r"/*(?=\?|$)", "/fail", url, count=1) if causes else url
    send("POST", place, ", ".join(causes).encode(), {"Content-Type": "text/plain"})


def send(method: str, url: str, body: bytes, headers: dict[str, str]) -> None:
    """Send one request. Raises NotDelivered unless the answer is 2xx."""
    import urllib3

    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    all_headers = {"User-Agent": "leadintake", "Accept-Encoding": "identity", **headers}
    try:
        with urllib3.PoolManager(num_pools=1, retries=False, timeout=timeout) as http:
            answer = http.request(
                method, url, body=body, headers=all_headers, redirect=False, preload_content=False
            )
            try:
                answer.read(MAX_ANSWER_BYTES)
            finally:
                answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise NotDelivered(type(error).__name__) from error
    if not 200 <= answer.status < 300:
        raise NotDelivered(f"status {answer.status}")
