"""Verbs on documents: the only way to keep, read and clear away files."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import IO

import sqlalchemy as sa
import structlog
from flask import Flask, current_app
from werkzeug.utils import secure_filename

from leadintake.core.database import db
from leadintake.core.errors import Unavailable
from leadintake.core.transaction import on_end, on_rollback
from leadintake.core.types import new_id
from leadintake.documents import verdict
from leadintake.documents.models import Document
from leadintake.documents.storage import Storage, storage_at
from leadintake.documents.verdict import Verdict

log = structlog.get_logger()


@dataclass
class Sweep:
    """What a sweep did: keys removed, documents (ids) whose file is missing."""

    removed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class Documents:
    """Files people sent."""

    def init_app(self, app: Flask) -> None:
        """Choose the storage."""
        app.extensions["leadintake.storage"] = storage_at(app.config["STORAGE_URL"])

    @property
    def storage(self) -> Storage:
        """The storage of the running application."""
        found: Storage = current_app.extensions["leadintake.storage"]
        return found

    def judge(self, filename: str, stream: IO[bytes]) -> Verdict:
        """The verdict on an upload. Raises verdict.Refused."""
        return verdict.judge(filename, stream, most_bytes=current_app.config["MAX_UPLOAD_BYTES"])

    def keep(self, judged: Verdict, stream: IO[bytes]) -> Document:
        """Store the file durably. Should the transaction fail, the file goes too.

        Runs no SQL: the row is written when the caller's transaction is flushed.
        """
        document = Document(
            id=new_id(),
            filename=judged.filename,
            content_type=judged.kind.content_type,
            size=judged.size,
            sha256=judged.sha256,
        )
        document.key = key = secure_filename(f"{document.id}{judged.kind.extension}")
        storage = self.storage
        ended = storage.save(key, stream)
        on_rollback(lambda: storage.delete(key))
        on_end(ended)
        return document

    def open(self, document: Document) -> IO[bytes]:
        """The bytes as they were sent. A file that is gone is Unavailable and an error in the log."""
        try:
            return self.storage.open(document.key)
        except FileNotFoundError as error:
            log.error("file_missing", document=str(document.id))  # noqa: TRY400 - there is no more to say
            raise Unavailable("The file cannot be read right now. An operator has been told.") from error

    def sweep(self) -> Sweep:
        """Remove files no document owns; name the documents whose file is missing."""
        done = Sweep()
        keys = set()
        for key in self.storage.names():
            if self.storage.delete_unless(key, functools.partial(self._owned, key)):
                done.removed.append(key)
            else:
                keys.add(key)
        owners = sa.select(Document.id, Document.key).order_by(Document.id)
        for document_id, key in db.session.execute(owners, execution_options={"include_deleted": True}):
            if key not in keys and not self._there(key):
                done.missing.append(str(document_id))
        return done

    def _there(self, key: str) -> bool:
        try:
            self.storage.open(key).close()
        except FileNotFoundError:
            return False
        return True

    def _owned(self, key: str) -> bool:
        db.session.rollback()  # see what was committed while we waited for the file
        found = sa.select(Document.id).where(Document.key == key)
        return db.session.scalar(found, execution_options={"include_deleted": True}) is not None


documents = Documents()
