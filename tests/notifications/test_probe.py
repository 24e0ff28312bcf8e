"""Trying the mail server without sending."""

from __future__ import annotations

import pytest

from leadintake import create_app
from leadintake.notifications.faults import Step
from leadintake.notifications.probe import try_server
from leadintake.notifications.smtp import ehlo_name
from tests.support.mailserver import DROP, HOST, Script, free_port, mail_server


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


def tried(app, port, **says) -> list[tuple[Step, bool, str]]:
    script = Script(**says)
    with app.app_context(), mail_server(script, port):
        steps = try_server()
    assert script.raw == []
    return [(step.step, step.accepted, step.words) for step in steps]


def test_every_step_is_named_with_the_server_s_words_and_nothing_is_sent(app, port):
    script = Script()
    with app.app_context(), mail_server(script, port):
        steps = try_server()
    assert [(step.step, step.sent, step.accepted) for step in steps] == [
        (Step.CONNECT, f"{HOST}:{port}", True),
        (Step.EHLO, "intake.firm.example", True),
        (Step.MAIL, "firm@firm.example", True),
        (Step.RCPT, "firm@firm.example", True),
    ]
    assert steps[0].words.startswith("220 ")
    assert script.raw == []


@pytest.mark.parametrize(
    ("says", "step"),
    [
        ({"ehlo": "550 5.7.1 we do not like your name"}, Step.EHLO),
        ({"mail": "553 5.7.1 not your address"}, Step.MAIL),
        ({"mail": DROP}, Step.MAIL),
        ({"rcpt": "504 5.5.2 <laptop>: Helo command rejected: need fully-qualified hostname"}, Step.RCPT),
        ({"rcpt": DROP}, Step.RCPT),
    ],
    ids=str,
)
def test_the_step_at_which_we_are_refused_is_the_last(app, port, says, step):
    *before, last = tried(app, port, **says)
    assert all(accepted for _, accepted, _ in before)
    assert last[:2] == (step, False)
    (said,) = says.values()
    assert said == DROP or last[2] == said


def test_that_our_own_address_has_no_mailbox_there_is_no_fault(app, port):
    assert tried(app, port, rcpt="550 5.1.1 no such user")[-1] == (Step.RCPT, True, "550 5.1.1 no such user")


def test_a_server_that_is_away_is_said_so(app):
    with app.app_context():
        (step,) = try_server()
    assert (step.step, step.accepted) == (Step.CONNECT, False)
    assert "refused" in step.words


class TestWithoutAServer:
    """Mails become files."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {}

    def test_nothing_is_tried(self, app):
        with app.app_context():
            assert try_server() == []


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
        assert ehlo_name() == name


def test_the_server_hears_it(app, port):
    heard = []
    script = Script()
    script.handle_EHLO = lambda _server, session, _envelope, name, replies: heard_as(
        heard, session, name, replies
    )
    with app.app_context(), mail_server(script, port):
        try_server()
    assert set(heard) == {"intake.firm.example"}


async def heard_as(heard, session, name, replies):
    session.host_name = name
    heard.append(name)
    return replies


@pytest.mark.parametrize("name", ["two words", "line\nbreak", "under_score.example", "[]", "a..b"])
def test_a_name_that_no_server_would_take_is_refused_at_the_start(name, tmp_path):
    with pytest.raises(SystemExit, match="MAIL_EHLO_NAME"):
        create_app(INSTANCE_PATH=str(tmp_path), MAIL_EHLO_NAME=name)
