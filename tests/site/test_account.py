"""The page a mailed link leads to: a password, twice, without script."""

from __future__ import annotations

import pytest

from leadintake.audit.models import AuditEntry
from leadintake.auth.models import AccountLink, SignedInSession
from leadintake.core import chores
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.html import Page
from tests.support.links import link_in, words_of

GOOD = "quite different words"


@pytest.fixture
def amara(given):
    return given(UserFactory, email="amara@firm.example.com")


@pytest.fixture
def link(app, client, amara, rows) -> str:
    client.post("/internal/password/forgotten", json={"email": amara.email})
    with app.app_context():
        chores.run_worker_ticks(app)
    return link_in(app, rows(Notification)[0])


def fill(client, link: str, password: str = GOOD, again: str | None = None):
    return client.post(link, data={"password": password, "again": password if again is None else again})


def test_the_page_asks_twice_in_masked_fields_that_password_managers_know(client, link):
    page = Page(client.get(link).text)
    assert page.mistakes == []
    assert page.all("script", "style") == []
    fields = page.inputs()
    for name in ("password", "again"):
        assert (fields[name]["type"], fields[name]["autocomplete"]) == ("password", "new-password")
        assert name in [label["for"] for label in page.all("label")]
    assert fields["email"]["value"] == "amara@firm.example.com"


