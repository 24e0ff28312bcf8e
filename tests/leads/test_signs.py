"""Signs that a program sent the form: each of them alone, and what is no sign."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from leadintake.auth.models import SpentChallenge
from leadintake.leads.intake import spam
from leadintake.leads.models import Lead
from tests.support.html import Page


def reason(rows) -> str | None:
    """Why the last lead is in quarantine."""
    return rows(Lead)[-1].quarantine_reason


def opened_on(client) -> str:
    return Page(client.get("/").text).inputs()["opened"]["value"]


def later(seconds: float):
    return time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds))


def test_who_sends_none_of_these_fields_is_not_judged_by_them(client, rows):
    assert client.submit().status_code == 201
    assert reason(rows) is None


def test_a_person_is_no_program(client, rows):
    opened = opened_on(client)
    with later(3):
        assert client.submit(opened=opened, remarks="").status_code == 201
    assert reason(rows) is None


def test_a_form_that_was_open_for_a_month_is_fine(client, rows):
    opened = opened_on(client)
    with later(30 * 86400):
        client.submit(opened=opened)
    assert reason(rows) is None


def test_a_clock_that_went_back_accuses_nobody(client, rows):
    opened = opened_on(client)
    with later(-600):
        client.submit(opened=opened)
    assert reason(rows) is None


def test_nobody_fills_in_what_nobody_sees(client, rows):
    assert client.submit(remarks="https://spam.example").status_code == 201
    assert reason(rows) == spam.TRAP_FILLED


def test_nobody_fills_a_form_in_within_two_seconds(client, rows):
    opened = opened_on(client)
    with later(1):
        assert client.submit(opened=opened).status_code == 201
    assert reason(rows).startswith("It was sent 1.")


@pytest.mark.parametrize("opened", ["0", "x" * 500, "gAAAAABh", "2026-11-26T00:00:00Z"])
def test_a_time_that_is_not_ours_is_a_sign(client, rows, opened):
    assert client.submit(opened=opened).status_code == 201
    assert reason(rows) == spam.TIME_FORGED


def test_several_signs_are_all_told(client, rows):
    client.submit(opened="x", remarks="y")
    assert reason(rows) == f"{spam.TRAP_FILLED} {spam.TIME_FORGED}"


def test_the_time_survives_mistakes(client, rows):
    opened = opened_on(client)
    again = client.submit(accept="text/html", opened=opened, email="nonsense")
    assert again.status_code == 422
    assert Page(again.text).inputs()["opened"]["value"] == opened


def test_the_trap_is_out_of_sight_and_out_of_the_way(client):
    trap = Page(client.get("/").text).inputs()["remarks"]
    assert (trap["tabindex"], trap["autocomplete"]) == ("-1", "off")
    assert "required" not in trap.attributes


def test_no_challenge_is_given_where_none_is_wanted(client):
    assert client.get("/public/challenge").status_code == 404
    assert "altcha" not in Page(client.get("/").text).inputs()


class TestWithoutTheTime:
    """Where it is switched off."""

    @pytest.fixture
    def settings(self):
        return {"FORM_MIN_SECONDS": 0}

    def test_nobody_is_too_quick(self, client, rows):
        client.submit(opened=opened_on(client))
        assert reason(rows) is None


def solve(client) -> dict[str, object]:
    """Do the work, as proof.js does."""
    given = client.get("/public/challenge").json
    assert set(given) == {"algorithm", "challenge", "maxnumber", "salt", "signature"}
    for number in range(given["maxnumber"] + 1):
        if hashlib.sha256(f"{given['salt']}{number}".encode()).hexdigest() == given["challenge"]:
            return {name: value for name, value in given.items() if name != "maxnumber"} | {"number": number}
    raise AssertionError("this challenge has no solution")


def written(solution: object) -> str:
    return base64.b64encode(json.dumps(solution).encode()).decode()


class TestAltcha:
    """Where browsers do a little work first."""

    @pytest.fixture
    def settings(self):
        return {"ALTCHA": True}

    def test_who_did_the_work_is_believed(self, client, rows):
        assert client.submit(altcha=written(solve(client))).status_code == 201
        assert reason(rows) is None
        assert len(rows(SpentChallenge)) == 1

    @pytest.mark.every_engine
    def test_a_proof_counts_once_and_a_replay_is_no_second_use(self, client, rows):
        proof = written(solve(client))
        first = client.submit(key="one", altcha=proof)
        replay = client.submit(key="one", altcha=proof)
        assert replay.json == first.json
        assert reason(rows) is None
        client.submit(key="two", altcha=proof)
        assert reason(rows) == spam.PROOF_USED
        assert len(rows(Lead)) == 2

    def test_without_it_the_submission_is_kept_and_looked_at(self, client, rows):
        assert client.submit().status_code == 201
        assert reason(rows) == spam.PROOF_MISSING

    @pytest.mark.parametrize(
        "change",
        [
            {"number": 50_001},
            {"salt": "0" * 24},
            {"signature": "0" * 64},
            {"challenge": "0" * 64},
            {"algorithm": "SHA-1"},
            {"number": "1"},
            {"salt": None},
            {"salt": 5},
        ],
        ids=str,
    )
    def test_a_wrong_proof_is_a_sign(self, client, rows, change):
        assert client.submit(altcha=written(solve(client) | change)).status_code == 201
        assert reason(rows) == spam.PROOF_WRONG

    @pytest.mark.parametrize(
        "proof", ["x", "e30=", "bnVsbA==", "W10=", "é", "A" * 5000, written([1]), written(5)]
    )
    def test_what_is_no_proof_is_a_sign(self, client, rows, proof):
        assert client.submit(altcha=proof).status_code == 201
        assert reason(rows) == spam.PROOF_WRONG

    def test_a_proof_is_good_for_twenty_minutes(self, client, rows):
        proof = written(solve(client))
        with later(21 * 60):
            client.submit(altcha=proof)
        assert reason(rows) == spam.PROOF_WRONG

    def test_the_end_cannot_be_moved(self, client, rows):
        solution = solve(client)
        path, _, _ = str(solution["salt"]).partition("?")
        client.submit(altcha=written(solution | {"salt": f"{path}?expires=9999999999&"}))
        assert reason(rows) == spam.PROOF_WRONG

    def test_the_page_asks_browsers_for_it(self, client):
        page = Page(client.get("/").text)
        (form,) = page.all("form")
        assert form["data-challenge"].startswith("/public/challenge")
        assert "altcha" in page.inputs()
        scripts = [script["src"] for script in page.all("script")]
        assert any("proof." in address for address in scripts)

    def test_challenges_are_not_kept_by_caches(self, client):
        assert client.get("/public/challenge").headers["Cache-Control"] == "no-store"


def test_a_proof_made_under_an_earlier_key_is_believed(app, client, rows):
    app.config["ALTCHA"] = True
    proof = written(solve(client))
    opened = opened_on(client)
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "another secret that is long enough to be one"
    with later(3):
        client.submit(altcha=proof, opened=opened)
    assert reason(rows) is None


def test_a_form_that_comes_back_never_carries_what_is_in_the_trap(client, rows):
    for answer in (
        client.submit(accept="text/html", remarks="filled in by a program", email="no"),
        client.post("/?lang=es", data={"remarks": "filled in by a program"}),
    ):
        assert Page(answer.text).inputs()["remarks"]["value"] == ""


def test_password_managers_are_told_to_leave_the_trap_alone(client):
    trap = Page(client.get("/").text).inputs()["remarks"]
    wanted = {"data-1p-ignore", "data-lpignore", "data-bwignore", "data-form-type", "autocomplete"}
    assert wanted <= trap.attributes.keys()
