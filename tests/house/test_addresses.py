"""No address is built from what a stranger sends: not where a redirect leads, not a link, not a document."""

from __future__ import annotations

import re
import uuid
from urllib.parse import unquote

import pytest

from leadintake.auth.sso.service import is_local
from tests.factories import LeadFactory, UserFactory
from tests.support.client import PASSWORD

EVIL = "evil.example"
FORGED = {"Host": EVIL, "X-Forwarded-Host": EVIL, "X-Forwarded-Server": EVIL, "Forwarded": f"host={EVIL}"}
ODD = (
    f"//{EVIL}", f"//{EVIL}/..", f"//{EVIL}/%2e%2e", f"//{EVIL}/desk", "///", "//", "////desk",
    "/public//leads", "//public/leads", "/desk//leads", "/desk/", "/desk/leads/", "/public/leads/",
    "/internal/leads/", "/healthz/", "/internal//session", "/static//page.css", f"/%2f{EVIL}",
    f"/%2f%2f{EVIL}", f"/\\{EVIL}", f"/%5c{EVIL}", f"/%5c%5c{EVIL}", f"/.//{EVIL}", f"/..//{EVIL}",
    f"/desk/..//{EVIL}", f"/;//{EVIL}", f"/%09//{EVIL}", f"//{EVIL}%0d%0aLocation:x",
    f"/desk//{EVIL}", f"//{EVIL}:80", f"//user@{EVIL}", "//%00",
)  # fmt: skip
NEXT = (
    f"//{EVIL}", f"/\\{EVIL}", f"https:{EVIL}", f"https://{EVIL}", f"http:/{EVIL}",
    f"/desk//{EVIL}", f"\\\\{EVIL}", f"/\t/{EVIL}", f"\t//{EVIL}", f"/\r\n/{EVIL}",
    f"/desk\r\nLocation: https://{EVIL}", f"/desk\\..\\{EVIL}", f" //{EVIL}", f"/ /{EVIL}",
    f"///{EVIL}", f"/.//{EVIL}", f"javascript:alert(1)//{EVIL}", f"desk@{EVIL}",
    f"/desk/..//{EVIL}", f".{EVIL}", f"@{EVIL}", f"/desk\x00//{EVIL}", f"/desk\x85/\x85/{EVIL}",
    f"/\u2028/{EVIL}", f"%2f%2f{EVIL}", f"https:/desk//{EVIL}", "",
)  # fmt: skip
PLACEHOLDER = re.compile(r"<(?:\w+:)?\w+>")


@pytest.fixture
def settings() -> dict[str, object]:
    return {"TRUSTED_PROXIES": 1, "PASSKEYS": True, "PUBLIC_URL": "http://localhost:8000"}


def stays_here(answer) -> bool:
    """Whether a browser stays on this site, and is told nothing of the forged name."""
    to = answer.headers.get("Location", "/")
    headers = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    return to.startswith("/") and not to.startswith(("//", "/\\")) and f"//{EVIL}" not in headers


def addresses_of(app) -> list[str]:
    """An address for every rule of the map."""
    return sorted({PLACEHOLDER.sub(str(uuid.UUID(int=7)), rule.rule) for rule in app.url_map.iter_rules()})


@pytest.mark.parametrize("signed_in", [False, True])
def test_an_odd_path_is_404_and_leads_nowhere(browser, given, signed_in):
    client = browser()
    if signed_in:
        client.sign_in(given(UserFactory, "admin"))
    for path in ODD:
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            # As servers hand it on: decoded, and as it is.
            for handed in {path, unquote(path)}:
                named = {"PATH_INFO": handed.encode().decode("latin-1"), "HTTP_HOST": EVIL}
                answer = client.open("/", method=method, environ_overrides=named)
                assert answer.status_code == 404, (method, handed)
                assert "Location" not in answer.headers, (method, handed)


def test_no_path_at_all_leads_to_the_first_page_of_this_site(client):
    answer = client.get("/", environ_overrides={"PATH_INFO": "", "HTTP_HOST": EVIL})
    assert (answer.status_code, answer.headers["Location"], answer.data) == (308, "/", b"")


