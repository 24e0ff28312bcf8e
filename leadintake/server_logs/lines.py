"""The formatter that granian.json and gunicorn.ini name: a server's lines in the form of ours."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from leadintake.server_logs.failures import trace_of

QUOTES_A_REQUEST = "Invalid request from ip="
"""gunicorn repeats what it could not read, which may be a path with somebody's name."""
FILES = {"granian": "granian.json", "gunicorn": "gunicorn.ini"}


def log_config(server: str) -> Path:
    """The file to give to `--log-config` of a server."""
    return Path(__file__).with_name(FILES[server])


class LineFormatter(logging.Formatter):
    """A line each, as JSON with LEADINTAKE_LOG_FORMAT=json. Of an exception it has what a log may say."""

    def __init__(self, *_of_every_formatter: object, as_json: bool | None = None, **_more: object) -> None:
        super().__init__()
        self._as_json = wants_json(os.environ) if as_json is None else as_json

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        fields = fields_of(record)
        if self._as_json:
            return json.dumps(fields)
        trace = fields.pop("exception", None)
        line = f"{fields['timestamp']} [{fields['level']}] {fields['message']}"
        return f"{line}\n{trace}" if trace else line


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    """What a line says."""
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
    """Whether LOG_FORMAT, or the file that holds it, says `json`."""
    path = environment.get("LEADINTAKE_LOG_FORMAT_FILE")
    try:
        told = Path(path).read_text() if path else environment.get("LEADINTAKE_LOG_FORMAT", "")
    except OSError:
        return False  # the application says what is wrong with it
    return told.strip().lower() == "json"


def _message_of(record: logging.LogRecord, *, failed: bool) -> str:
    """The message without what it quotes: of a failure only what stands in the server's code.

    granian's are whole already, and its traces follow in the lines after the first.
    """
    template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    message = template if failed else record.getMessage()
    if message.startswith(QUOTES_A_REQUEST):
        return message.partition(": ")[0]
    return message.partition("\n")[0]
