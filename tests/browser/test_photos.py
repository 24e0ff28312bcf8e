"""A photograph as a resume, in a browser: converted by telephones, shown at the desk."""

from __future__ import annotations

import io
import re

import pytest
from playwright.sync_api import expect

from leadintake.leads.models import Lead
from tests.browser.test_desk import desk_of
from tests.support.browser import NARROW, fill_in, scrolls_sideways, send, violations
from tests.support.files import FOLDER, real

__all__ = ["desk_of"]
HEIC = {"name": "IMG_0815.HEIC", "mimeType": "image/heic", "buffer": b"\0\0\0\x18ftypheic" + bytes(50)}
PHONE = {"viewport": {"width": NARROW, "height": 740}, "has_touch": True}


@pytest.fixture
def settings() -> dict[str, object]:
    return {"ACCEPT_PHOTOS": True}


def test_a_heic_photo_is_told_the_way_before_it_is_sent_and_a_jpeg_is_taken(site, visitor, rows):
    page = visitor(**PHONE)
    page.goto(site)
    fill_in(page, HEIC)
    send(page)
    expect(page.locator("#resume_file-error")).to_contain_text("On an iPhone or iPad choose it")
    assert violations(page) == []
    assert rows(Lead) == []
    page.locator("#resume_file").set_input_files(FOLDER / "photo.jpg")
    send(page)
    expect(page).to_have_url(re.compile("/thanks/"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["photo.jpg", "progressive.jpg", "photo.png"])
def test_the_desk_shows_it(desk_of, client, amara, scheme, name):
    lead = client.submit(resume_file=(io.BytesIO(real(name)), name)).json["id"]
    page = desk_of(amara, f"/desk/leads/{lead}", color_scheme=scheme, **PHONE)
    picture = page.get_by_role("img", name="Resume of Jane Doe")
    picture.scroll_into_view_if_needed()
    # Once, by the element: a function that is polled is a string to the page, whose policy forbids `eval`.
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    assert violations(page) == []
    assert not scrolls_sideways(page)
