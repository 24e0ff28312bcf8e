"""Store, read and list documents. sweep.py removes orphans."""

from __future__ import annotations

import contextlib
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

from leadintake.core.db.database import db
from leadintake.core.db.transaction import on_end, on_rollback
from leadintake.core.db.types import new_id
from leadintake.core.errors import Unavailable
from leadintake.core.places import normalize_url
from leadintake.documents import verdict
from leadintake.documents.inspection import KINDS
from leadintake.documents.inspection.findings import Refused
from leadintake.documents.inspection_queue import MachineSlots
from leadintake.documents.inspector import count_processors, inspector
from leadintake.documents.models import Document, KnownStorage
from leadintake.documents.scanner import Scanner
from leadintake.documents.storage.interface import Storage, Stores
from leadintake.documents.verdict import Verdict

BATCH = 500
DELETED_TOO = {"include_deleted": True}
log = structlog.get_logger()


class Row(NamedTuple):
    """Columns of a document that batch jobs need."""

    id: uuid.UUID
    key: str
    storage: str | None
    sha256: str
    size: int


class Documents:
    """Uploaded files of the running application."""

    def init_app(self, app: Flask) -> None:
        """Create the storage, the scanner and the inspection slots."""
        stores = Stores(app.config["STORAGE_URL"])
        app.extensions["leadintake.stores"], app.extensions["leadintake.storage"] = stores, stores.at(None)
        address, needed = app.config["CLAMD_ADDRESS"], app.config["SCANNER_AWAY"] == "refuse"
        app.extensions["leadintake.scanner"] = Scanner(address, needed) if address else None
        folder = Path(app.instance_path) / "inspections"
        app.extensions["leadintake.inspections"] = MachineSlots(folder, count_processors())

    @property
    def storage(self) -> Storage:
        """Storage of the running application."""
        found: Storage = current_app.extensions["leadintake.storage"]
        return found

    @property
    def stores(self) -> Stores:
        """Storages of the running application."""
        found: Stores = current_app.extensions["leadintake.stores"]
        return found

    def get_scanner(self, app: Flask) -> Scanner | None:
        """Return the virus scanner of an application, if any."""
        found: Scanner | None = app.extensions["leadintake.scanner"]
        return found

    def judge(self, filename: str, stream: IO[bytes], *, sender: str = "") -> Verdict:
        """Inspect an upload, then scan it for viruses. `sender` is the client's address.

        Raises Refused; Unavailable when inspection or scan cannot run now.
        """
        slots = current_app.extensions["leadintake.inspections"]
        inspect = functools.partial(inspector.inspect, sender=sender, slots=slots)
        config = current_app.config
        most_bytes, photos = config["MAX_UPLOAD_BYTES"], config["ACCEPT_PHOTOS"]
        result = verdict.judge(filename, stream, most_bytes=most_bytes, photos=photos, inspect=inspect)
        scanner = self.get_scanner(current_app)
        return replace(result, flags=result.flags | scanner.scan(stream)) if scanner else result

    def extract_text(self, document: Document, *, sender: str) -> str:
        """Return the text of a stored document, "" for what browsers show and where nothing can be read.

        It is read like an upload, within the same bounds. Raises Unavailable when that is impossible now.
        """
        extension = {kind.content_type: kind.extension for kind in KINDS}.get(document.content_type)
        if extension is None or document.is_viewable:
            return ""
        with self.open(document) as stream, contextlib.suppress(Refused):
            slots = current_app.extensions["leadintake.inspections"]
            return inspector.extract(stream, extension, sender=sender, slots=slots)
        return ""

    def keep(self, upload: Verdict, stream: IO[bytes]) -> Document:
        """Store the file durably; delete it if the transaction fails.

        Runs no SQL: a flush of the caller's transaction writes the row.
        """
        document = Document(
            id=new_id(),
            filename=upload.filename,
            content_type=upload.kind.content_type,
            size=upload.size,
            sha256=upload.sha256,
            flags=",".join(sorted(upload.flags)),
        )
        document.key = key = secure_filename(f"{document.id}{upload.kind.extension}")
        storage = self.storage
        on_rollback(lambda: storage.undo_save(key))  # before the save: even a failed one may have stored it
        on_end(storage.save(key, stream))
        return document

    def open(self, document: Document) -> IO[bytes]:
        """Open the file in its row's storage, else in another known one.

        Logs an error and raises Unavailable if none has it.
        """
        failed: Unavailable | None = None
        for place, url in enumerate(self.candidate_urls(document)):
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

    def list_known_urls(self) -> list[str]:
        """Return the URLs of storages in use now or earlier, STORAGE_URL first."""
        others = db.session.scalars(sa.select(KnownStorage.url).order_by(KnownStorage.id))
        return list(dict.fromkeys([self.stores.url, *others]))

    def normalize_url(self, url: str) -> str:
        """Return the URL in the form of STORAGE_URL, with relative folders resolved."""
        return normalize_url(url, current_app.extensions["leadintake.storage_base"])

    def find_owned_keys(self, keys: Collection[str]) -> set[str]:
        """Return the keys that committed documents own, deleted ones included. Ends the transaction."""
        db.session.rollback()  # a new snapshot: rows may have been committed meanwhile
        query = sa.select(Document.key).where(Document.key.in_(keys))
        found = set(db.session.scalars(query, execution_options=DELETED_TOO))
        db.session.rollback()
        return found

    def iterate_batches(self, condition: sa.ColumnElement[bool] | None = None) -> Iterator[list[Row]]:
        """Yield batches of documents by id, deleted ones included, filtered by `condition`."""
        columns = sa.select(Document.id, Document.key, Document.storage, Document.sha256, Document.size)
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

    def candidate_urls(self, document: Document) -> Iterator[str]:
        """Yield the URLs of storages that may have the file, that of its row first."""
        first = document.storage or self.stores.url
        yield first
        yield from (url for url in self.list_known_urls() if url != first)


documents = Documents()
