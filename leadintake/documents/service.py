"""Verbs on documents: keep a file with its row, read it, go through all. sweep.py clears away."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, NamedTuple

import sqlalchemy as sa
import structlog
from flask import Flask, current_app
from werkzeug.utils import secure_filename

from leadintake.core.database import db
from leadintake.core.errors import Unavailable
from leadintake.core.transaction import on_end, on_rollback
from leadintake.core.types import new_id
from leadintake.documents import verdict
from leadintake.documents.inspector import inspector, processors
from leadintake.documents.models import Document, KnownStorage
from leadintake.documents.scanner import Scanner
from leadintake.documents.storage import Storage, Stores
from leadintake.documents.turns import Places
from leadintake.documents.verdict import Verdict

BATCH = 500
DELETED_TOO = {"include_deleted": True}
log = structlog.get_logger()


class Row(NamedTuple):
    """What is asked about a document when all are gone through."""

    id: uuid.UUID
    key: str
    storage: str | None
    sha256: str


class Documents:
    """Files people sent."""

    def init_app(self, app: Flask) -> None:
        """Choose the storage, the scanner and where inspections are counted."""
        stores = Stores(app.config["STORAGE_URL"])
        app.extensions["leadintake.stores"], app.extensions["leadintake.storage"] = stores, stores.at(None)
        address, needed = app.config["CLAMD_ADDRESS"], app.config["SCANNER_AWAY"] == "refuse"
        app.extensions["leadintake.scanner"] = Scanner(address, needed) if address else None
        folder = Path(app.instance_path) / "inspections"
        app.extensions["leadintake.inspections"] = Places(folder, processors())

    @property
    def storage(self) -> Storage:
        """The storage of the running application."""
        found: Storage = current_app.extensions["leadintake.storage"]
        return found

    @property
    def stores(self) -> Stores:
        """The storages of the running application."""
        found: Stores = current_app.extensions["leadintake.stores"]
        return found

    def scanner_of(self, app: Flask) -> Scanner | None:
        """The virus scanner of an application, where there is one."""
        found: Scanner | None = app.extensions["leadintake.scanner"]
        return found

    def judge(self, filename: str, stream: IO[bytes], *, sender: str = "") -> Verdict:
        """The verdict on an upload, the virus scanner's last. `sender` is the address it comes from.

        Raises Refused, or Unavailable when it cannot be inspected or scanned now.
        """
        places = current_app.extensions["leadintake.inspections"]
        look = functools.partial(inspector.look, sender=sender, places=places)
        most_bytes = current_app.config["MAX_UPLOAD_BYTES"]
        judged = verdict.judge(filename, stream, most_bytes=most_bytes, look=look)
        scanner = self.scanner_of(current_app)
        return replace(judged, flags=judged.flags | scanner.scan(stream)) if scanner else judged

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
            flags=",".join(sorted(judged.flags)),
        )
        document.key = key = secure_filename(f"{document.id}{judged.kind.extension}")
        storage = self.storage
        ended = storage.save(key, stream)
        on_rollback(lambda: storage.delete(key))
        on_end(ended)
        return document

    def open(self, document: Document) -> IO[bytes]:
        """The bytes as they were sent, from where the row says, else from another storage that is known.

        A file that is in none is Unavailable and an error in the log.
        """
        failed: Unavailable | None = None
        for place, url in enumerate(self._places(document)):
            try:
                stream = self.stores.at(url).open(document.key)
            except FileNotFoundError:
                continue
            except Unavailable as error:
                failed = failed or error
                continue
            if place > 0:
                log.warning("file_elsewhere", document=str(document.id), storage=url)
            return stream
        if failed:
            raise failed
        log.error("file_missing", document=str(document.id))
        raise Unavailable("The file cannot be read right now. An operator has been told.")

    def known_urls(self) -> list[str]:
        """The storages that this installation uses or used, the one STORAGE_URL names first."""
        others = db.session.scalars(sa.select(KnownStorage.url).order_by(KnownStorage.id))
        return list(dict.fromkeys([self.stores.url, *others]))

    def owned(self, keys: Collection[str]) -> set[str]:
        """Which of `keys` a document owns, deleted ones too, as committed now."""
        db.session.rollback()  # see what was committed while we waited for a file
        query = sa.select(Document.key).where(Document.key.in_(keys))
        found = set(db.session.scalars(query, execution_options=DELETED_TOO))
        db.session.rollback()
        return found

    def batches(self, condition: sa.ColumnElement[bool] | None = None) -> Iterator[list[Row]]:
        """All documents (that `condition` holds for), deleted ones too, in the order of their ids."""
        columns = sa.select(Document.id, Document.key, Document.storage, Document.sha256)
        last = uuid.UUID(int=0)
        while True:
            after = columns.where(Document.id > last).order_by(Document.id).limit(BATCH)
            query = after if condition is None else after.where(condition)
            rows = [Row(*row) for row in db.session.execute(query, execution_options=DELETED_TOO)]
            db.session.rollback()
            if not rows:
                return
            yield rows
            last = rows[-1].id

    def _places(self, document: Document) -> Iterator[str]:
        first = document.storage or self.stores.url
        yield first
        yield from (url for url in self.known_urls() if url != first)


documents = Documents()
