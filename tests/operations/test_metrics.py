"""Several processes behind one port: what they count adds up, whichever of them answers, and never falls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.support.server import serving, wait_until

REQUESTS, SCRAPES = 20, 6


def answered(address: str) -> float:
    """How many times /healthz was answered, as one of the processes says it."""
    text = requests.get(f"{address}/metrics", timeout=30).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "leadintake_requests_total" and sample.labels["endpoint"] == "operations.healthz"
    )


def test_scrapes_of_two_processes_never_fall_and_are_the_drivers_count(app, database_url, tmp_path):
    around = {"GRANIAN_WORKERS": "2"}
    settings = {"WORKER": "external", "WATCHDOG": "external"}
    with serving(database_url, tmp_path, around=around, **settings) as server:

        def ask(_number: int) -> int:
            return requests.get(f"{server.address}/healthz", timeout=30).status_code  # a connection each

        files = tmp_path / "instance" / "counts"

        def both_count() -> bool:
            ask(0)
            return len([*files.glob("*.counts")]) == 2

        wait_until(both_count, "both processes have answered")
        before = answered(server.address)  # the server's own sign of life
        seen = []
        for _ in range(SCRAPES):
            with ThreadPoolExecutor(4) as crowd:
                assert {*crowd.map(ask, range(REQUESTS))} == {200}
            seen.append(answered(server.address) - before)
        assert seen == [REQUESTS * (1 + number) for number in range(SCRAPES)]
