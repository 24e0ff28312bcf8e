"""What people type, and what lets them in, is in no log line, metric, trace or incident, whatever fails.

A word that is nowhere else stands in everything that is sent to a real server.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
from datetime import timedelta

import pytest
import requests
import sqlalchemy as sa

from leadintake import create_app
from leadintake.auth.people.service import users
from leadintake.auth.permissions import Role
from leadintake.core.actor import OPERATOR
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.demo.people import resume_of
from leadintake.monitoring.models import Incident
from tests.support.collector import collecting
from tests.support.engines import migrated_database
from tests.support.mailserver import Script, mail_server
from tests.support.receiver import Stub, receiving
from tests.support.server import Server, serving, wait_until

WORD = "quokka"
ATTORNEY, PASSWORD = f"{WORD}@firm.example.com", "unrelated words and a numbat"
PROSPECT = {"first_name": f"Jane{WORD}", "last_name": f"Doe{WORD}", "email": f"{WORD}@prospect.example"}
HEADERS = {
    "User-Agent": WORD,
    "Cookie": f"leadintake={WORD}; other={WORD}",
    "Referer": f"https://{WORD}.example/?q={WORD}",
    "X-Forwarded-For": WORD,
    "Authorization": f"Bearer {WORD}",
    "traceparent": WORD,
}
EVENTS = {
    "request", "delivery", "unexpected_failure", "answer_broken", "storage_failed", "notification_failed",
    "refused", "server",
}  # fmt: skip


class People:
    """Prospects and an attorney, who have everything go wrong that can."""

    def __init__(self, server: Server) -> None:
        self.server, self.secrets = server, {PASSWORD}

    def ask(self, method: str, path: str, **more) -> requests.Response:
        """Send a request with the word in all its headers."""
        headers = {**HEADERS, **more.pop("headers", {})}
        return requests.request(method, self.server.address + path, headers=headers, timeout=60, **more)

    def submit(self, **changes: object) -> int:
        """Send the form; return the status."""
        file = (f"{WORD}.pdf", resume_of(WORD))
        more = {"Idempotency-Key": f"{WORD}{os.urandom(4).hex()}"}
        data = {**PROSPECT, **changes}
        return self.ask(
            "POST", "/public/leads", data=data, files={"resume_file": file}, headers=more
        ).status_code

    def go_astray(self) -> None:
        """Ask for what is not there, not allowed or not to be read."""
        assert self.submit(email=WORD, first_name="") == 422
        assert self.ask("GET", f"/{WORD}?q={WORD}").status_code == 404
        assert self.ask("GET", f"/account/{WORD}").status_code == 404
        assert self.ask("GET", f"/?{WORD}={WORD * 4000}").status_code in (414, 422)
        assert self.ask("POST", f"/public/leads?{WORD}=1", json={WORD: WORD}).status_code in (415, 422)
        wrong = {"email": ATTORNEY, "password": WORD}
        assert self.ask("POST", "/internal/session", json=wrong, headers={"Referer": None}).status_code == 401
        assert self.ask("GET", f"/internal/leads?q={WORD}").status_code == 401
        for view in ("value", "statement"):
            assert self.ask("POST", f"/broken/{view}", data={"name": WORD}).status_code == 500
        with contextlib.suppress(requests.RequestException):  # gunicorn breaks off, granian only ends
            self.ask("POST", "/broken/answer", data={"name": WORD})
        for sent in (f"GET /{WORD} HTTP/{WORD}", f"{WORD} /{WORD}?{WORD} HTTP/1.1\r\n{WORD}", f"{WORD}\x00"):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as client:
                client.sendall(f"{sent}\r\n\r\n".encode())
                client.recv(1000)

    def work(self) -> None:
        """Sign in, and look for somebody."""
        session = requests.Session()
        shown = {"email": ATTORNEY, "password": PASSWORD}
        answer = session.post(f"{self.server.address}/internal/session", json=shown, timeout=60)
        assert answer.status_code == 200
        self.secrets |= {answer.json()["csrf_token"], *session.cookies.values()}
        for path in (f"/internal/leads?q={WORD}", f"/internal/leads.csv?q={WORD}", f"/desk?q={WORD}"):
            assert session.get(self.server.address + path, timeout=60).ok


def events_of(log: str, form: str) -> set[str]:
    """The kinds of lines; each one is a line of JSON, if it should be."""
    if form == "json":
        return {json.loads(line)["event"] for line in log.splitlines()}
    return {event for event in EVENTS if f"] {event}" in log or event == "server"}


@pytest.mark.parametrize(
    ("kind", "form"), [("granian", "json"), pytest.param("gunicorn", "console", marks=pytest.mark.long_form)]
)
def test_nothing_of_them_is_written_down(kind, form, tmp_path):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs leadintake[otel]")
    refusing = Script(
        rcpt=f"550 5.1.1 <{WORD}@prospect.example>: {WORD} is not here",
        ehlo=[*[f"451 4.3.0 {WORD}@firm.example.com"] * 2, ""],
    )
    around = {"OTEL_BSP_SCHEDULE_DELAY": "200"}
    with (
        migrated_database("sqlite", tmp_path) as url,
        mail_server(refusing) as port,
        collecting() as collector,
        receiving(Stub()) as receiver,
    ):
        app = create_app(INSTANCE_PATH=str(tmp_path / "instance"), DATABASE_URL=url)
        with app.app_context(), transaction():
            users.add(ATTORNEY, f"Amara {WORD}", Role.ATTORNEY, PASSWORD, actor=OPERATOR)
        settings = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(port), "LOG_FORMAT": form, "TRACES": "1"}
        settings |= {
            "WATCHDOG": "external",
            "INCIDENT_WEBHOOK_URL": receiver.url("/incidents"),
            "INCIDENT_WEBHOOK_SECRET": "whsec_" + base64.b64encode(bytes(32)).decode(),
        }
        around["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.address
        app_with_faults = "tests.support.broken:app"
        with serving(url, tmp_path, app=app_with_faults, around=around, kind=kind, **settings) as server:
            people = People(server)
            assert people.submit() == 201
            assert people.submit() == 201
            people.go_astray()
            people.work()
            uploads = tmp_path / "instance" / "uploads"
            uploads.rename(tmp_path / "gone")
            uploads.write_text("in the way")
            assert people.submit() == 503
            wait_until(lambda: "notification_failed" in server.log.read_text(), "a mail was refused")
            metrics = requests.get(f"{server.address}/metrics", timeout=60).text
            wait_until(lambda: "GET /metrics" in collector.spans, "the traces are there")
            server.run("watchdog", "--once")
            with app.app_context(), transaction():  # what fails is told when it fails a minute later, too
                db.session.execute(sa.update(Incident).values(opened_at=now() - timedelta(minutes=1)))
            watched = server.run("watchdog", "--once")
            server.stop()
        log = server.log.read_text()
    traces = b"".join(collector.bodies).decode(errors="replace")
    assert events_of(log, form) >= EVENTS
    assert {"POST /public/leads", "deliver attorney_alert", "GET"} <= collector.spans.keys()
    assert "leadintake_requests_total" in metrics
    incidents = "".join(f"{request.json}" for request in receiver.at("/incidents"))
    assert "'cause': 'storage'" in incidents
    for written in (log, metrics, traces, incidents, watched.stdout, watched.stderr):
        assert [line for line in written.splitlines() if WORD in line.lower()] == []
        assert [secret for secret in people.secrets if secret in written] == []
