"""The page of the API: a guide that works as it stands there, and a reference that everybody can use."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from leadintake.leads.models import Lead
from leadintake.leads.status import LeadStatus
from tests.factories import UserFactory
from tests.support.browser import NARROW, WIDE, scrolls_sideways, violations
from tests.support.client import PASSWORD
from tests.support.files import FOLDER
from tests.support.html import Page
from tests.support.waiting import WAIT_SECONDS

MIDDLE = 768
UNDERSCORES = ("Deprecated: escaping deep link",)
"""What Swagger UI says of addresses with underscores, which names of operations have."""


@pytest.fixture
def guide(app, client, site, given):
    """The three steps in a language, with the reader's own address, name and password put in."""
    given(UserFactory, "manager", email="you@example.com")

    def read(language: str) -> str:
        steps = [one.text for one in Page(client.get("/docs").text).all("code") if one["class"] == language]
        assert len(steps) == 3
        program = "\n".join(steps)
        assert app.config["PUBLIC_URL"] in program
        assert "your password" in program
        return program.replace(app.config["PUBLIC_URL"], site).replace("your password", PASSWORD)

    return read


@pytest.mark.parametrize(
    ("language", "interpreter"),
    [("curl", [shutil.which("bash"), "-euo", "pipefail", "-c"]), ("python", [sys.executable, "-c"])],
)
def test_the_guide_works_as_it_stands_there(guide, rows, tmp_path, language, interpreter):
    shutil.copy(FOLDER / "resume.pdf", tmp_path)
    ran = subprocess.run(
        [*interpreter, guide(language)], cwd=tmp_path, capture_output=True, text=True, timeout=WAIT_SECONDS
    )
    assert ran.returncode == 0, ran.stderr
    (lead,) = rows(Lead)
    assert lead.status == LeadStatus.REACHED_OUT
    assert ran.stdout.splitlines() == [lead.reference, f"{lead.reference} Jane Doe", "REACHED_OUT"]


def test_the_guide_works_in_a_browser(guide, rows, site, visitor):
    printed = []
    page = visitor()
    page.goto(f"{site}/docs")
    page.on("console", lambda message: printed.append(message.text))
    page.evaluate(f"async () => {{ {guide('javascript')} }}")
    (lead,) = rows(Lead)
    assert lead.status == LeadStatus.REACHED_OUT
    assert printed == [lead.reference, f"{lead.reference} Jane Doe", "REACHED_OUT"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, MIDDLE, WIDE])
def test_the_reference_is_usable_by_everybody(site, visitor, scheme, width):
    page = visitor(UNDERSCORES, color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto(f"{site}/docs#/public/public_leads_submit")
    expect(page.get_by_role("button", name="Try it out")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Try it out").click()
    expect(page.get_by_label("first_name")).to_have_value("Jane")
    page.get_by_role("button", name="GET /internal/leads.csv").first.click()
    page.get_by_role("button", name="Schemas").click()
    page.get_by_role("button", name="LeadDetail", exact=True).click()
    assert violations(page) == []
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_role("heading", name="Available authorizations")).to_be_visible()
    assert violations(page) == []
    assert not scrolls_sideways(page)


def test_what_is_tried_is_done(site, visitor, rows):
    page = visitor(UNDERSCORES)
    page.goto(f"{site}/docs#/public/public_leads_submit")
    page.get_by_role("button", name="Try it out").click()
    page.get_by_label("resume_file").set_input_files(FOLDER / "resume.pdf")
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table td.response-col_status").last).to_contain_text("201")
    assert rows(Lead)[0].email == "jane@example.com"


def test_without_a_script_there_is_the_guide_and_the_way_to_the_document(site, visitor):
    page = visitor(java_script_enabled=False, viewport={"width": NARROW, "height": 800})
    page.goto(f"{site}/docs")
    expect(page.get_by_text("curl -sS").first).to_be_visible()
    page.get_by_text("JavaScript", exact=True).first.click()
    expect(page.get_by_text("new FormData()")).to_be_visible()
    assert page.get_by_role("link", name="openapi.json").first.get_attribute("href") == "/openapi.json"
    expect(page.get_by_text("needs JavaScript")).to_be_visible()
