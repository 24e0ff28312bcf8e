"""Every setting of the service, with its default and when to change it."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, with their defaults. Lists are written with commas between their items."""

    ENVIRONMENT: typing.Literal["development", "production"] = "development"
    """`production` refuses unsafe settings and makes cookies Secure. Set it on every real installation."""

    SECRET_KEY: str = ""
    """Signs page cursors, seals second factors, keys the counters and the audit trail. Made once in the
    instance folder unless given."""

    SECRET_KEY_FALLBACKS: list[str] = field(default_factory=list)
    """Earlier secret keys that are still believed. Set it while rotating SECRET_KEY."""

    INSTANCE_PATH: str = ""
    """Folder of the embedded database, the secret and written mails. Set it where the code is read-only."""

    DATABASE_URL: str = ""
    """postgresql://, postgres://, mysql:// or mariadb:// URL. Set it when more than one machine serves."""

    DATABASE_POOL_SIZE: int = 68
    """Connections one process may hold: at least the server's threads and one for the worker."""

    STORAGE_URL: str = "file:uploads"
    """Where documents live: file:PATH, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix."""

    REDIS_URL: str = ""
    """Shared rate limits. Set it when more than one process serves."""

    MAIL_SERVER: str = ""
    """SMTP server. Production does not start without one, unless MAIL_FOLDER is set."""

    MAIL_FOLDER: str = ""
    """Folder, in the instance folder unless its path is whole, to which mails are written where there is no
    MAIL_SERVER: nobody is mailed. For trials; `mail` is used where it is empty, but not in production."""

    MAIL_PORT: int = 587
    """Port of the SMTP server: 587 with STARTTLS, 465 with MAIL_USE_SSL."""

    MAIL_USE_TLS: bool | None = None
    """Upgrade to TLS with STARTTLS and verify the certificate. On unless MAIL_SERVER is on loopback."""

    MAIL_USE_SSL: bool = False
    """Speak TLS from the first byte (port 465), instead of MAIL_USE_TLS."""

    MAIL_USERNAME: str = ""
    """Account on the SMTP server."""

    MAIL_PASSWORD: str = ""
    """Password on the SMTP server. Better given by LEADINTAKE_MAIL_PASSWORD_FILE."""

    MAIL_DEFAULT_SENDER: str = "leadintake@localhost"
    """Address that mails are from. Set it to an address your mail server may send for."""

    MAIL_TIMEOUT: int = 10
    """Seconds each step of a conversation with the mail server may take."""

    MAIL_REPLY_TO: str = ""
    """Where answers to mails go. Set it where nobody reads what is sent to MAIL_DEFAULT_SENDER."""

    ALERT_REPLY_TO: typing.Literal["", "prospect"] = ""
    """`prospect`: an answer to an alert about a lead goes to its prospect. Else to MAIL_REPLY_TO."""

    MAIL_HOLD: bool = False
    """No mail leaves, and what is due waits. Set it on a restored copy, whose mails were sent already."""

    MAIL_REDIRECT_TO: str = ""
    """Every mail goes to this address and says whom it is for. Set it for a rehearsal."""

    MAIL_EHLO_NAME: str = ""
    """The name said to the mail server at EHLO: the host of PUBLIC_URL unless given. Set it where the server
    asks for the name of this machine."""

    PUBLIC_URL: str = "http://127.0.0.1:8000"
    """Address people reach the service at; links in mails are built from it, never from a Host header."""

    TRUSTED_PROXIES: int = 0
    """How many proxies stand in front, whose X-Forwarded-* headers are believed."""

    MAX_UPLOAD_BYTES: int = 10 * 1024 * 1024
    """Largest resume, in bytes."""

    CLAMD_ADDRESS: str = ""
    """unix:/run/clamav/clamd.ctl, tcp://host:3310 or host:3310. Set it to have uploads scanned."""

    SCANNER_AWAY: typing.Literal["refuse", "accept"] = "refuse"
    """`accept`: without the scanner, files are kept and marked. Set it where no lead may be turned away."""

    WORKER: typing.Literal["embedded", "external"] = "embedded"
    """`external` when `flask worker` runs as a process of its own."""

    ATTORNEY_VISIBILITY: typing.Literal["all", "own"] = "all"
    """`own`: an attorney sees only the leads assigned to them."""

    ASSIGNMENT_POLICY: str = ""
    """TOML file with the rules of who gets the next lead, in the instance folder unless its path is whole.
    Without one the attorney with the fewest open leads gets it."""

    RATE_LIMIT_SUBMISSIONS: str = "60 per minute; 600 per hour"
    """Submissions from one address. Empty switches it off."""

    RATE_LIMIT_LOGINS: str = "10 per minute; 50 per hour"
    """Failed sign-ins to one account from one address or known device. Empty switches all such limits off."""

    BODIES_PER_ADDRESS: int = 16
    """Bodies that one address may leave unfinished at once. 0: no limit, for benchmarks from one machine."""

    REQUIRE_MFA: list[str] = field(default_factory=list)
    """Roles that must prove more than a password, such as `admin,manager`."""

    PASSKEYS: bool = False
    """Let people sign in with passkeys. Needs leadintake[passkeys]; bound to the host of PUBLIC_URL."""

    INVITATION_HOURS: int = 72
    """How long the link in an invitation is good."""

    PASSWORD_RESET_MINUTES: int = 60
    """How long the link for a new password is good."""

    OIDC_ISSUER: str = ""
    """https:// address of the firm's OpenID provider. Set it for single sign-on; needs leadintake[sso]."""

    OIDC_CLIENT_ID: str = ""
    """The name this service has there."""

    OIDC_CLIENT_SECRET: str = ""
    """Its secret there. Better given by LEADINTAKE_OIDC_CLIENT_SECRET_FILE."""

    OIDC_ROLE_CLAIM: str = ""
    """The claim of the ID token that decides the role, such as `groups`. Without it roles are kept here."""

    OIDC_ROLES: list[str] = field(default_factory=list)
    """What that claim's values mean: `partners=manager,associates=attorney`. The first that fits counts."""

    ALERT_LATE_MINUTES: int = 10
    """An alert that has not left for so long is an incident."""

    WATCHDOG: typing.Literal["embedded", "external"] = "embedded"
    """`external` where `flask watchdog` runs as a process of its own, best on another machine."""

    PAGERDUTY_ROUTING_KEY: str = ""
    """Integration key of a PagerDuty service (Events API v2) that incidents go to."""

    PAGERDUTY_URL: str = "https://events.pagerduty.com/v2/enqueue"
    """Where PagerDuty takes events; accounts in Europe: https://events.eu.pagerduty.com/v2/enqueue."""

    INCIDENT_WEBHOOK_URL: str = ""
    """An address that incidents are posted to, signed as Standard Webhooks says."""

    INCIDENT_WEBHOOK_SECRET: str = ""
    """Signs them: `whsec_` and 24 to 64 bytes in base64. Better given by
    LEADINTAKE_INCIDENT_WEBHOOK_SECRET_FILE."""

    HEARTBEAT_URL: str = ""
    """Called every minute while all is well, with /fail at its end while something is not. Set it to a check
    of a healthchecks server: it alone notices that this machine is gone."""

    AUDIT_HEAD_MINUTES: int = 60
    """How often a worker publishes the head of the audit trail."""

    AUDIT_HEAD_MAIL: str = ""
    """An address outside this machine's reach that every published head is mailed to."""

    CONFIRMATIONS_PER_DAY: int = 5
    """Confirmations to one mailbox within a day: nobody floods a stranger through the form."""

    SESSION_IDLE_MINUTES: int = 30
    """A session unused for so long is over."""

    SESSION_MAX_HOURS: int = 12
    """A session this old is over, used or not."""

    FIRM_NAME: str = "Our Law Firm"
    """The firm's name, on the page and in mails."""

    FIRM_LOGO: str = ""
    """A picture shown in place of the name: a file in the instance folder unless its path is whole."""

    ACCENT_COLOR: str = "#1f4e8c"
    """The firm's colour, as #rrggbb. Shades that can be read in light and in dark are made from it."""

    PRACTICE_AREAS: list[str] = field(
        default_factory=lambda: ["business", "criminal", "employment", "estate", "family", "immigration"]
    )
    """Values a lead's practice_area may take."""

    LANGUAGES: list[str] = field(default_factory=lambda: ["en", "es"])
    """Values a lead's language may take."""

    EMBED_ORIGINS: list[str] = field(default_factory=list)
    """Origins (https://www.firm.example) whose pages may frame the form and post to it."""

    FORM_MIN_SECONDS: int = 2
    """Who sends the form sooner after opening it is taken for a program: quarantine. 0 switches it off."""

    ALTCHA: bool = False
    """Have browsers do a little work before they send the form; without it: quarantine. Needs
    leadintake[altcha]."""

    METRICS_TOKEN: str = ""
    """Bearer token for /metrics. In production they are read with it alone, else from loopback too."""

    TRACES: bool = False
    """Send traces over OTLP/HTTP, to where OTEL_EXPORTER_OTLP_ENDPOINT says. Needs leadintake[otel]."""

    LOG_FORMAT: typing.Literal["console", "json"] = "console"
    """`json` for a log collector."""
