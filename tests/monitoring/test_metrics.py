"""/metrics: what Prometheus reads, and who may."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from leadintake.core.db.transaction import transaction
from leadintake.notifications.service import notifications
from tests.factories import NotificationFactory, UserFactory
from tests.support.redis import free_port

TOKEN = "a token of sufficient length"
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.1"}


def samples(client, name: str, **labels: str) -> list[float]:
    """The values of a metric with (at least) these labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return [
        sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def test_requests_are_counted_by_endpoint_method_and_status(client):
    for _ in range(3):
        client.get("/healthz")
    client.head("/healthz")
    client.get("/healthz?x=1")
    name, endpoint = "leadintake_requests_total", "operations.healthz"
    assert samples(client, name, endpoint=endpoint, method="GET", status="200") == [3]
    assert samples(client, name, endpoint=endpoint, method="HEAD", status="200") == [1]
    assert samples(client, name, endpoint=endpoint, status="422") == [1]
    assert samples(client, "leadintake_request_seconds_count", endpoint=endpoint) == [5]


def test_what_strangers_invent_makes_no_new_series(client):
    before = len(samples(client, "leadintake_requests_total"))
    for number in range(20):
        client.get(f"/wp-admin/{number}")
        client.open("/healthz", method=f"INVENTED{number}")
        client.get(f"/thanks/{number}")
    assert samples(client, "leadintake_requests_total", endpoint="none", status="404") == [40]
    assert samples(client, "leadintake_requests_total", endpoint="none", status="405") == [20]
    assert len(samples(client, "leadintake_requests_total")) == before + 3  # these two, and /metrics itself


@pytest.mark.every_engine
def test_messages_are_counted_by_status(client, given):
    for traits in ((), (), ("sent",), ("failed",)):
        given(NotificationFactory, *traits)
    found = {status: samples(client, "leadintake_outbox", status=status) for status in ("queued", "failed")}
    assert found == {"queued": [2], "failed": [1]}
    assert samples(client, "leadintake_outbox", status="sending") == [0]


def test_each_part_is_up_or_down(app, client):
    assert samples(client, "leadintake_up", part="worker") == [0]
    assert samples(client, "leadintake_up", part="mail") == []  # nobody asked the mail server
    assert samples(client, "leadintake_up", part="database") == [1]
    with app.app_context(), transaction():
        notifications.record_beat("worker:1")
    assert samples(client, "leadintake_up", part="worker") == [1]


class TestWithoutADatabase:
    @pytest.fixture
    def settings(self):
        return {"DATABASE_URL": f"postgresql://owner:hunter2@127.0.0.1:{free_port()}/leads"}

    def test_metrics_are_still_told(self, client):
        assert samples(client, "leadintake_up", part="database") == [0]
        assert samples(client, "leadintake_outbox") == []


def test_signing_in_is_counted_without_a_word_of_who_it_was(client, given):
    user = given(UserFactory)
    client.sign_in(user)
    assert samples(client, "leadintake_requests_total", endpoint="internal.session.sign_in") == [1]
    assert user.email not in client.get("/metrics").text


def test_a_collector_beside_the_application_reads_the_counters_alone(app, client):
    client.get("/healthz")
    registry = CollectorRegistry()
    registry.register(app.extensions["leadintake.measures"])
    told = generate_latest(registry).decode()
    assert 'endpoint="operations.healthz"' in told
    assert "leadintake_up" not in told


def test_what_is_written_to_a_file_does_not_say_that_the_service_runs(app, client):
    assert "leadintake_build_info" in client.get("/metrics").text
    written = app.test_cli_runner().invoke(args=["metrics"]).stdout
    assert "leadintake_up" in written
    assert "leadintake_build_info" not in written


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1"])
def test_loopback_may_read(address, client):
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "10.0.0.1", "::ffff:192.0.2.1", "2001:db8::1", "", "localhost", "unix:"]
)
def test_others_may_not(address, client):
    answer = client.get("/metrics", environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 403
    assert answer.content_type == "application/problem+json"
    assert "leadintake_" not in answer.text


FORWARDED = (
    {"X-Forwarded-For": "192.0.2.1"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-For": "192.0.2.1, 127.0.0.1"},
    {"X-Forwarded-For": "127.0.0.1, 192.0.2.1"},
    {"X-Forwarded-For": ""},
    {"X-Real-IP": "192.0.2.1"},
    {"Forwarded": "for=127.0.0.1"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Host": "127.0.0.1"},
    {"Via": "1.1 proxy"},
)


class TestForgeries:
    @pytest.fixture(params=[0, 1, 2], ids=lambda hops: f"{hops} trusted")
    def settings(self, request):
        return {"TRUSTED_PROXIES": request.param, "METRICS_TOKEN": TOKEN}

    def test_what_came_through_a_proxy_is_not_local(self, client):
        for headers in FORWARDED:
            assert client.get("/metrics", headers=headers).status_code == 403, headers

    def test_nobody_becomes_local_by_a_header(self, client):
        for headers in FORWARDED:
            assert client.get("/metrics", headers=headers, environ_base=ELSEWHERE).status_code == 403, headers

    def test_the_token_opens_from_everywhere(self, client):
        for headers in FORWARDED:
            allowed = headers | {"Authorization": f"Bearer {TOKEN}"}
            assert client.get("/metrics", headers=allowed, environ_base=ELSEWHERE).status_code == 200, headers


class TestTheToken:
    @pytest.fixture
    def settings(self):
        return {"METRICS_TOKEN": TOKEN}

    @pytest.mark.parametrize("sent", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN}"])
    def test_it_opens_however_the_scheme_is_written(self, sent, client):
        assert (
            client.get("/metrics", headers={"Authorization": sent}, environ_base=ELSEWHERE).status_code == 200
        )

    @pytest.mark.parametrize(
        "sent",
        [
            "",
            "Bearer",
            "Bearer ",
            TOKEN,
            f"Basic {TOKEN}",
            f"Bearer {TOKEN[:-1]}",
            f"Bearer {TOKEN}x",
            "Bearer \u00fcml\u00e4ut",
            f"Bearer {TOKEN.upper()}",
        ],
    )
    def test_anything_else_does_not(self, sent, client):
        assert (
            client.get("/metrics", headers={"Authorization": sent}, environ_base=ELSEWHERE).status_code == 403
        )


@pytest.mark.parametrize("sent", ["Bearer ", "Bearer", ""])
def test_no_token_set_is_no_token_fits(sent, client):
    assert client.get("/metrics", headers={"Authorization": sent}, environ_base=ELSEWHERE).status_code == 403


@pytest.mark.parametrize("token", ["", TOKEN], ids=["no token", "a token"])
class TestInProduction:
    """Where a proxy on the same machine makes everybody come from loopback."""

    @pytest.fixture
    def settings(self, token):
        return {
            "ENVIRONMENT": "production",
            "MAIL_FOLDER": "mail",
            "SECRET_KEY": "k" * 32,
            "PUBLIC_URL": "https://intake.firm.example",
            "METRICS_TOKEN": token,
        }

    def test_loopback_is_no_proof(self, client):
        for sent in ("", "Bearer", "Bearer ", "Bearer x"):
            answer = client.get("/metrics", headers={"Authorization": sent})
            assert answer.status_code == 403
            assert "METRICS_TOKEN" in answer.json["detail"]
            assert "leadintake_" not in answer.text

    def test_the_token_opens_where_one_is_set(self, token, client):
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == (200 if token else 403)
