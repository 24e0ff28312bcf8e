"""Every setting of the service, with its default and when to change it."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from leadintake.config.firm import FirmSettings
from leadintake.config.patterns import (
    EhloName,
    MailAddress,
    OptionalMailAddress,
    RedisUrl,
    RoutingKey,
)


@dataclass(frozen=True, slots=True)
class Settings(FirmSettings):
    """The settings, with their defaults. Lists are written with commas between their items."""

    ENVIRONMENT: typing.Literal["development", "production"] = "development"
    """`production` refuses unsafe settings and makes cookies Secure. Set it on every real installation."""

    SECRET_KEY: str = ""
    """Signs cursors, encrypts second factors, keys counters and the audit trail. Created in the instance
    folder by default.
    """

    SECRET_KEY_FALLBACKS: list[str] = field(default_factory=list)
    """Earlier secret keys that are still accepted. Set it while rotating SECRET_KEY."""

    INSTANCE_PATH: str = ""
    """Folder of the embedded database, the secret and written mails. Set it where the code is read-only."""

    DATABASE_URL: str = ""
    """postgresql://, postgres://, mysql:// or mariadb:// URL. Set it when more than one machine serves."""

    DATABASE_POOL_SIZE: Annotated[int, Meta(ge=2)] = 0
    """Connections of one process. Default: 68 of SQLite, 44 of a database server."""

    DATABASE_POOLER: typing.Literal["", "pgbouncer"] = ""
    """A pooler in front of PostgreSQL. One that does not pass the server's process numbers on is noticed."""

    STORAGE_URL: str = "file:uploads"
    """Storage of documents: file:PATH, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix."""

    REDIS_URL: RedisUrl = ""
    """Shared rate limits. Set it when more than one process serves."""

    MAIL_SERVER: str = ""
    """SMTP server. Required in production, unless MAIL_FOLDER is set."""

    MAIL_FOLDER: str = ""
    """For trials: without a MAIL_SERVER, mails are written to this folder (relative to the instance folder)
    and not sent. Outside production, the default is `mail`.
    """

    MAIL_PORT: Annotated[int, Meta(ge=1, le=65535)] = 587
    """Port of the SMTP server: 587 with STARTTLS, 465 with MAIL_USE_SSL."""

    MAIL_USE_TLS: bool | None = None
    """Use STARTTLS and verify the certificate. Default: on, unless MAIL_SERVER is on loopback."""

    MAIL_USE_SSL: bool = False
    """Use TLS from the first byte (port 465), instead of MAIL_USE_TLS."""

    MAIL_USERNAME: str = ""
    """Account on the SMTP server."""

    MAIL_PASSWORD: str = ""
    """Password on the SMTP server. Better set by LEADINTAKE_MAIL_PASSWORD_FILE."""

    MAIL_DEFAULT_SENDER: MailAddress = "leadintake@localhost"
    """Sender of mails. Set it to an address that the mail server may send for."""

    MAIL_TIMEOUT: Annotated[int, Meta(ge=1, le=10, description="a worker's lease outlasts it")] = 10
    """Seconds for each step of an SMTP session."""

    MAIL_REPLY_TO: OptionalMailAddress = ""
    """Reply-To of mails. Set it where MAIL_DEFAULT_SENDER is not read."""

    ALERT_REPLY_TO: typing.Literal["", "prospect"] = ""
    """`prospect`: a reply to an alert about a lead goes to the prospect. Else to MAIL_REPLY_TO."""

    BCC_ARCHIVE: OptionalMailAddress = ""
    """Gets a blind copy of every reply to a prospect, such as a case system's address for mail."""

    MAIL_HOLD: bool = False
    """Hold all mail. Set it on a restored copy, whose mails were sent already."""

    MAIL_REDIRECT_TO: OptionalMailAddress = ""
    """Send every mail to this address, with the real recipient in it. Set it for a rehearsal."""

    MAIL_EHLO_NAME: EhloName = ""
    """Host name for EHLO; by default the host of PUBLIC_URL. Set it where the mail server requires this
    machine's name.
    """

    PUBLIC_URL: str = "http://127.0.0.1:8000"
    """Public address of the service; links in mails use it, never a Host header."""

    TRUSTED_PROXIES: Annotated[int, Meta(ge=0, le=10)] = 0
    """Number of proxies in front, whose X-Forwarded-* headers are trusted."""

    MAX_UPLOAD_BYTES: Annotated[int, Meta(ge=1024)] = 10 * 1024 * 1024
    """Largest resume, in bytes."""

    CLAMD_ADDRESS: str = ""
    """unix:/run/clamav/clamd.ctl, tcp://host:3310 or host:3310. Set it to scan uploads."""

    SCANNER_AWAY: typing.Literal["refuse", "accept"] = "refuse"
    """`accept`: without the scanner, files are stored and marked. Set it where no lead may be refused."""

    WORKER: typing.Literal["embedded", "external"] = "embedded"
    """`external` when `flask worker` runs as a separate process."""

    ATTORNEY_VISIBILITY: typing.Literal["all", "own"] = "all"
    """`own`: an attorney sees only the leads assigned to them."""

    ASSIGNMENT_POLICY: str = ""
    """TOML file of assignment rules, relative to the instance folder. Default: the attorney with the fewest
    open leads.
    """

    RATE_LIMIT_SUBMISSIONS: str = "60 per minute; 600 per hour"
    """Submissions from one address. Empty: no limit."""

    RATE_LIMIT_LOGINS: str = "10 per minute; 50 per hour"
    """Failed sign-ins to one account from one address or known device. Empty: no limits of sign-in."""

    BODIES_PER_ADDRESS: Annotated[int, Meta(ge=0, description="0: no limit")] = 16
    """Unfinished bodies of one address at once. 0: no limit, for benchmarks from one machine."""

    REQUIRE_MFA: list[str] = field(default_factory=list)
    """Roles that need a second factor, such as `admin,manager`."""

    PASSKEYS: bool = False
    """Allow sign-in with passkeys. Needs leadintake[passkeys]; bound to the host of PUBLIC_URL."""

    INVITATION_HOURS: Annotated[int, Meta(ge=1, le=720)] = 72
    """Validity of an invitation's link."""

    PASSWORD_RESET_MINUTES: Annotated[int, Meta(ge=1, le=1440)] = 60
    """Validity of a password reset's link."""

    OIDC_ISSUER: str = ""
    """https:// address of the firm's OpenID provider. Set it for single sign-on; needs leadintake[sso]."""

    OIDC_CLIENT_ID: str = ""
    """Client id at the provider."""

    OIDC_CLIENT_SECRET: str = ""
    """Client secret at the provider. Better set by LEADINTAKE_OIDC_CLIENT_SECRET_FILE."""

    OIDC_ROLE_CLAIM: str = ""
    """Claim of the ID token that sets the role, such as `groups`. Without it, roles are managed here."""

    OIDC_ROLES: list[str] = field(default_factory=list)
    """Roles by value of that claim: `partners=manager,associates=attorney`. The first match counts."""

    ALERT_LATE_MINUTES: Annotated[int, Meta(ge=1, le=1440)] = 10
    """Minutes after which an unsent alert is an incident."""

    WATCHDOG: typing.Literal["embedded", "external"] = "embedded"
    """`external` where `flask watchdog` runs as a separate process, best on another machine."""

    PAGERDUTY_ROUTING_KEY: RoutingKey = ""
    """Integration key of a PagerDuty service (Events API v2) for incidents."""

    PAGERDUTY_URL: str = "https://events.pagerduty.com/v2/enqueue"
    """PagerDuty's endpoint; for accounts in Europe: https://events.eu.pagerduty.com/v2/enqueue."""

    INCIDENT_WEBHOOK_URL: str = ""
    """Address that incidents are posted to, signed by Standard Webhooks."""

    INCIDENT_WEBHOOK_SECRET: str = ""
    """Their signing key: `whsec_` and 24 to 64 bytes in base64. Better set by
    LEADINTAKE_INCIDENT_WEBHOOK_SECRET_FILE.
    """

    HEARTBEAT_URL: str = ""
    """Check of a healthchecks server, requested every minute, with /fail at the end on a problem. Only it
    notices that this machine is down.
    """

    AUDIT_HEAD_MINUTES: Annotated[int, Meta(ge=1, le=1440)] = 60
    """Interval at which a worker publishes the head of the audit trail."""

    AUDIT_HEAD_MAIL: OptionalMailAddress = ""
    """Address, beyond this machine's reach, that every published head is mailed to."""

    CONFIRMATIONS_PER_DAY: Annotated[int, Meta(ge=1)] = 5
    """Confirmations to one mailbox per day: the form must not flood strangers."""

    SESSION_IDLE_MINUTES: Annotated[int, Meta(ge=1)] = 30
    """Idle time after which a session ends."""

    SESSION_MAX_HOURS: Annotated[int, Meta(ge=1)] = 12
    """Age at which a session ends."""

    FORM_MIN_SECONDS: Annotated[int, Meta(ge=0, le=60, description="0 switches it off")] = 2
    """A form sent sooner after opening goes to quarantine, as a program's. 0: off."""

    ALTCHA: bool = False
    """Require a proof of work from browsers; without it: quarantine. Needs leadintake[altcha]."""

    METRICS_TOKEN: str = ""
    """Bearer token for /metrics. In production the only access, else also from loopback."""

    TRACES: bool = False
    """Send traces over OTLP/HTTP, to where OTEL_EXPORTER_OTLP_ENDPOINT says. Needs leadintake[otel]."""

    LOG_FORMAT: typing.Literal["console", "json"] = "console"
    """`json` for a log collector."""
