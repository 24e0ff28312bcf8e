"""flask worker and flask outbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid

import pytest

from leadintake.audit.models import AuditEntry
from leadintake.core.clock import now
from leadintake.leads.models import Lead
from leadintake.notifications import cli
from leadintake.notifications.channel_state import read_channel_state
from leadintake.notifications.channels.interface import ChannelDown
from leadintake.notifications.embedded import Stop, install_stop_signal
from leadintake.notifications.leases import MAX_BACKOFF
from leadintake.notifications.models import Notification, Status
from tests.factories import NotificationFactory, UserFactory
from tests.support.mailserver import HOST, Script, free_port, mail_server
from tests.support.outbox import at, deliver
from tests.support.waiting import WAIT_SECONDS, until


@pytest.fixture(autouse=True)
def _signals(monkeypatch):
    """A command in this process must not take over the signals of the tests."""
    monkeypatch.setattr(cli, "install_stop_signal", Stop)


@pytest.fixture
def run(app):
    def invoke(*arguments: str):
        return app.test_cli_runner().invoke(args=list(arguments))

    return invoke


def one_line(result, *words: str) -> bool:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    return len(result.stderr.strip().splitlines()) == 1 and all(word in result.stderr for word in words)


def test_drain_sends_what_is_due_and_leaves(run, given, rows):
    given(NotificationFactory)
    given(NotificationFactory, due_at=now() + MAX_BACKOFF, attempts=1)
    result = run("worker", "--drain")
    assert (result.exit_code, result.stdout) == (0, "1 message(s) handled.\n")
    assert [one.status for one in rows(Notification)] == [Status.SENT, Status.QUEUED]
    assert run("worker", "--drain").stdout == "0 message(s) handled.\n"


def test_drain_says_in_one_line_that_there_is_no_way_out(app, run, given):
    given(NotificationFactory)
    app.extensions["leadintake.channels"]["mail"].folder.write_text("in the way")
    assert one_line(run("worker", "--drain"), "mail")


def test_without_drain_it_works_until_it_is_stopped(run, given, rows, monkeypatch):
    given(NotificationFactory)

    class OneRound(Stop):
        def wait(self, _seconds: float) -> None:
            self.stop_event.set()

    monkeypatch.setattr(cli, "install_stop_signal", OneRound)
    assert run("worker").exit_code == 0
    assert rows(Notification)[0].status is Status.SENT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_asks_for_a_stop(number):
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        stop = install_stop_signal()
        assert not stop()
        signal.raise_signal(number)
        assert stop()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_the_list_is_a_table_or_json_newest_first(run, given):
    with at():
        given(NotificationFactory, "failed", recipient="amara@firm.example.com")
    with at(minutes=1):
        given(NotificationFactory, "sent", recipient="bruno@firm.example.com")
    heading, newest, oldest = run("outbox", "list").stdout.splitlines()
    assert heading.split() == ["id", "status", "at", "kind", "recipient", "last_error"]
    assert "bruno@firm.example.com" in newest
    assert "550 no such user" in oldest
    items = json.loads(run("outbox", "list", "--format", "json").stdout)
    assert [(item["recipient"], item["status"]) for item in items] == [
        ("bruno@firm.example.com", "sent"),
        ("amara@firm.example.com", "failed"),
    ]
    failed = json.loads(run("outbox", "list", "--format", "json", "--status", "failed").stdout)
    assert [item["recipient"] for item in failed] == ["amara@firm.example.com"]
    assert len(json.loads(run("outbox", "list", "--format", "json", "--limit", "1").stdout)) == 1


def test_an_empty_outbox_says_so(run):
    assert run("outbox", "list").stdout == "There is no such message.\n"
    assert json.loads(run("outbox", "list", "--format", "json").stdout) == []


def test_a_failed_message_is_queued_again(app, run, given, rows):
    owed = given(NotificationFactory, "failed")
    assert run("outbox", "retry", str(owed.id)).exit_code == 0
    assert deliver(app) == 1
    assert rows(Notification)[0].status is Status.SENT


def test_retry_sends_all_that_failed_and_nothing_else(app, run, given, rows):
    for trait in ("failed", "sent", "failed"):
        given(NotificationFactory, trait)
    given(NotificationFactory, "failed", due_at=None, deleted_at=now())
    assert run("outbox", "retry", "--all-failed").stdout.startswith("2 message(s) queued")
    assert deliver(app) == 2
    assert [one.status for one in rows(Notification)] == [Status.SENT] * 3 + [Status.FAILED]
    (entry,) = [one for one in rows(AuditEntry) if one.action == "messages.retried"]
    assert '"number":2' in entry.detail.replace(" ", "")
    assert run("outbox", "retry", "--all-failed").stdout.startswith("0 message(s)")


@pytest.mark.parametrize("arguments", [[], ["--all-failed", str(uuid.UUID(int=0))]])
def test_retry_wants_one_message_or_all_that_failed(run, arguments):
    assert run("outbox", "retry", *arguments).exit_code == 2


def test_what_was_sent_or_is_not_there_is_refused_in_one_line(run, given):
    assert one_line(run("outbox", "retry", str(given(NotificationFactory, "sent").id)), "sent already")
    assert one_line(run("outbox", "retry", str(uuid.UUID(int=0))), "no such message")
    assert one_line(run("outbox", "prove", str(uuid.UUID(int=0))), "no such message")
    assert run("outbox", "retry", "x").exit_code == 2


def test_prove_shows_every_attempt_of_a_message_or_of_all_messages_of_a_lead(
    app, run, client, given, rows, monkeypatch
):
    given(UserFactory)
    client.submit()
    (lead,) = rows(Lead)
    alert, thanks = rows(Notification)
    assert "Nothing has been tried yet" in run("outbox", "prove", str(alert.id)).stdout
    deliver(app)
    of_one = json.loads(run("outbox", "prove", str(alert.id), "--format", "json").stdout)
    assert [(item["message"], item["outcome"]) for item in of_one] == [(str(alert.id), "sent")]
    assert of_one[0]["reply"].startswith("written to ")
    assert of_one[0]["at"].endswith("Z")
    of_lead = json.loads(run("outbox", "prove", str(lead.id), "--format", "json").stdout)
    assert [item["recipient"] for item in of_lead] == [alert.recipient, thanks.recipient]


class TestATestMessage:
    """`outbox test` sends one the whole way, and says what the mail server says."""

    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def settings(self, port) -> dict[str, object]:
        return {"MAIL_SERVER": HOST, "MAIL_PORT": port, "MAIL_TIMEOUT": 2}

    def test_that_arrives(self, run, rows, port):
        script = Script()
        with mail_server(script, port):
            result = run("outbox", "test", "ada@firm.example.com")
        assert (result.exit_code, result.stdout) == (0, "250 2.0.0 queued as 4711\n")
        assert script.recipients == ["ada@firm.example.com"]
        assert "outbox test" in script.received[0].as_string()
        assert [(one.kind, one.status) for one in rows(Notification)] == [("test_message", Status.SENT)]

    @pytest.mark.parametrize(
        ("says", "words"),
        [
            ({"rcpt": "550 5.1.1 no such user"}, "Refused: 550 5.1.1 no such user"),
            ({"mail": "550 5.7.1 not your address"}, "Refused at MAIL FROM, which is about us"),
            ({"rcpt": "450 4.2.0 greylisted"}, "Not taken for now: 450 4.2.0 greylisted"),
            ({"ehlo": "550 we do not like your name"}, "at EHLO"),
        ],
        ids=str,
    )
    def test_that_is_refused_is_said_and_leaves_nothing_to_send(self, run, rows, port, says, words):
        with mail_server(Script(**says), port):
            result = run("outbox", "test", "ada@firm.example.com")
        assert one_line(result, words)
        assert [one.due_at for one in rows(Notification) if one.deleted_at is None] == []

    def test_opens_the_way_that_was_closed(self, app, run, given, port):
        given(NotificationFactory)
        with mail_server(Script(mail="550 5.7.1 not your address"), port), pytest.raises(ChannelDown):
            deliver(app)
        with mail_server(Script(), port):
            assert run("outbox", "test", "ada@firm.example.com").exit_code == 0
        with app.app_context():
            assert read_channel_state() is None

    def test_is_not_sent_while_no_mail_may_leave(self, app, run, rows, port):
        app.config["MAIL_HOLD"] = True
        with mail_server(script := Script(), port):
            assert one_line(run("outbox", "test", "ada@firm.example.com"), "MAIL_HOLD is on")
        assert (script.connections, rows(Notification)) == (0, [])

    def test_to_what_is_no_address_is_not_sent(self, run, rows):
        assert one_line(run("outbox", "test", "ada"), "not an e-mail address")
        assert rows(Notification) == []

    def test_drain_says_that_only_strangers_are_refused(self, run, given, port):
        given(NotificationFactory, kind="prospect_confirmation", recipient="jane@example.com")
        given(NotificationFactory)
        with mail_server(Script(**{"rcpt jane@example.com": "554 5.7.1 Relay access denied"}), port):
            assert one_line(run("worker", "--drain"), "2 handled", "RCPT TO", "Relay access denied")


class TestARealWorker:
    """A process of its own, against a mail server that takes its time."""

    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def settings(self, port) -> dict[str, object]:
        return {"MAIL_SERVER": HOST, "MAIL_PORT": port}

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_finishes_the_message_in_hand_and_leaves_with_0(
        self, app, given, rows, port, database_url, number
    ):
        for _ in range(3):
            given(NotificationFactory)
        script = Script()
        script.go_on.clear()
        environment = {
            **os.environ,
            "LEADINTAKE_INSTANCE_PATH": app.config["INSTANCE_PATH"],
            "LEADINTAKE_DATABASE_URL": database_url,
            "LEADINTAKE_MAIL_SERVER": HOST,
            "LEADINTAKE_MAIL_PORT": str(port),
        }
        command = [sys.executable, "-m", "leadintake", "worker"]
        with (
            mail_server(script, port),
            subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as worker,
        ):
            try:
                assert script.at_data.wait(WAIT_SECONDS)
                worker.send_signal(number)
                assert worker.poll() is None  # it does not drop what it has in hand
                script.go_on.set()
                _, said = worker.communicate(timeout=WAIT_SECONDS)
            finally:
                worker.kill()
        assert worker.returncode == 0, said
        assert "Traceback" not in said
        assert [one.status for one in rows(Notification)] == [Status.SENT, Status.QUEUED, Status.QUEUED]
        assert len(script.received) == 1

    def test_a_worker_that_is_killed_loses_nothing(self, app, given, rows, port, database_url):
        given(NotificationFactory)
        script = Script()
        script.go_on.clear()
        environment = {
            **os.environ,
            "LEADINTAKE_INSTANCE_PATH": app.config["INSTANCE_PATH"],
            "LEADINTAKE_DATABASE_URL": database_url,
            "LEADINTAKE_MAIL_SERVER": HOST,
            "LEADINTAKE_MAIL_PORT": str(port),
        }
        command = [sys.executable, "-m", "leadintake", "worker"]
        with mail_server(script, port):
            with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as worker:
                try:
                    assert script.at_data.wait(WAIT_SECONDS)
                finally:
                    worker.kill()
            (held,) = rows(Notification)
            assert held.status is Status.SENDING
            script.go_on.set()
            with at(days=9000):
                assert deliver(app) == 1
        until(lambda: rows(Notification)[0].status is Status.SENT)
