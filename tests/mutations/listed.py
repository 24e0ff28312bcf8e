"""The safeguards, how each is taken away, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One safeguard: in `file`, `old` (which is there once) becomes `new`; one of `tests` must fail then."""

    safeguard: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _in(file: str, *mutations: tuple[str, str, str, tuple[str, ...]]) -> list[Mutation]:
    return [Mutation(name, f"leadintake/{file}", old, new, tests) for name, old, new, tests in mutations]


MUTATIONS = [
    *_in(
        "documents/local.py",
        ("file synced", "                os.fsync(descriptor)\n                part", "                part",
         ("tests/faults/test_power.py", "-k", "sqlite")),
        ("folder synced after the rename", "                _sync_folder(self.folder)\n", "",
         ("tests/faults/test_power.py", "-k", "sqlite")),
        ("name of a new folder synced", "        folder.mkdir(exist_ok=True)\n        _sync_folder(folder.parent)\n",
         "        folder.mkdir(exist_ok=True)\n", ("tests/faults/test_power.py", "-k", "own_name")),
        ("written under another name first", 'part = self.folder / f"{key}{PART}"', "part = self.folder / key",
         ("tests/documents/test_local_folder.py", "tests/faults/test_power.py")),
        ("an upload holds its file", "                fcntl.flock(descriptor, fcntl.LOCK_SH)\n", "",
         ("tests/documents/test_keeping.py", "tests/documents/test_local_folder.py")),
        ("a failed write removed", "                part.unlink(missing_ok=True)\n                (self", "                (self",
         ("tests/documents/test_local_folder.py", "tests/faults/test_disk.py")),
    ),
    *_in(
        "documents/service.py",
        ("file rolled back with its transaction", "        on_rollback(lambda: storage.delete(key))\n", "",
         ("tests/leads/test_failures.py", "tests/documents/test_keeping.py")),
        ("a sweep asks again before it removes", "key not in owned and self.storage.delete_unless(key, functools.partial(self._owned, key))",
         "key not in owned and self.storage.delete_unless(key, lambda: False)",
         ("tests/documents/test_keeping.py", "tests/documents/test_local_folder.py")),
        ("the scanner is asked", "if scanner else judged", "if False else judged",
         ("tests/documents/test_scanner.py",)),
    ),
    *_in(
        "documents/scanner.py",
        ("a scanner that is away refuses", "            if not self.needed:\n", "            if True:\n",
         ("tests/documents/test_scanner.py",)),
        ("only its exact OK is clean", "    if answer == CLEAN:\n", '    if b"OK" in answer:\n',
         ("tests/documents/test_scanner.py",)),
    ),
    *_in(
        "documents/verdict.py",
        ("the structure is inspected", "    flags = found.inspect(stream)\n", "    flags = frozenset[Flag]()\n",
         ("tests/documents/test_docx.py", "tests/documents/test_pdf.py")),
        ("content agrees with the name", "    if found is not promised:\n", "    if False:\n",
         ("tests/documents/test_real_files.py",)),
    ),
    *_in(
        "documents/kinds/docx.py",
        ("macros are refused", "    if MACRO_NAME.search(name):\n", "    if False:\n", ("tests/documents/test_docx.py",)),
        ("what is fetched by opening is refused", "    if reaches_out(target):\n", "    if False:\n",
         ("tests/documents/test_docx.py",)),
    ),
    *_in(
        "documents/kinds/parts.py",
        ("programs inside are refused", "        if head.startswith(PROGRAM_MAGIC):\n", "        if False:\n",
         ("tests/documents/test_containers.py",)),
    ),
    *_in(
        "documents/kinds/unpacking.py",
        ("unpacking is bounded", "        budget.unpack(len(piece))\n", "", ("tests/documents/test_containers.py",)),
    ),
    *_in(
        "documents/kinds/markup.py",
        ("no document type is read", "    parser.StartDoctypeDeclHandler = form.declare\n", "",
         ("tests/documents/test_containers.py", "tests/documents/test_docx.py")),
        ("names are bounded", "if self.known > MOST_NAMES or longest > LONGEST_NAME:", "if False:",
         ("tests/documents/test_containers.py", "tests/documents/test_docx.py")),
    ),
    *_in(
        "documents/kinds/pdf.py",
        ("one file, not two", "(ANOTHER_FILE.search(behind) or _ends_a_zip(data[-LONGEST_ZIP_END:]))", "False",
         ("tests/documents/test_pdf.py", "tests/documents/test_hostile_files.py")),
        ("unpacking a PDF is bounded", "            if len(content) > most:\n                raise Refused(TOO_MUCH)\n", "",
         ("tests/documents/test_pdf.py",)),
    ),
    *_in(
        "documents/models.py",
        ("what has a warning is only downloaded", "return not self.flags", "return True", ("tests/leads/test_flagged.py",)),
    ),
    *_in(
        "core/database.py",
        ("SQLite syncs every commit", 'connection.execute("PRAGMA synchronous=FULL")', 'connection.execute("PRAGMA synchronous=NORMAL")',
         ("tests/core/test_database.py", "tests/faults/test_power.py")),
        ("writers begin as writers", 'if _only_reads() else "BEGIN IMMEDIATE"', 'if True else "BEGIN IMMEDIATE"',
         ("tests/core/test_database.py",)),
    ),
    *_in(
        "core/patience.py",
        ("a silent database is not waited for", "            give(connection, PING_SECONDS)\n", "            give(connection, 30)\n",
         ("tests/core/test_patience.py",)),
        ("a connection is given up with its question", "                self.pgconn.finish()", "                pass",
         ("tests/core/test_patience.py",)),
    ),
    *_in(
        "core/transaction.py",
        ("a failed commit is a failure", "        rollback()\n        return answer_to(error)\n", "        rollback()\n        return response\n",
         ("tests/core/test_transaction.py", "tests/leads/test_failures.py")),
        ("a refusal keeps nothing", "    if response.status_code >= 400:\n        rollback()\n        return response\n", "",
         ("tests/core/test_transaction.py",)),
        ("an unknown outcome undoes nothing", '        db.session.rollback()\n        _finish("on_end")\n', "        rollback()\n",
         ("tests/core/test_unknown_outcome.py",)),
    ),
    *_in(
        "core/locks.py",
        ("readiness writes", "if connection.execute(probe).rowcount != 1:", "if connection.execute(sa.select(Lock)).first() is None:",
         ("tests/faults/test_disk.py", "-k", "sqlite")),
    ),
    *_in(
        "leads/intake.py",
        ("equal submissions wait for each other", "        self._be_alone_with(key)\n", "",
         ("tests/leads/test_races.py", "tests/leads/test_replays.py")),
        ("one submission decides at a time", "        assignment.hold()\n", "",
         ("tests/leads/test_races.py", "tests/notifications/test_mailboxes.py")),
        ("a key is looked up again under the lock", "        if earlier is not None:\n            rollback()", "        if False:\n            rollback()",
         ("tests/leads/test_races.py", "tests/leads/test_replays.py", "tests/faults/test_replays.py")),
        ("a key is bound to its content", "earlier.submission_fingerprint != sent.fingerprint()", "False",
         ("tests/leads/test_replays.py",)),
    ),
    *_in(
        "leads/events.py",
        ("a manager is told", "        if notifications.bears_another(FAILURE, person.email, most_an_hour=MOST_NOTICES):\n", "        if False:\n",
         ("tests/leads/test_failed_messages.py",)),
        ("a failed notice brings no other", "    if message.kind == FAILURE:\n        return\n", "",
         ("tests/leads/test_failed_messages.py",)),
        ("a mailbox bears so much", "    if objection:\n", "    if False:\n",
         ("tests/notifications/test_mailboxes.py",)),
    ),
    *_in(
        "notifications/service.py",
        ("a message shares its cause's transaction", "        db.session.add(owed)\n", "        db.session.add(owed)\n        db.session.commit()\n",
         ("tests/notifications/test_claims.py",)),
    ),
    *_in(
        "notifications/claims.py",
        ("a claim holds for a lease", "        found.due_at = now() + LEASE\n", "        found.due_at = now()\n",
         ("tests/notifications/test_claims.py",)),
        ("a claim locks its row", "longest_due.with_for_update(skip_locked=True)", "longest_due",
         ("tests/notifications/test_claims.py",)),
        ("a lapsed claim settles nothing", "        Notification.attempts == claimed.attempts,\n", "",
         ("tests/notifications/test_claims.py",)),
        ("a message that ends workers waits", "return losses <= MOST_TAKEOVERS", "return True",
         ("tests/notifications/test_claims.py",)),
        ("pauses double", "    doublings = min(owed.attempts - 1, 10)\n", "    doublings = 0\n",
         ("tests/notifications/test_delivery.py",)),
        ("a server that breaks off is tried soon", '_put_off(claimed, "interrupted", error, SHORT_PAUSE)',
         '_put_off(claimed, "interrupted", error, LONGEST_PAUSE)', ("tests/notifications/test_delivery.py",)),
        ("a moved clock delays nothing", "            Notification.due_at > moment + 2 * LONGEST_PAUSE,\n", "",
         ("tests/notifications/test_claims.py",)),
        ("what was never tried is due", "            Notification.attempts == 0,\n", "",
         ("tests/notifications/test_claims.py",)),
        ("days alone give nothing up", "claimed.attempts >= FEWEST_ATTEMPTS and ", "",
         ("tests/notifications/test_claims.py", "tests/notifications/test_delivery.py")),
    ),
    *_in(
        "notifications/worker.py",
        ("a broken message fails alone", "        except Exception as error:\n            # A message", "        except ZeroDivisionError as error:\n            # A message",
         ("tests/notifications/test_delivery.py", "tests/notifications/test_worker.py")),
        ("a broken connection is opened anew", "                    if not sender.usable():\n                        break", "                    if False:\n                        break",
         ("tests/notifications/test_delivery.py",)),
        ("a worker sweeps at its start", "            chores.do_all(self.app, stop)\n", "", ("tests/core/test_chores.py",)),
    ),
    *_in(
        "notifications/smtp.py",
        ("certificates are verified", "context = ssl.create_default_context()", "context = ssl._create_unverified_context()",
         ("tests/notifications/test_security_of_transport.py",)),
        ("TLS is asked for", "                if mail.use_tls:\n", "                if False:\n",
         ("tests/notifications/test_security_of_transport.py",)),
        ("a dripping server is cut off", "        timer.start()\n", "", ("tests/notifications/test_delivery.py", "-k", "drips")),
        ("a final no is final", "return Refused(_reply(code, text)) if 500 <= code < 600 else", "return",
         ("tests/notifications/test_delivery.py",)),
    ),
    *_in(
        "notifications/channels.py",
        ("the row is the Message-ID", 'message.msgId = f"<{notification.id}@', 'import uuid\n    message.msgId = f"<{uuid.uuid4()}@',
         ("tests/notifications/test_messages.py",)),
    ),
    *_in(
        "notifications/messages.py",
        ("a stranger's words are not greeted", "return name if plain and short else", "return name or",
         ("tests/notifications/test_messages.py",)),
    ),
]  # fmt: skip
