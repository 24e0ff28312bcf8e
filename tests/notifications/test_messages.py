"""What the messages say, and what never reaches their headers."""

from __future__ import annotations

import email
import email.policy
import html
import re
import uuid

import pytest
from hypothesis import HealthCheck
from hypothesis import given as for_any
from hypothesis import strategies as st
from linkify_it import LinkifyIt

from leadintake import create_app
from leadintake.core.colours import compute_contrast
from leadintake.leads.models import Lead
from leadintake.notifications.channels.letters import compose
from leadintake.notifications.messages import OPTIONAL_KINDS, SUBJECTS, clean_greeting_name, render
from leadintake.notifications.models import Notification
from tests.documents.inspection.examples import examples
from tests.factories import NotificationFactory, UserFactory, kept
from tests.support.client import filled
from tests.support.letterhead import letterhead
from tests.support.mailserver import HOST, Script, free_port, mail_server
from tests.support.outbox import BEGINNING, at, deliver

NASTY = '<script>alert(1)</script> & "O\'Neill"'
WORDS = {
    "letterhead": letterhead(),
    "count": 2,
    "attorney": "Amara",
    "prospect": "Jane Doe",
    "link": "https://intake.example/internal/leads/1",
    "reason": "Fewest open leads.",
    "warnings": [],
    "by_staff": False,
    "is_open": True,
    "name": "Jane",
    "reference": "4711",
    "unsubscribe": "https://intake.example/unsubscribe/1",
    "manager": "Mona",
    "title": "We received your information",
    "addressee": "jane@example.com",
    "what": "Your role is now manager.",
    "hours": "72",
    "invited_by": "Ada",
    "desk": "https://intake.example/desk",
    "why": "Amara is away until further notice.",
    "consequence": "You need not do anything about this any more:",
    "lines": ["7QM4-2XRF: Bruno"],
    "head": f"1:{'0' * 64}",
    "moment": "2026-03-01 12:00 UTC",
    "note": "Ask for the notice of the hearing.",
    "body": "May I call you?",
}
KNOWN_HEADERS = {
    "Content-Type", "MIME-Version", "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted",
    "X-Auto-Response-Suppress",
}  # fmt: skip


@pytest.fixture
def settings() -> dict[str, object]:
    return {"PUBLIC_URL": "https://intake.firm.example/"}


def parsed(data: bytes):
    return email.message_from_bytes(data, policy=email.policy.default)


def written(app, owed: Notification):
    """The message as bytes, read again."""
    with app.app_context():
        return parsed(compose(owed).as_bytes())


def outbox(app) -> dict[str, email.message.EmailMessage]:
    """The delivered messages by recipient."""
    deliver(app)
    files = (app.extensions["leadintake.channels"]["mail"].folder).glob("*.eml")
    found = [parsed(file.read_bytes()) for file in files]
    return {message["To"]: message for message in found}


def text_of(message, kind: str) -> str:
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


def test_a_submission_alerts_the_attorney_and_thanks_the_prospect(app, client, given, rows):
    amara = given(UserFactory, name="Amara Okafor")
    client.submit(first_name="Jane", last_name="Doe", email="jane@example.com")
    (lead,) = rows(Lead)
    messages = outbox(app)
    assert set(messages) == {amara.email, "jane@example.com"}
    alert, thanks = messages[amara.email], messages["jane@example.com"]
    for kind in ("plain", "html"):
        assert "Jane Doe" in text_of(alert, kind)
        assert f"https://intake.firm.example/desk/leads/{lead.id}" in text_of(alert, kind)
        assert lead.assignment_reason in text_of(alert, kind)
        assert "Hello Jane," in text_of(thanks, kind)
        assert lead.reference in text_of(thanks, kind)
        assert f"Reference: {'<strong>' * (kind == 'html')}{lead.reference}" in text_of(alert, kind)
        assert amara.name not in text_of(thanks, kind)
        assert "/internal/" not in text_of(thanks, kind)
    assert alert["Subject"] == f"A new lead is waiting for you: {lead.reference}"
    assert thanks["Subject"] == f"We received your information: {lead.reference}"


