"""The form on the firm's own site, across two origins, with the very snippets of docs/embedding.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from leadintake.leads.models import Lead
from tests.support.browser import fill_in, scrolls_sideways, send, served, violations
from tests.support.files import FOLDER

RESUME = FOLDER / "resume.pdf"
PUBLIC = "https://intake.firm.example"
DOCUMENT = (Path(__file__).parents[2] / "docs" / "embedding.md").read_text()
OUTSIDE = ("Access to fetch at", "Failed to load resource: net::ERR_FAILED", "Framing '", "Refused to frame")
"""What Chromium says when it keeps an origin out, which is what is asked for here."""


def snippet(name: str, site: str) -> str:
    """The snippet of this name as it stands in the documentation, with our address."""
    (found,) = re.findall(rf"<!-- {name} -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL)
    assert PUBLIC in found
    return found.replace(PUBLIC, site)


class FirmsSite:
    """The firm's web site: one page."""

    def __init__(self) -> None:
        self.body = ""

    def __call__(self, _environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [f"<!doctype html><title>The firm</title>{self.body}".encode()]


@pytest.fixture
def firm():
    """The page of the firm's site."""
    return FirmsSite()


@pytest.fixture
def own_site(firm):
    """The firm's site, on another host and port than the intake."""
    with served(firm, "localhost") as address:
        yield address


@pytest.fixture
def strange_site(firm):
    """The same page on somebody else's site."""
    with served(firm, "localhost") as address:
        yield address


@pytest.fixture
def settings(own_site):
    return {"EMBED_ORIGINS": [own_site]}


def test_the_form_works_in_a_frame_on_the_firms_site(site, own_site, firm, visitor, rows):
    firm.body = snippet("frame", site)
    page = visitor()
    page.goto(own_site)
    frame = page.frame_locator("iframe")
    frame.locator("#first_name").fill("Jane")
    frame.locator("#last_name").fill("Doe")
    frame.locator("[type=submit]").click()
    expect(frame.locator("#summary")).to_be_focused()
    expect(frame.locator("#resume_file-error")).to_be_visible()
    frame.locator("#email").fill("jane@example.com")
    frame.locator("#resume_file").set_input_files(RESUME)
    frame.locator("[type=submit]").click()
    expect(frame.locator("h1")).to_have_text("Thank you")
    expect(frame.locator("h1")).to_be_focused()
    assert page.url.startswith(own_site)
    assert len(rows(Lead)) == 1
    assert page.context.cookies() == []


def test_the_frame_needs_no_script(site, own_site, firm, visitor, rows):
    firm.body = snippet("frame", site)
    page = visitor(java_script_enabled=False)
    page.goto(own_site)
    frame = page.frame_locator("iframe")
    for name, text in (("first_name", "Jane"), ("last_name", "Doe"), ("email", "jane@example.com")):
        frame.locator(f"#{name}").fill(text)
    frame.locator("#resume_file").set_input_files(RESUME)
    frame.locator("[type=submit]").click()
    expect(frame.locator("h1")).to_have_text("Thank you")
    assert len(rows(Lead)) == 1


def test_nobody_else_frames_the_form(site, strange_site, firm, visitor):
    firm.body = snippet("frame", site)
    page = visitor(expected=OUTSIDE)
    page.goto(strange_site, wait_until="networkidle")
    expect(page.frame_locator("iframe").locator("form")).to_have_count(0)
    assert [frame.url for frame in page.frames if frame.url.startswith(site)] == []


def test_a_plain_form_on_the_firms_site_leads_to_the_thanks(site, own_site, firm, visitor, rows):
    firm.body = snippet("form", site)
    page = visitor(java_script_enabled=False)
    page.goto(own_site)
    page.get_by_label("First name").fill("Jane")
    page.get_by_label("Last name").fill("Doe")
    page.get_by_label("E-mail").fill("jane@nowhere")
    page.get_by_label("Resume").set_input_files(RESUME)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#email-error")).to_be_visible()
    expect(page.locator("#first_name")).to_have_value("Jane")
    page.locator("#email").fill("jane@example.com")
    page.locator("#resume_file").set_input_files(RESUME)
    page.locator("[type=submit]").click()
    expect(page.locator("h1")).to_have_text("Thank you")
    assert page.url.startswith(f"{site}/thanks/{rows(Lead)[0].reference}")


def test_a_script_of_the_firms_site_reads_the_answer_and_nobody_elses_does(
    site, own_site, strange_site, firm, visitor, rows
):
    firm.body = snippet("form", site) + f"<script>{snippet('script', site)}</script>"
    ask = "() => submitLead(document.forms[0], 'one-key').then(JSON.stringify, () => 'kept out')"
    for address, expected in ((own_site, '"first_name":"Jane"'), (strange_site, "kept out")):
        page = visitor(expected=OUTSIDE)
        page.goto(address)
        page.get_by_label("First name").fill("Jane")
        page.get_by_label("Last name").fill("Doe")
        page.get_by_label("E-mail").fill("jane@example.com")
        page.get_by_label("Resume").set_input_files(RESUME)
        assert expected in page.evaluate(ask)
    assert len(rows(Lead)) == 1


def fits(frame: FrameLocator) -> bool:
    """Whether all of the page in the frame is shown: nothing in it scrolls."""
    script = "root => [root.scrollHeight <= innerHeight, root.scrollWidth <= innerWidth]"
    return all(frame.locator(":root").evaluate(script))


class TestTheScriptForTheFirmsPage:
    """embed.js makes the frame, keeps it as high as its content, and tells what becomes of the form."""

    HEARD = """<script>window.heard = [];
        for (const name of ["leadintake:sent", "leadintake:failed"])
            addEventListener(name, ({type, detail}) => heard.push([type, detail]));</script>"""

    @pytest.fixture
    def page(self, site, own_site, firm, visitor) -> Page:
        head = '<meta name="viewport" content="width=device-width">'
        firm.body = f"{head}{self.HEARD}<h1>Jobs</h1>{snippet('embed', site)}"
        page = visitor(viewport={"width": 360, "height": 640})
        page.goto(own_site)
        return page

    @pytest.fixture
    def frame(self, page) -> FrameLocator:
        frame = page.frame_locator("iframe")
        frame.locator("#first_name").wait_for()
        return frame

    def test_the_frame_is_as_high_as_its_content_with_errors_too(self, page, frame):
        expect(page.locator("iframe")).not_to_have_attribute("height", "1100")
        assert fits(frame)
        before = int(page.locator("iframe").get_attribute("height"))
        frame.locator("[type=submit]").click()
        expect(frame.locator("#summary")).to_be_focused()
        page.wait_for_function("before => document.querySelector('iframe').height > before", arg=before)
        assert fits(frame)
        frame.locator("[type=submit]").scroll_into_view_if_needed()
        expect(frame.locator("[type=submit]")).to_be_in_viewport(ratio=1)
        assert not scrolls_sideways(page)

    def test_it_has_neither_header_nor_ground_and_its_choices_are_made(self, frame):
        expect(frame.locator(".firm")).to_have_count(0)
        expect(frame.locator("#practice_area")).to_have_value("immigration")
        ground = "root => getComputedStyle(root).backgroundColor"
        assert frame.locator(":root").evaluate(ground) == "rgba(0, 0, 0, 0)"

    def test_the_firms_page_hears_what_became_of_the_form(self, page, frame, rows):
        frame.locator("#first_name").fill("Jane")
        frame.locator("#last_name").fill("Doe")
        frame.locator("#email").fill("jane@-example.com")
        frame.locator("#resume_file").set_input_files(RESUME)
        frame.get_by_role("button", name="Español").click()
        frame.locator("[type=submit]").click()
        expect(frame.locator("#email-error")).to_be_visible()
        frame.locator("#email").fill("jane@example.com")
        frame.locator("[type=submit]").click()
        expect(frame.locator("h1")).to_have_text("Gracias")
        expect(frame.locator(".firm")).to_have_count(0)
        page.wait_for_function("document.querySelector('iframe').height < 1000")
        assert fits(frame)
        (lead,) = rows(Lead)
        assert lead.practice_area == "immigration"
        assert page.evaluate("heard") == [
            ["leadintake:failed", {"status": 422, "fields": ["email"]}],
            ["leadintake:sent", {"reference": lead.reference}],
        ]

    def test_messages_of_others_change_nothing(self, page, frame):
        page.evaluate("postMessage({leadintake: 'height', height: 7}, '*')")
        page.evaluate("postMessage({leadintake: 'sent'}, '*')")
        page.evaluate("() => new Promise(done => setTimeout(done))")
        assert page.locator("iframe").get_attribute("height") != "7"
        assert page.evaluate("heard") == []


class TestWithoutOrigins:
    """Where no site may frame the form, no message leaves it."""

    @pytest.fixture
    def settings(self):
        return {"RETURN_URL": "https://www.firm.example/"}

    def test_the_page_works_and_the_thanks_lead_back_to_the_firms_site(self, site, visitor):
        page = visitor()
        page.goto(f"{site}/?embed=1")
        page.locator("[type=submit]").click()
        expect(page.locator("#summary")).to_be_focused()
        assert violations(page) == []
        fill_in(page, RESUME)
        send(page)
        back = page.get_by_role("link", name="Back to Our Law Firm")
        assert back.get_attribute("href") == "https://www.firm.example/"


class Latin(FirmsSite):
    """A page in ISO-8859-1, as some firms still have them."""

    def __call__(self, _environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html; charset=iso-8859-1")])
        return [f"<!doctype html><title>The firm</title>{self.body}".encode("iso-8859-1")]


class TestAPageInAnotherEncoding:
    @pytest.fixture
    def firm(self):
        return Latin()

    def test_names_and_the_name_of_the_file_arrive_as_they_were_typed(
        self, site, own_site, firm, visitor, rows, tmp_path
    ):
        own_fields = '<input type="hidden" name="_charset_"><input type="file" name="cover"><button>'
        firm.body = snippet("form", site).replace("<button>", own_fields)
        resume = tmp_path / "résumé.pdf"
        resume.write_bytes(RESUME.read_bytes())
        page = visitor()
        page.goto(own_site)
        page.get_by_label("First name").fill("José 山田")
        page.get_by_label("Last name").fill("Núñez")
        page.get_by_label("E-mail").fill("jane@example.com")
        page.get_by_label("Resume").set_input_files(resume)
        page.get_by_role("button", name="Send").click()
        expect(page.locator("h1")).to_have_text("Thank you")
        (lead,) = rows(Lead)
        assert (lead.first_name, lead.last_name) == ("José 山田", "Núñez")
        assert lead.resume.filename == "résumé.pdf"