def test_no_rule_corrects_an_address(app, browser, given):
    client = browser().sign_in(given(UserFactory, "admin"))
    for address in addresses_of(app):
        for odd in (
            f"/{address}",
            f"//{address}",
            f"{address}/",
            address.replace("/", "//"),
            f"/{EVIL}/{address}",
        ):
            for method in ("GET", "POST", "PUT"):
                answer = client.open(
                    "/", method=method, environ_overrides={"PATH_INFO": odd, "HTTP_HOST": EVIL}
                )
                assert "Location" not in answer.headers, (method, odd)
                assert answer.status_code in (404, 405), (method, odd)


def test_no_page_and_no_header_repeats_a_forged_host(app, browser, given):
    client, lead = browser().sign_in(given(UserFactory, "admin")), given(LeadFactory)
    visitor = browser()
    addresses = {PLACEHOLDER.sub(str(lead.id), rule.rule) for rule in app.url_map.iter_rules()}
    for address in sorted(addresses):
        if "/session" in address:
            continue
        for reader in (visitor, client):
            for accept in ("text/html", "application/json"):
                # The test client keeps cookies by host: it sends this one whatever the request calls itself.
                answer = reader.get(address, headers={**FORGED, "Accept": accept, **cookies_of(reader)})
                assert stays_here(answer), address
                assert EVIL not in answer.text, address


def cookies_of(client) -> dict[str, str]:
    cookie = client.get_cookie("leadintake")
    return {"Cookie": f"leadintake={cookie.value}"} if cookie else {}


def test_every_redirect_after_an_act_stays_here(browser, given):
    amara, lead = given(UserFactory), given(LeadFactory)
    told = {"email": amara.email, "password": PASSWORD}
    answers = [
        browser().post("/desk/sign-in", data=told, headers=FORGED),
        browser().get("/desk", headers=FORGED),
        browser().get(f"/desk/leads/{lead.id}?x=y", headers=FORGED),
        browser().submit(accept="text/html"),
    ]
    assert [one.status_code for one in answers] == [303] * 4
    assert all(stays_here(one) for one in answers)


def test_next_leads_to_no_other_site(browser, given):
    amara = given(UserFactory)
    for wanted in NEXT:
        leads_nowhere_else(browser, amara, wanted)


def leads_nowhere_else(browser, amara, wanted: str) -> None:
    told = {"email": amara.email, "password": PASSWORD, "next": wanted}
    by_form = browser().post("/desk/sign-in", data=told)
    by_address = browser().post(
        "/desk/sign-in", query_string={"next": wanted}, data={"email": amara.email, "password": PASSWORD}
    )
    for answer in (by_form, by_address):
        assert (answer.status_code, answer.headers["Location"]) == (303, "/desk"), wanted
    page = browser().get("/desk/sign-in", query_string={"next": wanted})
    assert EVIL not in page.text, wanted
    assert wanted in ("", f"/ /{EVIL}", f"/\u2028/{EVIL}") or not is_local(wanted)


def test_next_leads_to_a_page_of_the_desk(browser, given):
    amara, lead = given(UserFactory), given(LeadFactory)
    for wanted in (f"/desk/leads/{lead.id}", "/desk?q=jane&status=PENDING", "/desk/account"):
        told = {"email": amara.email, "password": PASSWORD, "next": wanted}
        assert browser().post("/desk/sign-in", data=told).headers["Location"] == wanted


class TestWithoutAProxy:
    """Where nothing that calls itself forwarded is believed."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"PASSKEYS": True, "PUBLIC_URL": "http://localhost:8000"}

    def test_no_page_and_no_header_repeats_a_forged_host(self, app, browser, given):
        test_no_page_and_no_header_repeats_a_forged_host(app, browser, given)

    def test_every_redirect_after_an_act_stays_here(self, browser, given):
        test_every_redirect_after_an_act_stays_here(browser, given)
