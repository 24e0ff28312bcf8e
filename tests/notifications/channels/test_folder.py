"""Without a mail server: messages are files, to try things out."""

from __future__ import annotations

import email
import errno
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest

from leadintake.notifications.channels.interface import ChannelDown
from leadintake.notifications.models import Notification
from tests.factories import NotificationFactory
from tests.support.outbox import deliver


def test_without_a_server_a_message_is_a_file_named_like_its_row(app, given, rows):
    owed = given(NotificationFactory, recipient="amara@firm.example.com")
    assert deliver(app) == 1
    folder = app.extensions["leadintake.channels"]["mail"].folder
    assert str(folder).startswith(app.config["INSTANCE_PATH"])
    assert [file.name for file in folder.iterdir()] == [f"{owed.id}.eml"]
    message = email.message_from_bytes((folder / f"{owed.id}.eml").read_bytes())
    assert message["To"] == "amara@firm.example.com"
    assert rows(Notification)[0].sent_at > datetime.now(UTC) - timedelta(minutes=1)


def test_a_folder_that_cannot_be_made_or_written_loses_no_message(app, given, rows):
    owed = given(NotificationFactory)
    folder = app.extensions["leadintake.channels"]["mail"].folder
    folder.write_text("in the way")
    with pytest.raises(ChannelDown, match="mail"):
        deliver(app)
    assert rows(Notification)[0].attempts == 0
    folder.unlink()
    folder.mkdir()
    (folder / f"{owed.id}.part").mkdir()  # nor can the draft be written
    assert deliver(app) == 1
    assert rows(Notification)[0].status == "queued"
    assert list(folder.glob("*.eml")) == []


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_mail_that_cannot_be_synced_is_not_sent_and_is_tried_again(what, app, given, rows, monkeypatch):
    given(NotificationFactory)
    sync = os.fsync

    def fails(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode) == (what == "folder"):
            raise OSError(errno.EIO, "Input/output error")
        sync(descriptor)

    folder = app.extensions["leadintake.channels"]["mail"].folder
    folder.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fails)
        assert deliver(app) == 1
    (message,) = rows(Notification)
    assert message.status == "queued"
    assert message.sent_at is None
    assert "Input/output error" in message.last_error
