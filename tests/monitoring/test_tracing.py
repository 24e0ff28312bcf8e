"""A trace goes from the submission through the outbox into the delivery, to whoever speaks OTLP."""

from __future__ import annotations

import subprocess
import sys

import pytest

from leadintake import create_app
from leadintake.config import rules
from leadintake.config.reading import ConfigurationError
from leadintake.core import tracing
from leadintake.core.tracing import EXTENSION, NO_SPAN, NO_TRACER
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.collector import collecting
from tests.support.outbox import deliver
from tests.support.views import serve

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs leadintake[otel]")


@pytest.fixture
def collector(monkeypatch):
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER"):
        monkeypatch.delenv(name, raising=False)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        yield collector


def is_sampled(owed):
    """W3C Trace Context, 3.2.2.5: the last bit of the flags."""
    return bool(int(owed.traceparent[-2:], 16) & 1)


class TestOn:
    """With TRACES."""

    @pytest.fixture
    def settings(self):
        return {"TRACES": True}

    @pytest.fixture(autouse=True)
    def _end(self, collector, app):
        yield
        app.extensions[EXTENSION].close()

    def test_one_trace_has_the_submission_its_messages_and_their_deliveries(
        self, app, client, given, rows, collector
    ):
        given(UserFactory)
        answer = client.submit()
        deliver(app)
        app.extensions[EXTENSION].close()
        assert collector.paths == {("/v1/traces", "application/x-protobuf")}
        spans = collector.spans
        request = spans["POST /public/leads"]
        assert request.parent_span_id == b""
        for owed in rows(Notification):
            enqueue, delivery = spans[f"enqueue {owed.kind}"], spans[f"deliver {owed.kind}"]
            assert enqueue.trace_id == delivery.trace_id == request.trace_id
            assert enqueue.parent_span_id == request.span_id
            assert delivery.parent_span_id == enqueue.span_id
            assert owed.traceparent.startswith(f"00-{enqueue.trace_id.hex()}-{enqueue.span_id.hex()}-")
            assert is_sampled(owed)
            facts = {one.key: one.value.string_value or one.value.int_value for one in delivery.attributes}
            assert facts == {
                "leadintake.message": str(owed.id),
                "leadintake.kind": owed.kind,
                "leadintake.result": "sent",
                "leadintake.attempts": 1,
                "leadintake.request_id": answer.headers["X-Request-Id"],
            }
        for name in ("Jane", "jane@example.com", "resume.pdf"):
            assert name.encode() not in b"".join(collector.bodies)

    def test_a_request_that_fails_is_marked_and_its_cause_is_not_in_the_span(self, app, client, collector):
        def view():
            raise ValueError("canary")

        serve(app, view)
        assert client.post("/test").status_code == 500
        app.extensions[EXTENSION].close()
        assert collector.spans["POST /test"].status.code == 2
        assert list(collector.spans["POST /test"].events) == []
        assert b"canary" not in b"".join(collector.bodies)

    def test_a_client_cannot_put_its_request_into_a_trace_of_its_choice(self, app, client, collector):
        foreign = "0af7651916cd43dd8448eb211c80319c"
        client.get("/healthz", headers={"traceparent": f"00-{foreign}-b7ad6b7169203331-01"})
        app.extensions[EXTENSION].close()
        assert collector.spans["GET /healthz"].trace_id.hex() != foreign

    def test_the_service_is_called_leadintake_unless_the_operator_says_otherwise(
        self, app, client, collector, monkeypatch
    ):
        for name in ("leadintake", "intake of the firm"):
            client.get("/healthz")
            app.extensions[EXTENSION].close()
            (attribute,) = (
                one for one in collector.resources[-1].resource.attributes if one.key == "service.name"
            )
            assert attribute.value.string_value == name
            monkeypatch.setenv("OTEL_SERVICE_NAME", "intake of the firm")

    def test_what_is_not_sampled_is_not_sent(self, app, client, given, rows, collector, monkeypatch):
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
        given(UserFactory)
        client.submit()
        deliver(app)
        app.extensions[EXTENSION].close()
        assert not any(is_sampled(owed) for owed in rows(Notification))
        assert collector.bodies == []

    def test_a_forked_process_sends_with_a_thread_of_its_own(self, app, client, collector):
        client.get("/healthz")
        tracer = app.extensions[EXTENSION]
        parent, provider = tracer._pid_and_provider
        tracer._pid_and_provider = parent + 1, provider
        client.get("/readyz")
        assert tracer._pid_and_provider[0] == parent
        assert tracer._pid_and_provider[1] is not provider
        provider.shutdown()

    def test_a_collector_that_refuses_costs_nobody_an_answer(self, app, client, collector):
        collector.status = 400
        assert client.submit().status_code == 201
        app.extensions[EXTENSION].close()
        assert collector.bodies


def test_nothing_is_traced_unless_asked_for(app, client, given, rows, collector):
    assert tracing.tracer_of(app) is NO_TRACER
    assert NO_TRACER.begin("server") is NO_SPAN
    given(UserFactory)
    client.submit()
    deliver(app)
    assert {owed.traceparent for owed in rows(Notification)} == {None}
    assert collector.bodies == []


def test_the_library_is_not_even_imported_then(tmp_path):
    """In a process of its own, because here it is imported already."""
    program = "import sys, leadintake; leadintake.create_app(INSTANCE_PATH=sys.argv[1]); "
    program += "print('opentelemetry' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_without_the_library_the_start_says_how_to_get_it(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(rules, "find_spec", missing)
    with pytest.raises(ConfigurationError, match=r"TRACES: .*pip install 'leadintake\[otel\]'"):
        create_app(INSTANCE_PATH=str(tmp_path), TRACES=True)
