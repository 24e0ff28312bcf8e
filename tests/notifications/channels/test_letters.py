"""What leaves fits every mail server, whatever people are called."""

from __future__ import annotations

import email
import email.policy
import re
import uuid
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import HealthCheck
from hypothesis import given as for_any
from hypothesis import strategies as st

from leadintake.notifications.channels.interface import PermanentFailure
from leadintake.notifications.channels.letters import compose
from leadintake.notifications.messages import render
from leadintake.notifications.models import Notification
from tests.documents.inspection.examples import examples
from tests.factories import NotificationFactory
from tests.notifications.test_messages import WORDS, parsed, text_of
from tests.support.letterhead import letterhead
from tests.support.mailserver import HOST, Script, free_port, mail_server
from tests.support.outbox import BEGINNING, deliver

MAX_LINE_LENGTH = 998
"""Octets without the line end (RFC 5322, 2.1.1)."""
READABLE_LINE = 78


def message_of(**values) -> Notification:
    usual = {"kind": "attorney_alert", "recipient": "amara@firm.example.com", "subject": "A subject"}
    usual |= {"id": uuid.uuid4(), "text": "words\n", "html": "<p>words</p>\n", "created_at": BEGINNING}
    return Notification(**(usual | values))


def raw_of(app, **values) -> bytes:
    with app.app_context():
        return compose(message_of(**values)).as_bytes()


def headers_of(raw: bytes) -> email.message.EmailMessage:
    return parsed(raw)


def lines_of(raw: bytes) -> list[bytes]:
    assert raw.endswith(b"\r\n")
    lines = raw.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    return lines


@pytest.mark.parametrize("char", ["&", "'", '"', "<", "\U0001f600", "\u0f3a", "\u7530", "=", ".", " ", "x"])
def test_no_line_is_longer_than_a_server_takes_whatever_a_name_becomes(app, char):
    name = char * 100
    words = {
        **WORDS,
        "prospect": f"{name} {name}",
        "attorney": name * 3,
        "reason": name * 5,
        "letterhead": letterhead(name),
    }
    said = render("attorney_alert", **words)
    raw = raw_of(app, text=said.text, html=said.html)
    assert max(map(len, lines_of(raw))) <= READABLE_LINE
    assert raw.isascii()
    assert text_of(headers_of(raw), "plain") == said.text
    assert text_of(headers_of(raw), "html") == said.html


