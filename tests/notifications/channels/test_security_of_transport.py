"""TLS to the mail server: verified, or nothing is sent."""

from __future__ import annotations

import socket

import pytest
from aiosmtpd.smtp import AuthResult

from leadintake import create_app
from leadintake.notifications.channels.interface import ChannelDown
from leadintake.notifications.models import Notification, Status
from tests.factories import NotificationFactory
from tests.support.mailserver import HOST, Script, certificate, mail_server, raw_server
from tests.support.outbox import deliver

PASSWORD = "p4ssw0rd of the relay"


@pytest.fixture
def settings() -> dict[str, object]:
    return {
        "MAIL_SERVER": HOST,
        "MAIL_USE_TLS": True,
        "MAIL_TIMEOUT": 2,
        "MAIL_USERNAME": "firm",
        "MAIL_PASSWORD": PASSWORD,
    }


@pytest.fixture
def trust(monkeypatch):
    """Make the machine trust a certificate."""

    def believe(file) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))

    return believe


def signed_in(server, session, envelope, mechanism, data):
    """An authenticator that lets the firm in."""
    return AuthResult(success=(data.login, data.password) == (b"firm", PASSWORD.encode()), handled=False)


def refused(app, rows, port, *words: str) -> bool:
    app.extensions["mail"].port = port
    with pytest.raises(ChannelDown) as problem:
        deliver(app)
    (kept,) = rows(Notification)
    untouched = (kept.status, kept.attempts) == (Status.QUEUED, 0)
    return untouched and all(word in str(problem.value) for word in words)


def test_over_a_verified_connection_the_message_leaves(app, given, rows, tmp_path, trust):
    given(NotificationFactory)
    context, trusted = certificate(tmp_path)
    trust(trusted)
    script = Script()
    options = {"tls_context": context, "require_starttls": True, "authenticator": signed_in}
    with mail_server(script, auth_required=True, **options) as app.extensions["mail"].port:
        assert deliver(app) == 1
    assert len(script.received) == 1
    assert rows(Notification)[0].status is Status.SENT


def test_to_a_server_nobody_vouches_for_nothing_is_sent(app, given, rows, tmp_path):
    given(NotificationFactory)
    context, _ = certificate(tmp_path)
    script = Script()
    with mail_server(script, tls_context=context) as port:
        assert refused(app, rows, port, "certificate verify failed")
    assert (script.senders, script.raw) == ([], [])


def test_to_a_server_with_another_ones_certificate_nothing_is_sent(app, given, rows, tmp_path, trust):
    given(NotificationFactory)
    context, trusted = certificate(tmp_path, "another.example")
    trust(trusted)
    script = Script()
    with mail_server(script, tls_context=context) as port:
        assert refused(app, rows, port, "certificate")
    assert (script.senders, script.raw) == ([], [])


def test_where_starttls_is_not_offered_nothing_is_sent_in_clear(app, given, rows):
    """Somebody between us and the server can take the offer away."""
    given(NotificationFactory)
    heard = bytearray()

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 hello\r\n")
        while got := connection.recv(1000):
            heard.extend(got)
            connection.sendall(b"250-relay\r\n250 AUTH PLAIN LOGIN\r\n" if b"EHLO" in got else b"250 OK\r\n")

    with raw_server(talk) as port:
        assert refused(app, rows, port, "STARTTLS")
    assert b"MAIL" not in heard
    assert b"AUTH" not in heard


def test_a_wrong_password_is_the_fault_of_no_message(app, given, rows, tmp_path, trust):
    given(NotificationFactory)
    context, trusted = certificate(tmp_path)
    trust(trusted)
    app.extensions["mail"].password = "outdated"
    script = Script()
    with mail_server(script, tls_context=context, authenticator=signed_in) as port:
        assert refused(app, rows, port, "535")
    assert script.senders == []


@pytest.mark.parametrize("password", ["pass\u00e9", "\U0001f600"])
def test_a_password_that_cannot_be_sent_is_the_fault_of_no_message(
    app, given, rows, tmp_path, trust, password
):
    given(NotificationFactory)
    context, trusted = certificate(tmp_path)
    trust(trusted)
    app.extensions["mail"].password = password
    script = Script()
    with mail_server(script, tls_context=context, authenticator=signed_in) as port:
        assert refused(app, rows, port)
    assert script.senders == []


class TestFromTheFirstByte:
    """MAIL_USE_SSL."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"MAIL_SERVER": HOST, "MAIL_USE_SSL": True, "MAIL_TIMEOUT": 2}

    def test_over_a_verified_connection_the_message_leaves(self, app, given, rows, tmp_path, trust):
        given(NotificationFactory)
        context, trusted = certificate(tmp_path)
        trust(trusted)
        with mail_server(Script(), ssl_context=context) as app.extensions["mail"].port:
            assert deliver(app) == 1
        assert rows(Notification)[0].status is Status.SENT

    def test_to_a_server_nobody_vouches_for_nothing_is_sent(self, app, given, rows, tmp_path):
        given(NotificationFactory)
        context, _ = certificate(tmp_path)
        script = Script()
        with mail_server(script, ssl_context=context) as port:
            assert refused(app, rows, port, "certificate verify failed")
        assert script.senders == []


class TestWithoutAnyWord:
    """TLS unless told otherwise, except to this very machine."""

    @pytest.mark.parametrize(
        ("server", "secured"), [("mail.firm.example", True), (HOST, False), ("localhost", False)]
    )
    def test_only_loopback_is_spoken_to_in_clear(self, database_url, tmp_path, server, secured):
        app = create_app(INSTANCE_PATH=str(tmp_path), DATABASE_URL=database_url, MAIL_SERVER=server)
        assert app.extensions["mail"].use_tls is secured
