"""Log formatter of granian.json and gunicorn.ini: server lines in the application's format."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from leadintake.server_logs.failures import trace_of

REQUEST_QUOTE = "Invalid request from ip="
"""gunicorn quotes an unreadable request, which may be a path with a name."""
FILES = {"granian": "granian.json", "gunicorn": "gunicorn.ini"}


def log_config(server: str) -> Path:
    """Return the path for a server's `--log-config`."""
    return Path(__file__).with_name(FILES[server])


class LineFormatter(logging.Formatter):
    """One line per record, JSON if LEADINTAKE_LOG_FORMAT says so; exceptions without message."""

    def __init__(self, *_args: object, as_json: bool | None = None, **_kwargs: object) -> None:
        super().__init__()
        self._as_json = wants_json(os.environ) if as_json is None else as_json

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        fields = fields_of(record)
        if self._as_json:
            return json.dumps(fields)
        trace = fields.pop("exception", None)
        line = f"{fields['timestamp']} [{fields['level']}] {fields['message']}"
        return f"{line}\n{trace}" if trace else line


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    """Return the fields of a line."""
    failed = record.exc_info[1] if record.exc_info else None
    moment = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
    fields = {
        "event": "server",
        "logger": record.name,
        "message": _message_of(record, failed=failed is not None),
        "level": record.levelname.lower(),
        "timestamp": moment,
    }
    if failed is not None:
        fields["exception"] = trace_of(failed)
    return fields


def wants_json(environment: Mapping[str, str]) -> bool:
    """Return whether LOG_FORMAT, or its file, says `json`."""
    path = environment.get("LEADINTAKE_LOG_FORMAT_FILE")
    try:
        text = Path(path).read_text() if path else environment.get("LEADINTAKE_LOG_FORMAT", "")
    except OSError:
        return False  # the application reports the error
    return text.strip().lower() == "json"


def _message_of(record: logging.LogRecord, *, failed: bool) -> str:
    """Return the message's first line without quoted requests; with an exception, only the template.

    granian's messages arrive formatted, with the trace in later lines.
    """
    template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    message = template if failed else record.getMessage()
    if message.startswith(REQUEST_QUOTE):
        return message.partition(": ")[0]
    return message.partition("\n")[0]
