"""Static files: named by their content, kept for a year, compressed, in the firm's colour."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from leadintake.config.reading import ConfigurationError, read_settings
from leadintake.core import colours
from leadintake.site.assets import BUNDLES, find_asset
from tests.support.html import Page

VENDOR = Path(__file__).parents[2] / "leadintake" / "site" / "static" / "vendor"


def sheet_of(client) -> str:
    links = Page(client.get("/").text).all("link")
    return next(link["href"] for link in links if link["rel"] == "stylesheet")


def test_a_file_is_kept_for_a_year_and_named_by_its_content(client):
    answer = client.get(sheet_of(client))
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert hashlib.sha256(answer.data).hexdigest()[:12] in sheet_of(client)
    assert "Set-Cookie" not in answer.headers


def test_a_file_is_compressed_for_who_takes_that(client):
    plain = client.get(sheet_of(client), headers={"Accept-Encoding": "identity"})
    packed = client.get(sheet_of(client), headers={"Accept-Encoding": "gzip, br"})
    assert (plain.content_encoding, packed.content_encoding) == (None, "gzip")
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 4
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "name", ["page.css", "page.000000000000.css", "vendor/pico.min.css", "..%2Fpage.css"]
)
def test_there_is_nothing_under_any_other_name(client, name):
    assert client.get(f"/static/{name}").status_code == 404


def test_a_head_request_says_how_long_it_is(client):
    head = client.head(sheet_of(client), headers={"Accept-Encoding": "gzip"})
    assert (head.status_code, head.data) == (200, b"")


@pytest.mark.parametrize("name", BUNDLES)
def test_every_bundle_is_there(app, client, name):
    with app.test_request_context():
        asset = find_asset(name)
    assert client.get(f"/static/{asset.name}").content_type == asset.content_type


def test_what_others_wrote_is_as_they_published_it():
    """The versions and hashes stand in docs/dependencies.md."""
    told = (VENDOR.parents[3] / "docs" / "dependencies.md").read_text()
    for file in VENDOR.iterdir():
        assert hashlib.sha256(file.read_bytes()).hexdigest() in told, file.name


@pytest.mark.parametrize(
    "accent", ["#ffffff", "#000000", "#ffff00", "#1f4e8c", "#7f7f7f", "#ff0000", "#00ffcc"]
)
@pytest.mark.parametrize("surfaces", [colours.LIGHT_SURFACES, colours.DARK_SURFACES])
def test_any_colour_can_be_read(accent, surfaces):
    shade = colours.find_legible(accent, surfaces)
    assert all(colours.compute_contrast(shade, surface) >= 4.5 for surface in surfaces)
    assert max(colours.compute_contrast(shade, ink) for ink in ("#ffffff", "#000000")) >= 4.5


def test_a_colour_that_can_be_read_stays_as_it_is():
    assert colours.find_legible("#1f4e8c", colours.LIGHT_SURFACES) == "#1f4e8c"


def test_contrast_is_that_of_wcag():
    assert colours.compute_contrast("#ffffff", "#000000") == pytest.approx(21)
    assert colours.compute_contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


class TestOfAnotherFirm:
    """The firm's own logo and colour."""

    @pytest.fixture
    def settings(self, tmp_path):
        logo = tmp_path / "instance" / "logo.svg"
        logo.parent.mkdir()
        logo.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')
        return {"FIRM_LOGO": "logo.svg", "ACCENT_COLOR": "#7a1f3d", "FIRM_NAME": "Haddad & Söhne"}

    def test_the_logo_is_shown_with_the_name_for_who_does_not_see_it(self, client):
        (logo,) = Page(client.get("/").text).all("img")
        assert logo["alt"] == "Haddad & Söhne"
        shown = client.get(logo["src"])
        assert shown.content_type.startswith("image/svg+xml")
        assert shown.data.startswith(b"<svg")

    def test_without_another_one_for_the_dark_it_stands_on_a_plate(self, client):
        page = Page(client.get("/").text)
        assert [one["class"] for one in page.all("img")] == ["plate"]
        assert page.all("source") == []

    def test_the_colour_is_in_the_sheet(self, client):
        assert "#7a1f3d" in client.get(sheet_of(client)).text


class TestOfAFirmWithTwoLogos:
    """One for light, one for dark."""

    @pytest.fixture
    def settings(self, tmp_path):
        for name in ("logo.svg", "night.png"):
            logo = tmp_path / "instance" / name
            logo.parent.mkdir(exist_ok=True)
            logo.write_text(f"<svg>{name}</svg>")
        return {"FIRM_LOGO": "logo.svg", "FIRM_LOGO_DARK": "night.png"}

    @pytest.mark.parametrize("path", ["/", "/desk/sign-in"])
    def test_each_scheme_has_its_own(self, client, amara, path):
        page = Page(client.get(path).text)
        (source,), (logo,) = page.all("source"), page.all("img")
        assert source["media"] == "screen and (prefers-color-scheme: dark)"
        assert "logo.svg" in client.get(logo["src"]).text
        answer = client.get(source["srcset"])
        assert (answer.content_type, answer.text) == ("image/png", "<svg>night.png</svg>")
        assert "plate" not in page.source


def test_a_logo_for_the_dark_needs_the_other_one(tmp_path):
    (tmp_path / "night.png").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match="needs FIRM_LOGO"):
        read_settings({}, {"FIRM_LOGO_DARK": "night.png", "INSTANCE_PATH": str(tmp_path)})


@pytest.mark.parametrize("setting", ["FIRM_LOGO", "FIRM_LOGO_DARK"])
def test_every_logo_is_a_picture(tmp_path, setting):
    with pytest.raises(ConfigurationError, match=f"{setting}: .* is not a picture"):
        read_settings({}, {setting: "away.png", "INSTANCE_PATH": str(tmp_path)})


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "#12345g", "url(x)"])
def test_a_colour_is_written_in_one_way(colour):
    with pytest.raises(ConfigurationError, match="ACCENT_COLOR"):
        read_settings({}, {"ACCENT_COLOR": colour})


@pytest.mark.parametrize(
    ("name", "content"), [("logo.exe", b"x"), ("away.png", None), ("big.png", b"x" * 102401)]
)
def test_a_logo_that_cannot_be_shown_stops_the_start(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match="FIRM_LOGO"):
        read_settings({}, {"FIRM_LOGO": name, "INSTANCE_PATH": str(tmp_path)})
