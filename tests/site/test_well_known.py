"""Files at addresses that programs know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.html import Page

PUBLIC_URL = "https://intake.firm.example"


@pytest.fixture
def settings() -> dict[str, object]:
    return {
        "PUBLIC_URL": PUBLIC_URL,
        "FIRM_NAME": "Okafor & Bell",
        "MAIL_DEFAULT_SENDER": "intake@firm.example",
    }


def links_of(page: str) -> dict[str, str]:
    """Addresses by relation."""
    return {link["rel"]: link["href"] for link in Page(page).all("link")}


def test_a_phone_puts_the_desk_on_its_home_screen(client):
    links = links_of(client.get("/desk/sign-in").text)
    answer = client.get(links["manifest"])
    assert answer.mimetype == "application/manifest+json"
    assert answer.json["name"] == "Okafor & Bell: leads"
    assert answer.json["start_url"] == "/desk"
    for icon in answer.json["icons"]:
        assert client.get(icon["src"]).mimetype == "image/png"


@pytest.mark.parametrize("page", ["/", "/desk/sign-in", "/nowhere"])
def test_every_page_has_an_icon_to_touch(client, page):
    links = {
        link["rel"]: link["href"]
        for link in Page(client.get(page, headers={"Accept": "text/html"}).text).all("link")
    }
    assert client.get(links["apple-touch-icon"]).data.startswith(b"\x89PNG")


def test_who_asks_for_the_icon_of_old_gets_it(client):
    assert client.get("/favicon.ico", follow_redirects=True).mimetype == "image/png"


def test_a_shared_link_shows_what_it_is(client):
    page = Page(client.get("/?lang=es").text)
    shown = {meta["property"]: meta["content"] for meta in page.all("meta") if meta["property"]}
    assert shown["og:site_name"] == "Okafor & Bell"
    assert shown["og:url"] == f"{PUBLIC_URL}/?lang=es"
    assert shown["og:description"].startswith("Envíenos")
    picture = client.get(shown["og:image"].removeprefix(PUBLIC_URL))
    assert picture.mimetype == "image/png"


def test_a_password_manager_finds_where_to_change_a_password(browser, max_):
    client = browser().sign_in(max_)
    answer = client.get("/.well-known/change-password")
    assert answer.status_code == 302
    path, _, anchor = answer.headers["Location"].partition("#")
    assert Page(client.get(path).text).by_id(anchor).text == "Password"


class TestSecurityContact:
    """RFC 9116."""

    def read(self, client) -> dict[str, str]:
        answer = client.get("/.well-known/security.txt")
        assert answer.content_type == "text/plain; charset=utf-8"
        return dict(line.split(": ", 1) for line in answer.text.splitlines())

    def test_it_names_an_address_and_ends_within_a_year(self, client):
        fields = self.read(client)
        assert fields["Contact"] == "mailto:intake@firm.example"
        assert fields["Canonical"] == f"{PUBLIC_URL}/.well-known/security.txt"
        expires = datetime.fromisoformat(fields["Expires"])
        assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=365)

    def test_it_is_the_address_that_is_read(self, app, client):
        app.config["MAIL_REPLY_TO"] = "desk@firm.example"
        assert self.read(client)["Contact"] == "mailto:desk@firm.example"
