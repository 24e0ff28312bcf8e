"""Refused mail, a worker that dies, a database that is cut: each is one incident, resolved by itself."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from leadintake import create_app
from leadintake.core import checks
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.monitoring import watchdog
from leadintake.monitoring.watchdog import Watchdog
from leadintake.notifications.channels.interface import ChannelDown
from leadintake.notifications.embedded import Stop
from leadintake.notifications.service import notifications
from leadintake.notifications.worker import Worker
from tests.factories import LeadFactory, UserFactory
from tests.support.mailserver import Script, free_port, mail_server
from tests.support.proxy import proxy_to
from tests.support.receiver import Stub, receiving
from tests.support.server import Server, running, wait_until
from tests.support.server import Worker as WorkerProcess

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
INTERVAL = timedelta(seconds=watchdog.INTERVAL_SECONDS)


@pytest.fixture
def stub():
    with receiving(Stub()) as started:
        yield started


def told(stub: Stub) -> list[tuple[str, str]]:
    """What PagerDuty was told: what happened to which cause."""
    bodies = [request.json for request in stub.at("/pagerduty")]
    return [(body["event_action"], body["dedup_key"].rpartition("/")[2]) for body in bodies]


def beats(stub: Stub) -> list[str]:
    """How the service was at each sign of life."""
    return [request.path.removeprefix("/beat") for request in stub.taken if request.path.startswith("/beat")]


def beat_after(app, moment) -> bool:
    """Whether a worker was seen since."""
    with app.app_context():
        seen = notifications.find_last_beat()
        db.session.rollback()
        return seen is not None and seen > moment


def to(stub: Stub) -> dict[str, object]:
    """Settings by which the stub is told."""
    return {
        "PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
        "PAGERDUTY_URL": stub.url("/pagerduty"),
        "HEARTBEAT_URL": stub.url("/beat"),
    }


class TestMail:
    """Refused for fifteen minutes of a clock that is moved."""

    @pytest.fixture
    def settings(self, stub):
        return {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": free_port(), **to(stub)}

    @pytest.mark.parametrize(
        "refusal", [None, {"ehlo": "550 5.7.1 Go away"}, {"mail": "550 5.7.1 Not from you"}]
    )
    def test_one_incident_resolved_on_recovery_and_every_alert_arrives(
        self, app, client, given, stub, refusal
    ):
        """Nobody listens, or a server there refuses our name or our sender."""
        given(UserFactory, email="amara@firm.example.com")
        worker, dog, begun = Worker(app), Watchdog(app), now()

        def minute(number: int) -> None:
            with time_machine.travel(begun + timedelta(minutes=number)), app.app_context():
                if number < 10:
                    assert client.submit(email=f"jane{number}@example.com").status_code == 201
                with transaction():
                    notifications.record_beat(worker.name)
                with contextlib.suppress(ChannelDown):
                    worker.deliver_due(Stop())
                dog.run_round()

        with mail_server(Script(**refusal), app.config["MAIL_PORT"]) if refusal else contextlib.nullcontext():
            for number in range(16):
                minute(number)
        assert told(stub) == [("trigger", "mail")]
        assert "No mail has left since" in stub.at("/pagerduty")[0].json["payload"]["summary"]
        sink = Script()
        with mail_server(sink, app.config["MAIL_PORT"]):
            minute(16)
        assert told(stub) == [("trigger", "mail"), ("resolve", "mail")]
        assert sink.recipients.count("amara@firm.example.com") == 10
        assert len(sink.received) == 20
        began = datetime.fromisoformat(stub.at("/pagerduty")[0].json["payload"]["timestamp"])
        assert 10 <= (began - begun) / timedelta(minutes=1) < 12  # after the first alert was owed
        assert beats(stub) == [""] * 17


class TestWorker:
    """A process that is killed."""

    @pytest.fixture
    def settings(self, stub):
        return to(stub)

    def test_it_shows_within_two_intervals(self, app, database_url, tmp_path, stub):
        server, dog = Server(database_url, tmp_path, WORKER="external"), Watchdog(app)
        process, begun = WorkerProcess(server, 0, None), now()
        with running(process):
            wait_until(lambda: beat_after(app, begun), "it is seen")
            assert dog.run_round() == {}
            process.kill()
        killed = now()
        found = []
        for passed in (INTERVAL, 2 * INTERVAL):
            with time_machine.travel(killed + passed):
                found.append([*dog.run_round()])
        assert found[-1] == ["worker"]
        with running(WorkerProcess(server, 0, None)):
            wait_until(lambda: beat_after(app, killed), "another is seen")
            assert dog.run_round() == {}
        assert told(stub) == [("trigger", "worker"), ("resolve", "worker")]


@pytest.mark.every_server
class TestDatabase:
    """Behind a wire that is cut."""

    @pytest.fixture
    def settings(self, stub):
        return {**to(stub), "WATCHDOG": "external"}

    def test_exactly_that_is_told_and_the_watchdog_goes_on(
        self, database_url, settings, given, stub, tmp_path, monkeypatch
    ):
        given(LeadFactory, assigned_at=now() - timedelta(days=1))
        url = sa.make_url(database_url)
        with proxy_to(url.port) as cable:
            near = url.set(port=cable.port).render_as_string(hide_password=False)
            far = create_app(
                DATABASE_URL=near, INSTANCE_PATH=str(tmp_path / "far"), WORKER="external", **settings
            )
            dog = Watchdog(far)
            with far.app_context(), transaction():
                notifications.record_beat("worker:1")
            assert [*dog.run_round()] == ["leads_waiting"]
            cable.freeze()
            monkeypatch.setattr(checks, "FRESH_SECONDS", 2)
            for passed in (timedelta(), INTERVAL):
                with time_machine.travel(now() + passed):
                    assert [*dog.run_round()] == ["database"]
            assert [*Watchdog(far).run_round()] == ["database"]  # another, or the same started anew
            assert told(stub) == [("trigger", "leads_waiting"), ("trigger", "database")]
            monkeypatch.setattr(checks, "FRESH_SECONDS", 0)
            cable.thaw()
            with far.app_context():
                db.engine.dispose()
            assert [*dog.run_round()] == ["leads_waiting"]
            assert told(stub)[2:] == [("resolve", "database")]
            assert beats(stub) == [""] * 5
            with far.app_context():
                db.engine.dispose()
