"""Verbs on documents: the only way to keep, read and clear away files."""

from __future__ import annotations

import functools
import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
import structlog
from flask import Flask, current_app
from werkzeug.utils import secure_filename

from leadintake.core.chores import Stop
from leadintake.core.database import db
from leadintake.core.errors import Unavailable
from leadintake.core.transaction import on_end, on_rollback
from leadintake.core.types import new_id
from leadintake.documents import verdict
from leadintake.documents.inspector import inspector, processors
from leadintake.documents.models import Document
from leadintake.documents.scanner import Scanner
from leadintake.documents.storage import Storage, storage_at
from leadintake.documents.turns import Places
from leadintake.documents.verdict import Verdict

BATCH = 500
MOST_NAMED = 20
DELETED_TOO = {"include_deleted": True}
log = structlog.get_logger()


@dataclass
class Sweep:
    """What a sweep did: keys removed, documents (ids) whose file is missing."""

    removed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class Documents:
    """Files people sent."""

    def init_app(self, app: Flask) -> None:
        """Choose the storage, the scanner and where inspections are counted."""
        app.extensions["leadintake.storage"] = storage_at(app.config["STORAGE_URL"])
        address, needed = app.config["CLAMD_ADDRESS"], app.config["SCANNER_AWAY"] == "refuse"
        app.extensions["leadintake.scanner"] = Scanner(address, needed) if address else None
        folder = Path(app.instance_path) / "inspections"
        app.extensions["leadintake.inspections"] = Places(folder, processors())

    @property
    def storage(self) -> Storage:
        """The storage of the running application."""
        found: Storage = current_app.extensions["leadintake.storage"]
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
        """The bytes as they were sent. A file that is gone is Unavailable and an error in the log."""
        try:
            return self.storage.open(document.key)
        except FileNotFoundError as error:
            log.error("file_missing", document=str(document.id))  # noqa: TRY400 - there is no more to say
            raise Unavailable("The file cannot be read right now. An operator has been told.") from error

    def sweep(self, stop: Stop = lambda: False) -> Sweep:
        """Remove files no document owns; name the documents whose file is missing."""
        done, kept = Sweep(), set()
        names = self.storage.names()
        while not stop() and (keys := list(itertools.islice(names, BATCH))):
            owned = set(self._owners(Document.key, Document.key.in_(keys)))
            kept |= owned
            for key in keys:
                if key not in owned and self.storage.delete_unless(key, functools.partial(self._owned, key)):
                    done.removed.append(key)
        last = uuid.UUID(int=0)
        while not stop() and (some := self._some_after(last)):
            done.missing += [str(one) for one, key in some if key not in kept and not self._there(key)]
            last = some[-1][0]
        return done

    def keep_in_order(self, stop: Stop) -> dict[str, object]:
        """Sweep as a chore, and say what that did."""
        done = self.sweep(stop)
        if done.missing:
            log.error("files_missing", documents=done.missing[:MOST_NAMED], number=len(done.missing))
        return {
            "removed": done.removed[:MOST_NAMED],
            "number": len(done.removed),
            "missing": len(done.missing),
        }

    def _some_after(self, last: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
        owners = sa.select(Document.id, Document.key).where(Document.id > last).order_by(Document.id)
        found = db.session.execute(owners.limit(BATCH), execution_options=DELETED_TOO)
        some = [(one, key) for one, key in found]
        db.session.rollback()
        return some

    def _there(self, key: str) -> bool:
        try:
            self.storage.open(key).close()
        except FileNotFoundError:
            return False
        return True

    def _owned(self, key: str) -> bool:
        return bool(self._owners(Document.id, Document.key == key))

    def _owners(self, wanted: Any, condition: sa.ColumnElement[bool]) -> Sequence[Any]:
        db.session.rollback()  # see what was committed while we waited for a file
        found = db.session.scalars(sa.select(wanted).where(condition), execution_options=DELETED_TOO).all()
        db.session.rollback()
        return found


documents = Documents()