def test_subjects_tell_leads_apart_without_a_strangers_words(app, client, given, rows):
    amara = given(UserFactory)
    client.submit(first_name="Secret", last_name="Words", email="jane@example.com", practice_area="family")
    (lead,) = rows(Lead)
    messages = outbox(app)
    assert messages[amara.email]["Subject"] == f"A new lead is waiting for you: family, {lead.reference}"
    assert messages["jane@example.com"]["Subject"] == f"We received your information: {lead.reference}"
    said = render("prospect_confirmation", **WORDS, about="x" * 300)
    assert said.subject == f"We received your information: {'x' * 300}"[:200]


def test_an_answer_to_an_alert_goes_to_its_prospect_where_the_firm_wants_that(app, client, given):
    amara = given(UserFactory)
    app.config["ALERT_REPLY_TO"] = "prospect"
    client.submit(email="jane@example.com")
    messages = outbox(app)
    assert messages[amara.email]["Reply-To"] == "jane@example.com"
    assert messages["jane@example.com"]["Reply-To"] is None


def test_with_nobody_to_take_it_every_manager_is_told(app, client, given, rows):
    chiefs = {given(UserFactory, "manager").email, given(UserFactory, "admin").email}
    given(UserFactory, "manager", "inactive")
    client.submit()
    messages = outbox(app)
    assert set(messages) == chiefs | {"jane@example.com"}
    (lead,) = rows(Lead)
    subject = f"A new lead has no attorney yet: {lead.reference}"
    assert {messages[chief]["Subject"] for chief in chiefs} == {subject}


@pytest.mark.parametrize(
    "forged",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        {"Host": "evil.example", "Origin": "https://evil.example", "Referer": "https://evil.example/"},
    ],
)
def test_a_link_leads_to_the_public_url_whatever_the_request_claims(app, browser, given, forged):
    amara = given(UserFactory)
    assert browser().post("/public/leads", data=filled(), headers=forged).status_code in (201, 303)
    message = outbox(app)[amara.email]
    assert "evil.example" not in message.as_string()
    links = re.findall(r"https?://[^\s\"<]+", text_of(message, "plain"))
    assert [link.partition("/desk")[0] for link in links] == ["https://intake.firm.example"]


@pytest.mark.parametrize("kind", SUBJECTS)
def test_every_message_has_a_text_and_a_html_part_and_no_attachment(app, given, kind):
    said = render(kind, **WORDS)
    with app.app_context():
        words = {"text": kept(said.text, kind), "html": kept(said.html, kind)}
    message = written(app, given(NotificationFactory, kind=kind, **words))
    leaves = [part for part in message.walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in leaves] == ["text/plain", "text/html"]
    assert [part.get_filename() for part in leaves] == [None, None]
    assert list(message.iter_attachments()) == []
    assert text_of(message, "plain") == said.text
    assert text_of(message, "html") == said.html


ADDRESSES = (
    "evil.com", "www.evil.com", "WWW.EVIL.COM", "http://evil.com/x?y=1", "https://evil.com", "//evil.com",
    "ftp://evil.com", "http://localhost", "http://10.0.0.1/", "mailto:joe@evil.com", "joe@evil.com",
    "evil.com:8080/x", "evil.co.uk?x=1", "пример.рф", "xn--e1afmkfd.xn--p1ai", "http://evil\u3002com",
    "evil\u3002com", "evil\uff0ecom", "www.1evil.com", "Jane.evil.com Doe", "(evil.com)",
    "Jane,evil.com", "evil.com.",
)  # fmt: skip


def links_in(text: str) -> set[str]:
    """What a mail program makes links of."""
    found = LinkifyIt(options={"fuzzy_email": True, "fuzzy_link": True}).match(text) or ()
    simple = re.findall(
        r"(?i)\b(?:www\.|(?:https?|ftp|mailto|tel|file):)\S+|[\w-]+(?:[.\u3002\uff0e\uff61][\w-]+)+", text
    )
    return {match.url for match in found} | {link for link in simple if re.search(r"[^\d.]", link)}


@pytest.mark.parametrize("kind", sorted(SUBJECTS))
@pytest.mark.parametrize("word", ["prospect", "name", "reason", "note"])
def test_no_mail_program_makes_a_link_of_what_a_stranger_typed(kind, word):
    plain = {**WORDS, "addressee": "somebody"}
    usual = render(kind, **plain)
    for address in ADDRESSES:
        assert links_in(address), "no link by itself, so this would show nothing"
        said = render(kind, **{**plain, word: f"Jane {address}"})
        assert links_in(said.text) == links_in(usual.text), address
        assert links_in(html.unescape(said.html)) == links_in(html.unescape(usual.html)), address