def test_looking_spends_nothing_and_setting_does(client, link, rows, amara, browser):
    for _ in range(3):
        assert client.get(link).status_code == 200
    done = fill(client, link)
    assert done.status_code == 200
    assert Page(done.text).mistakes == []
    assert "amara@firm.example.com" in done.text
    assert rows(AccountLink) == []
    assert client.get(link).status_code == fill(client, link).status_code == 404
    browser().sign_in(amara, GOOD)


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        (GOOD, "something else here", "not the same"),
        ("short", None, "at least 12"),
        ("", None, "at least 12"),
        ("amara is my name", None, "Leave your name"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_the_link_stays_good(client, link, password, again, words):
    answer = fill(client, link, password, again)
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.mistakes == []
    assert words in page.by_id("password-error").text
    assert page.by_id("password-error")["id"] in page.by_id("password")["aria-describedby"]
    assert password not in [one["value"] for one in page.inputs().values()] or not password
    assert fill(client, link).status_code == 200


@pytest.fixture
def token(app, amara) -> str:
    """An API token of hers."""
    line = ["tokens", "add", amara.email, "--name", "Case system", "--scope", "read_leads"]
    return app.test_cli_runner().invoke(args=line).stdout.strip()


def works(browser, token: str) -> bool:
    return browser().get("/internal/leads", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_to_end_ones_api_tokens_is_offered_and_chosen_beforehand(client, browser, link, token, rows):
    page = Page(client.get(link).text)
    assert page.mistakes == []
    assert "checked" in page.inputs()["end_tokens"].attributes
    assert "Case system" in page.source
    wrong = client.post(link, data={"password": "x", "again": "x"})
    assert "checked" not in Page(wrong.text).inputs()["end_tokens"].attributes
    wrong = client.post(link, data={"password": "x", "again": "y", "end_tokens": "1"})
    assert "checked" in Page(wrong.text).inputs()["end_tokens"].attributes
    assert works(browser, token)
    assert client.post(link, data={"password": GOOD, "again": GOOD, "end_tokens": "1"}).status_code == 200
    assert not works(browser, token)
    assert [one.action for one in rows(AuditEntry)][-2:] == ["token.revoked", "password.changed"]
    assert "API tokens" in rows(Notification)[-1].text


def test_who_unchecks_it_keeps_them(client, browser, link, token, rows):
    assert fill(client, link).status_code == 200
    assert works(browser, token)
    assert "API tokens" not in rows(Notification)[-1].text


def test_who_has_none_is_asked_nothing(client, link):
    assert "end_tokens" not in Page(client.get(link).text).inputs()


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "%ff", "\u00e9", "x" * 2000])
def test_no_other_link_leads_anywhere(client, amara, token):
    answer = client.get(f"/account/{token}", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert Page(answer.text).mistakes == []


def test_the_page_is_for_nobody_else(client, link):
    headers = client.get(link).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


class TestEmbedded:
    """Where other sites may frame the form."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"EMBED_ORIGINS": ["https://www.firm.example"]}

    def test_nobody_frames_this_page(self, client, link):
        assert "frame-ancestors 'none'" in client.get(link).headers["Content-Security-Policy"]
        assert "https://www.firm.example" in client.get("/").headers["Content-Security-Policy"]


class TestInvited:
    """Somebody who never was here."""

    @pytest.fixture
    def invitation(self, app, browser, ada, rows) -> str:
        given = {"email": "chiara@firm.example.com", "name": "Chiara Conti", "role": "attorney"}
        assert browser().sign_in(ada).post("/internal/users", json=given).status_code == 201
        (mail,) = rows(Notification)
        assert "http://127.0.0.1:8000/desk\n" in words_of(app, mail)
        return link_in(app, mail)

    def test_the_invitation_ends_signed_in_at_the_desk_and_on_record(self, client, invitation, rows):
        answer = fill(client, invitation)
        assert (answer.status_code, answer.location) == (303, "/desk")
        assert client.get("/desk").status_code == 200
        entry = next(
            one for one in rows(AuditEntry) if one.action == "signed_in" and "invitation" in one.detail
        )
        assert '"second_factor":false' in entry.detail.replace(" ", "")

    def test_whoever_was_signed_in_here_is_not_any_more(self, browser, invitation, bruno, rows):
        client = browser().sign_in(bruno)
        before = client.get_cookie("leadintake").value
        assert fill(client, invitation).status_code == 303
        assert client.get_cookie("leadintake").value != before
        assert client.get("/internal/session").json["user"]["name"] == "Chiara Conti"
        assert [one.user_id for one in rows(SignedInSession)].count(bruno.id) == 0

    def test_a_page_of_another_site_signs_nobody_in(self, client, invitation):
        data = {"password": GOOD, "again": GOOD}
        answer = client.post(invitation, data=data, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 200
        assert client.get_cookie("leadintake") is None

    def test_who_says_forgotten_is_invited_once_more_and_the_first_link_goes_on(
        self, app, client, browser, invitation, rows
    ):
        app.test_cli_runner().invoke(args=["worker", "--drain"])
        client.post("/desk/forgotten", data={"email": "chiara@firm.example.com"})
        with app.app_context():
            chores.run_worker_ticks(app)
        mail = rows(Notification)[-1]
        assert (mail.kind, mail.recipient) == ("invitation", "chiara@firm.example.com")
        assert client.get(invitation).status_code == 200
        assert fill(client, link_in(app, mail)).location == "/desk"
        assert "user.invited_again" in [one.action for one in rows(AuditEntry)]

    def test_with_a_second_factor_required_it_ends_where_one_is_set_up(self, app, client, invitation):
        app.config["REQUIRE_MFA"] = ["attorney"]
        assert fill(client, invitation).location == "/desk"
        assert client.get("/desk").location == "/desk/account"
        assert "second factor" in client.get("/desk/account").text


def test_a_new_password_leads_to_signing_in_with_the_address_filled_in(client, link):
    page = Page(fill(client, link).text)
    (way,) = [one["href"] for one in page.all("a") if "sign-in" in one["href"]]
    assert Page(client.get(way).text).inputs()["email"]["value"] == "amara@firm.example.com"


@pytest.mark.parametrize("address", ["/account/old", "/account/a/b"])
def test_an_old_link_leads_to_asking_for_a_new_one_and_not_to_the_form(client, address):
    answer = client.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    ways = [one["href"] for one in Page(answer.text).all("a")]
    assert ways == ["/desk/forgotten", "/desk/sign-in"]