@examples(100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_any(words=st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_any_words_arrive_as_they_are(app, words):
    raw = raw_of(app, text=words, html=words)
    assert max(map(len, lines_of(raw))) <= READABLE_LINE
    assert raw.isascii()
    for part in headers_of(raw).walk():
        if not part.is_multipart():
            arrived = part.get_payload(decode=True).decode().replace("\r\n", "\n")
            assert arrived.removesuffix("\n") == re.sub("\r\n?", "\n", words).removesuffix("\n")


def test_readable_words_stay_readable_and_others_are_not_tripled(app):
    assert b"quoted-printable" in raw_of(app, text="Zo\u00eb wrote to the firm.")
    japanese = raw_of(app, text="\u7530\u4e2d" * 200)
    assert len(japanese) < 2 * len(("\u7530\u4e2d" * 200).encode())


def test_at_the_top_are_two_forms_of_the_same(app):
    message = headers_of(raw_of(app))
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.defects == []


@pytest.mark.parametrize(
    "firm",
    ["Our Law Firm", 'Smith, "Jones" & S\u00f6hne', "\u7530\u4e2d\u6cd5\u5f8b\u4e8b\u52d9\u6240" * 8,
     "A very long name of a firm " * 8, "=?utf-8?q?x?=", "back\\slash"],
)  # fmt: skip
def test_a_mail_is_from_the_firm_by_its_name(app, firm):
    app.config |= {"FIRM_NAME": firm, "MAIL_DEFAULT_SENDER": "intake@firm.example"}
    app.extensions["mail"].default_sender = "intake@firm.example"
    raw = raw_of(app)
    # Not the newer parser of Python, which puts spaces between encoded words of a name.
    name, address = parseaddr(email.message_from_bytes(raw)["From"])
    assert " ".join(str(make_header(decode_header(name))).split()) == firm.strip()
    assert address == "intake@firm.example"
    assert max(map(len, lines_of(raw))) <= READABLE_LINE


@pytest.mark.parametrize("subject", ["Se\u00f1ora " * 20, "plain " * 30, "\u7530" * 100, "=?utf-8?q?x?="])
def test_a_subject_is_folded_and_encoded(app, subject):
    raw = raw_of(app, subject=subject)
    assert headers_of(raw)["Subject"].strip() == subject.strip()
    assert max(map(len, lines_of(raw))) <= READABLE_LINE
    assert raw.isascii()


def test_no_program_answers_and_what_cannot_be_delivered_still_comes_back(app):
    message = headers_of(raw_of(app))
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "DR, RN, NRN, OOF, AutoReply"


class TestWhereAnswersGo:
    @pytest.mark.parametrize(
        ("setting", "own", "expected"),
        [
            ("", None, None),
            ("desk@firm.example", None, "desk@firm.example"),
            ("desk@firm.example", "jane@example.com", "jane@example.com"),
            ("", "jane@fa\u00df.example", "jane@xn--fa-hia.example"),
            ("desk@firm.example", "\u7530\u4e2d@example.com", "desk@firm.example"),
        ],
    )
    def test_the_prospect_where_the_alert_says_so_else_where_all_answers_go(
        self, app, setting, own, expected
    ):
        app.config["MAIL_REPLY_TO"] = setting
        assert headers_of(raw_of(app, reply_to=own))["Reply-To"] == expected


class TestARehearsal:
    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"MAIL_REDIRECT_TO": "rehearsal@firm.example", "MAIL_SERVER": HOST, "MAIL_PORT": free_port()}

    def test_every_mail_goes_to_one_address_and_says_whom_it_is_for(self, app, given):
        given(NotificationFactory, recipient="jane@example.com")
        script = Script()
        with mail_server(script, app.config["MAIL_PORT"]):
            assert deliver(app) == 1
        assert script.recipients == ["rehearsal@firm.example"]
        (message,) = script.received
        assert message["To"] == "rehearsal@firm.example"
        assert message["X-Original-To"] == "jane@example.com"
        for kind in ("plain", "html"):
            assert (
                text_of(message, kind)
                .removeprefix("<p>")
                .startswith("Rehearsal: this mail is for jane@example.com.")
            )

    def test_an_answer_does_not_go_to_a_prospect(self, app):
        assert headers_of(raw_of(app, reply_to="jane@example.com"))["Reply-To"] is None

    def test_the_words_stand_inside_the_page(self, app):
        said = render("attorney_alert", **WORDS)
        markup = text_of(headers_of(raw_of(app, html=said.html)), "html")
        before, _, after = markup.partition("<p>Rehearsal: this mail is for amara@firm.example.com.</p>")
        assert before.endswith(">")
        assert "<body" in before
        assert "</body>" in after

    def test_an_international_address_is_named_in_ascii(self, app):
        raw = raw_of(app, recipient="\u7530\u4e2d@example.com")
        assert raw.isascii()
        assert headers_of(raw)["X-Original-To"] == "\u7530\u4e2d@example.com"


class TestAnAddressThatIsNotAscii:
    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"MAIL_SERVER": HOST, "MAIL_PORT": free_port()}

    def test_is_sent_to_as_it_is_where_the_server_takes_it(self, app, given, rows):
        given(NotificationFactory, recipient="\u7530\u4e2d@firm.example.com")
        given(NotificationFactory, recipient="amara@firm.example.com")
        script = Script()
        with mail_server(script, app.config["MAIL_PORT"]):
            assert deliver(app) == 2
        assert script.recipients == ["\u7530\u4e2d@firm.example.com", "amara@firm.example.com"]
        assert b"To: \xe7\x94\xb0\xe4\xb8\xad@firm.example.com\r\n" in script.raw[0]
        assert {one.status for one in rows(Notification)} == {"sent"}

    def test_fails_with_the_true_reason_where_the_server_does_not(self, app, given, rows):
        given(NotificationFactory, recipient="\u7530\u4e2d@firm.example.com")
        with mail_server(Script(), app.config["MAIL_PORT"], enable_SMTPUTF8=False):
            assert deliver(app) == 1
        (failed,) = rows(Notification)
        assert failed.status == "failed"
        assert failed.last_error == (
            "\u7530\u4e2d@firm.example.com needs a mail server with SMTPUTF8, and ours has none"
        )

    def test_that_is_none_at_all_is_refused(self, app):
        with app.app_context(), pytest.raises(PermanentFailure, match="no e-mail address"):
            compose(message_of(recipient="\u7530\u4e2d@@x"))


@pytest.mark.parametrize(
    "header", [{"subject": "a\r\nBcc: all@x.example"}, {"recipient": "a@b.example\nBcc: c@d"}]
)
def test_no_header_is_written_that_would_become_two(app, header):
    with pytest.raises(PermanentFailure, match="no header may carry"):
        raw_of(app, **header)