@pytest.mark.parametrize("name", ["J.R. Smith", "Jane Doe", "O'Neil", "Dr. No", "山田。太郎", "A:B"])
def test_a_name_in_a_mail_reads_as_it_was_typed(name):
    said = render("attorney_alert", **{**WORDS, "prospect": name})
    for words in (said.text, html.unescape(said.html)):
        assert name in words.replace("\u200c", "")


@pytest.mark.parametrize("kind", ["attorney_alert", "unassigned_alert"])
@pytest.mark.parametrize("word", ["prospect", "attorney", "reason"])
def test_what_people_typed_is_escaped_in_html_and_plain_in_text(kind, word):
    said = render(kind, **{**WORDS, word: NASTY})
    assert "<script>" not in said.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;O&#39;Neill&#34;" in said.html
    assert NASTY in said.text
    assert said.subject == SUBJECTS[kind]


class TestTheFrame:
    """Every kind of mail has the firm's letterhead."""

    @pytest.mark.parametrize("kind", SUBJECTS)
    def test_above_is_the_logo_below_the_address_and_the_telephone_number(self, kind):
        said = render(kind, **WORDS)
        assert '<img src="https://intake.example/logo" alt="Our Law Firm"' in said.html
        assert "Our Law Firm<br>12 Hill Street<br>Springfield<br>+1 555 0100" in said.html
        assert said.text.endswith("\n\n-- \nOur Law Firm\n12 Hill Street\nSpringfield\n+1 555 0100\n")
        assert len(said.html.encode()) < 20_000

    @pytest.mark.parametrize("kind", SUBJECTS)
    def test_an_address_to_open_is_a_button_for_a_finger(self, kind):
        markup = render(kind, **WORDS).html
        assert f'class="button" href="{WORDS["link"]}"' in markup or WORDS["link"] not in markup
        assert ("padding:10px 24px;line-height:24px" in markup) == ("button" in markup.partition("<body")[2])

    @pytest.mark.parametrize("logo", ["", "logo.svg", "logo.webp"])
    def test_without_a_logo_that_mail_programs_show_it_is_the_name(self, logo):
        bare = letterhead(NASTY, logo=logo, address="", phone="")
        said = render("test_message", **{**WORDS, "letterhead": bare})
        assert "<img" not in said.html
        assert said.html.count("O&#39;Neill&#34;</p>") == 2
        assert "<script>" not in said.html
        assert said.text.endswith(f"\n\n-- \n{NASTY}\n")

    @pytest.mark.parametrize("colour", ["#ffcc00", "#000000", "#ffffff", "#1f4e8c"])
    def test_any_colour_is_made_legible(self, colour):
        head = letterhead(colour=colour)
        assert compute_contrast(head.accent, "#ffffff") >= 4.5
        assert compute_contrast(head.dark_accent, "#222a38") >= 4.5
        assert compute_contrast(head.dark_accent, head.dark_ink) >= 4.5


def test_a_template_that_misses_a_word_is_an_error_not_a_gap():
    with pytest.raises(Exception, match="is undefined"):
        render("attorney_alert", letterhead=letterhead(), attorney="Amara")


@pytest.mark.parametrize(
    "name", ["Jane", "Mary-Jane", "O'Neill", "Anne Marie", "\u592a\u90ce", "Zo\u00eb", "x" * 40]
)
def test_a_plain_name_is_greeted(name):
    assert clean_greeting_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["evil.example", "http://x", "www.x", "a@b", "win 1000", "x/y", "x" * 41, "\u202eenaJ", "J\u200bane",
     "Jane!", "a:b", "your account is locked", "\u2044", "\U0001f600", "a\u3002b"],
)  # fmt: skip
def test_a_name_that_could_be_an_address_or_a_message_is_not_greeted(name):
    assert clean_greeting_name(name) == ""
    assert render("prospect_confirmation", **{**WORDS, "name": clean_greeting_name(name)}).text.startswith(
        "Hello,"
    )


