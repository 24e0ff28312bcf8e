"""The name we greet with, and what the doctor finds by trying without sending."""

from __future__ import annotations

import pytest

from leadintake import create_app
from leadintake.core.db.transaction import transaction
from leadintake.notifications import checkup
from leadintake.notifications.channel_state import ALL_MAIL, PROSPECT_MAIL, close
from leadintake.notifications.channels.smtp import choose_ehlo_name
from leadintake.notifications.faults import SmtpStep
from tests.support.mailserver import HOST, Script, free_port, mail_server


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def settings(port) -> dict[str, object]:
    return {
        "MAIL_SERVER": HOST,
        "MAIL_PORT": port,
        "MAIL_TIMEOUT": 1,
        "MAIL_DEFAULT_SENDER": "firm@firm.example",
        "PUBLIC_URL": "https://intake.firm.example",
    }


def found(app, port, **says) -> str:
    """What the check of the mail finds; nothing is sent meanwhile."""
    script = Script(**says)
    with app.app_context(), mail_server(script, port):
        try:
            checkup.check_mail()
        except RuntimeError as error:
            return str(error)
        finally:
            assert script.raw == []
    return ""


@pytest.mark.parametrize("says", [{}, {"rcpt": "550 5.1.1 no such user"}, {"rcpt": "550 no"}], ids=str)
def test_a_server_that_takes_our_name_and_sender_is_well(app, port, says):
    assert found(app, port, **says) == ""


@pytest.mark.parametrize(
    ("says", "advice"),
    [
        ({"ehlo": "550 5.7.1 we do not like your name"}, "LEADINTAKE_MAIL_EHLO_NAME"),
        (
            {"rcpt": "504 5.5.2 <laptop>: Helo command rejected: need a whole name"},
            "LEADINTAKE_MAIL_EHLO_NAME",
        ),
        ({"rcpt": "553 5.7.1 <x>: Sender address rejected: not owned by user"}, "ask its operator"),
    ],
    ids=str,
)
def test_a_server_that_refuses_us_at_the_recipient_is_found_with_its_words_and_what_to_do(
    app, port, says, advice
):
    (said,) = says.values()
    assert said in found(app, port, **says)
    assert advice in found(app, port, **says)


@pytest.mark.parametrize(
    ("scope", "words"),
    [(ALL_MAIL, "Mail has not left since"), (PROSPECT_MAIL, "Mail to prospects has not left")],
)
def test_that_mail_is_kept_back_is_found_though_the_server_takes_all_that_can_be_tried(
    app, port, scope, words
):
    with app.app_context(), transaction():
        close(scope, SmtpStep.DATA, "550 5.4.5 Daily sending quota of ada@firm.example exceeded")
    sentence = found(app, port)
    assert sentence.startswith(words)
    assert "refused at DATA: 550 5.4.5 Daily sending quota of … exceeded" in sentence


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"PUBLIC_URL": "https://intake.firm.example"}, "intake.firm.example"),
        ({"PUBLIC_URL": "https://kanzlei-müller.example:8443"}, "xn--kanzlei-mller-4ob.example"),
        ({"PUBLIC_URL": "http://192.0.2.7:8000"}, "[192.0.2.7]"),
        ({"PUBLIC_URL": "http://[2001:db8::7]:8000"}, "[IPv6:2001:db8::7]"),
        (
            {"PUBLIC_URL": "https://intake.firm.example", "MAIL_EHLO_NAME": "vm7.firm.example"},
            "vm7.firm.example",
        ),
        ({"MAIL_EHLO_NAME": "192.0.2.7"}, "[192.0.2.7]"),
    ],
    ids=str,
)
def test_the_name_we_greet_with(app, settings, name):
    with app.app_context():
        assert choose_ehlo_name() == name


def test_the_server_hears_it(app, port):
    heard = []
    script = Script()
    script.handle_EHLO = lambda _server, session, _envelope, name, replies: heard_as(
        heard, session, name, replies
    )
    with app.app_context(), mail_server(script, port):
        checkup.check_mail()
    assert set(heard) == {"intake.firm.example"}


async def heard_as(heard, session, name, replies):
    session.host_name = name
    heard.append(name)
    return replies


@pytest.mark.parametrize("name", ["two words", "line\nbreak", "under_score.example", "[]", "a..b"])
def test_a_name_that_no_server_would_take_is_refused_at_the_start(name, tmp_path):
    with pytest.raises(SystemExit, match="MAIL_EHLO_NAME"):
        create_app(INSTANCE_PATH=str(tmp_path), MAIL_EHLO_NAME=name)
