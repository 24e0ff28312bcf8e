"""The lines of granian and gunicorn: in the form of ours, and without what they quote."""

from __future__ import annotations

import json
import logging
import logging.config
import subprocess
import sys
from pathlib import Path

import pytest

from leadintake import create_app
from leadintake.server_logs.__main__ import main
from leadintake.server_logs.lines import FILES, LineFormatter, log_config
from tests.support.logs import lines_of

CANARY = "canary"


def record(message, *arguments, name="gunicorn.error", level=logging.INFO, error=None):
    failure = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, level, __file__, 1, message, arguments, failure)


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.fixture
def as_json():
    formatter = LineFormatter(as_json=True)
    return lambda line: json.loads(formatter.format(line))


def test_a_line_is_json(as_json):
    line = as_json(record("Listening at: %s (%s)", "http://127.0.0.1:8000", 42))
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "server",
        "logger": "gunicorn.error",
        "message": "Listening at: http://127.0.0.1:8000 (42)",
        "level": "info",
    }


def test_a_line_is_words_where_no_collector_reads_it(monkeypatch):
    monkeypatch.delenv("LEADINTAKE_LOG_FORMAT", raising=False)
    line = LineFormatter().format(record("Started", level=logging.WARNING))
    assert line.endswith(" [warning] Started")


def test_the_form_is_that_of_the_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("LEADINTAKE_LOG_FORMAT", "json")
    assert LineFormatter().format(record("x")).startswith("{")
    (tmp_path / "form").write_text("json\n")
    monkeypatch.delenv("LEADINTAKE_LOG_FORMAT")
    monkeypatch.setenv("LEADINTAKE_LOG_FORMAT_FILE", str(tmp_path / "form"))
    assert LineFormatter().format(record("x")).startswith("{")
    monkeypatch.setenv("LEADINTAKE_LOG_FORMAT_FILE", str(tmp_path / "none"))
    assert not LineFormatter().format(record("x")).startswith("{")


def test_a_failure_is_told_by_the_servers_own_words_and_places(as_json):
    error = raised(ValueError(CANARY))
    line = as_json(record("Error handling request %s", f"/?q={CANARY}", error=error))
    assert line["message"] == "Error handling request %s"
    assert "raise error" in line["exception"]
    assert CANARY not in str(line)
    words = LineFormatter(as_json=False).format(record("Error", error=error))
    assert words.splitlines()[0].endswith("] Error")
    assert words.endswith("ValueError")


def test_an_exception_as_message_is_told_by_its_name(as_json):
    error = raised(ValueError(CANARY))
    assert as_json(record(error, error=error))["message"] == "ValueError"


def test_what_was_quoted_of_a_request_is_left_out(as_json):
    line = as_json(record(f"Invalid request from ip=::1: Invalid HTTP request line: 'GET /{CANARY}'"))
    assert line["message"] == "Invalid request from ip=::1"


def test_granians_own_trace_is_left_out(as_json):
    assert CANARY not in str(as_json(record(f"It raised\nValueError: {CANARY}", name="_granian")))


def test_each_configuration_can_be_loaded():
    """In a process of its own: it changes the logging of all of it."""
    words = "import json, logging.config, sys; from leadintake.server_logs.lines import log_config as f; "
    granian = "logging.config.dictConfig(json.loads(f('granian').read_text())); "
    gunicorn = "logging.config.fileConfig(f('gunicorn'), disable_existing_loggers=False); "
    lines = "[logging.getLogger(n).error('told') for n in ('_granian', 'gunicorn.error', 'other')]; "
    heavy = "print([n for n in ('flask', 'leadintake.core', 'ssl', 'requests') if n in sys.modules])"
    for load, name in ((granian, "granian"), (gunicorn, "gunicorn")):
        access = f"logging.getLogger('{name}.access').error('never'); "
        done = subprocess.run(
            [sys.executable, "-c", words + load + lines + access + heavy],
            env={"LEADINTAKE_LOG_FORMAT": "json"},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
        )
        assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["told"] * 3
        assert done.stdout == "[]\n"  # gevent must find the standard library as it is


def test_libraries_write_json_too_where_no_server_has_configured_them(tmp_path, monkeypatch, capfd):
    """As in a command, or with a server that was given no configuration."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    for _ in range(2):
        create_app(INSTANCE_PATH=str(tmp_path), LOG_FORMAT="json")
    assert len(root.handlers) == 1
    logging.getLogger("of.a.library").warning("told")
    (line,) = lines_of(capfd.readouterr().err, "server")
    assert (line["logger"], line["message"]) == ("of.a.library", "told")


@pytest.mark.parametrize("server", FILES)
def test_the_path_of_each_can_be_asked_for(server, capsys):
    assert main([server]) == 0
    assert capsys.readouterr().out.strip() == str(log_config(server))
    assert log_config(server).is_file()


@pytest.mark.parametrize("arguments", [[], ["apache"], ["granian", "gunicorn"]])
def test_any_other_is_refused(arguments, capsys):
    assert main(arguments) == 2
    assert "granian|gunicorn" in capsys.readouterr().err