def test_a_stranger_cannot_make_us_send_their_link_to_somebody(app, client):
    client.submit(first_name="evil.example/win", last_name="click here", email="victim@example.com")
    message = outbox(app)["victim@example.com"]
    assert "evil" not in text_of(message, "plain") + text_of(message, "html")
    assert "click here" not in text_of(message, "plain") + text_of(message, "html")


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_any(first=st.text(max_size=100), last=st.text(max_size=100))
def test_no_name_whatever_it_is_reaches_a_header(app, first, last):
    said = render("attorney_alert", **{**WORDS, "prospect": f"{first} {last}", "attorney": first})
    owed = Notification(
        id=uuid.uuid4(),
        recipient="amara@firm.example.com",
        subject=said.subject,
        text=said.text,
        html=said.html,
        created_at=BEGINNING,
    )
    try:
        message = written(app, owed)
    except UnicodeEncodeError:
        assert any("\ud800" <= char <= "\udfff" for char in first + last)  # no form lets these through
        return
    assert set(message.keys()) == KNOWN_HEADERS
    assert len(message.keys()) == len(KNOWN_HEADERS)
    assert message["Subject"] == SUBJECTS["attorney_alert"]
    assert message["To"] == "amara@firm.example.com"
    assert message["Message-ID"] == f"<{owed.id}@intake.firm.example>"
    assert message.get_body(("html",)) is not None


@pytest.mark.parametrize(
    ("public_url", "begins"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ("https://intake.firm.example/", "https://intake.firm.example/"),
        (f"https://{'a' * 60}.{'b' * 60}.example:8443", f"https://{'a' * 60}.{'b' * 60}.example:8443/"),
        ("https://kanzlei-m\u00fcller.example:8443", "https://xn--kanzlei-mller-4ob.example:8443/"),
    ],
)
def test_a_mail_program_finds_the_way_out_of_a_confirmation(app, given, public_url, begins):
    app.config["PUBLIC_URL"] = public_url
    owed = given(NotificationFactory, kind="prospect_confirmation")
    with app.app_context():
        raw = compose(owed).as_bytes()
    assert f"List-Unsubscribe: <{begins}unsubscribe/{owed.id}>\r\n".encode() in raw  # whole, on one line
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert max(map(len, raw.split(b"\r\n"))) < 998


@pytest.mark.parametrize("kind", sorted(set(SUBJECTS) - OPTIONAL_KINDS))
def test_there_is_no_way_out_of_an_alert(app, given, kind):
    assert "List-Unsubscribe" not in written(app, given(NotificationFactory, kind=kind))


def test_no_program_answers_our_messages(app, given):
    assert written(app, given(NotificationFactory))["Auto-Submitted"] == "auto-generated"


class TestOverSmtp:
    """With a mail server."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"PUBLIC_URL": "https://intake.firm.example", "MAIL_SERVER": HOST, "MAIL_PORT": free_port()}

    def test_every_attempt_carries_the_id_of_the_row_and_its_date(self, app, given):
        with at():
            owed = given(NotificationFactory)
        script = Script(data=["451 later", "250 OK"])
        with mail_server(script, app.config["MAIL_PORT"]):
            for seconds in (0, 30):
                with at(seconds=seconds):
                    assert deliver(app) == 1
        first, second = (parsed(data) for data in script.raw)
        assert first["Message-ID"] == second["Message-ID"] == f"<{owed.id}@intake.firm.example>"
        assert first["Date"] == second["Date"]
        assert first["Date"].datetime == BEGINNING
        assert text_of(first, "plain") == text_of(second, "plain")


@pytest.mark.parametrize(
    ("public_url", "domain"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1"),
        ("https://Intake.Firm.example:8443", "intake.firm.example"),
        ("https://kanzlei-m\u00fcller.example", "xn--kanzlei-mller-4ob.example"),
        ("http://[::1]:8000", "[IPv6:::1]"),
        (f"https://{'a' * 60}.{'b' * 60}.example", f"{'a' * 60}.{'b' * 60}.example"),
    ],
)
def test_the_message_id_is_of_the_public_host_however_that_is_written(
    database_url, tmp_path, public_url, domain
):
    app = create_app(INSTANCE_PATH=str(tmp_path), DATABASE_URL=database_url, PUBLIC_URL=public_url)
    owed = Notification(
        id=uuid.uuid4(), recipient="a@b.example", subject="x", text="x", html="x", created_at=BEGINNING
    )
    with app.app_context():
        message = parsed(compose(owed).as_bytes())
    assert message["Message-ID"].strip() == f"<{owed.id}@{domain}>"  # a long line is folded
