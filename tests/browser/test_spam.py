"""What keeps spam apart, as a person's browser meets it: not at all."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from playwright.sync_api import expect

from leadintake.leads.models import Lead
from tests.browser.test_intake import RESUME, cut_off, is_thanked, try_again
from tests.support.browser import fill_in, send
from tests.support.proxy import Cut

CHALLENGE = "**/public/challenge"


@pytest.fixture
def settings():
    """A test fills the form in faster than anybody, so the time is not judged."""
    return {"ALTCHA": True, "FORM_MIN_SECONDS": 0}


def reasons(rows) -> list[str | None]:
    """Why each lead is in quarantine."""
    return [lead.quarantine_reason for lead in rows(Lead)]


def test_a_browser_makes_the_proof_while_the_person_types(site, visitor, rows):
    page = visitor()
    page.goto(site)
    fill_in(page, RESUME)
    send(page)
    is_thanked(page)
    assert reasons(rows) == [None]


@pytest.mark.parametrize("salt", ["0a1b2c3d4e5f", "s" * 55 + "?expires=4102444800&", "s" * 64])
def test_the_number_is_found(site, visitor, salt):
    puzzle = {"algorithm": "SHA-256", "salt": salt, "signature": "ab12", "maxnumber": 5000}
    puzzle["challenge"] = hashlib.sha256(f"{salt}4321".encode()).hexdigest()
    page = visitor()
    page.route(CHALLENGE, lambda route: route.fulfill(json=puzzle))
    page.goto(site)
    expect(page.locator("[name=altcha]")).not_to_have_value("")
    proof = json.loads(base64.b64decode(page.locator("[name=altcha]").input_value()))
    del puzzle["maxnumber"]
    assert proof == {**puzzle, "number": 4321}


def test_a_puzzle_that_cannot_be_solved_keeps_nobody_from_sending(site, visitor, rows):
    page = visitor()
    impossible = {"salt": "s", "challenge": "0" * 64, "maxnumber": 10}
    page.route(CHALLENGE, lambda route: route.fulfill(json=impossible))
    page.goto(site)
    fill_in(page, RESUME)
    send(page)
    is_thanked(page)
    assert reasons(rows) == ["It came without a proof of work (ALTCHA)."]


def test_who_sends_again_with_changes_after_a_lost_answer_brings_another_proof(site, visitor, rows):
    with cut_off(site, visitor, Cut.ANSWER) as page:
        page.locator("#email").fill("jane@other.example.com")
        try_again(page)
        is_thanked(page)
    assert reasons(rows) == [None, None]


def test_it_can_be_stopped_while_the_proof_is_being_made(site, visitor, rows):
    page = visitor()
    asked = []

    def hold(route) -> None:
        asked.append(route)

    page.route(CHALLENGE, hold)
    page.goto(site)
    fill_in(page, RESUME)
    send(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".failure")).to_contain_text("You stopped it")
    try_again(page)
    asked[0].continue_()
    is_thanked(page)
    assert reasons(rows) == [None]


class TestTooFast:
    """Within FORM_MIN_SECONDS."""

    @pytest.fixture
    def settings(self):
        return {"FORM_MIN_SECONDS": 60}

    def test_the_page_says_what_it_says_to_everybody(self, site, visitor, rows):
        page = visitor()
        page.goto(site)
        fill_in(page, RESUME)
        send(page)
        is_thanked(page)
        (reason,) = reasons(rows)
        assert reason.endswith("seconds after the form was opened.")
