"""The search for missing files ends in time, however many files a storage holds."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from leadintake.documents import checkup, missing
from leadintake.documents.missing import Search
from leadintake.documents.ownership import ownership
from leadintake.documents.service import documents
from leadintake.documents.storage.entries import Entry, TrashEntry
from leadintake.documents.storage.local import LocalFolder
from tests.factories import DocumentFactory
from tests.support.doctor import ask_doctor

SECONDS = checkup.SECONDS


class Clock:
    """Goes on only when told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(missing, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


@pytest.fixture
def endless(app, clock, monkeypatch) -> None:
    """A storage of ours that lists other files without end, a thousand in a second."""
    with app.app_context():
        ownership.adopt(documents.storage)
    began = clock.seconds

    def entries(_storage: object) -> Iterator[Entry]:
        for number in itertools.count():
            assert clock.seconds < began + 2 * SECONDS, "nobody stopped the listing"
            clock.seconds += 0.001
            yield Entry(f"other{number}.pdf", datetime.now(UTC), 1)

    monkeypatch.setattr(LocalFolder, "entries", entries)

    def trash(storage: object) -> Iterator[TrashEntry]:
        return (TrashEntry(one.key, "20261128T000000Z") for one in entries(storage))

    monkeypatch.setattr(LocalFolder, "trash", trash)


@pytest.fixture
def slow(clock, monkeypatch) -> None:
    """A storage that takes ten seconds to open a file."""
    usual = LocalFolder.open

    def open_slowly(storage: LocalFolder, key: str):
        clock.seconds += 10
        return usual(storage, key)

    monkeypatch.setattr(LocalFolder, "open", open_slowly)


def note_of(app) -> str:
    """What the doctor says of the documents, which is not that anything is wrong."""
    rows = json.loads(app.test_cli_runner().invoke(args=["doctor", "--format", "json"]).stdout)
    (row,) = (row for row in rows if row["part"] == "documents")
    assert row["state"] == "ok"
    return row["detail"]


@pytest.mark.usefixtures("endless")
def test_what_was_not_listed_is_asked_for_by_itself(app, given):
    for _ in range(3):
        given(DocumentFactory)
    with app.app_context():
        search = Search(seconds=SECONDS)
        assert list(search) == []
        assert (search.looked, search.ended_early) == (3, False)


@pytest.mark.usefixtures("endless")
def test_a_missing_file_is_found_though_listings_never_end(app, given):
    there, lost, _unseen = given(DocumentFactory), given(DocumentFactory), given(DocumentFactory)
    with app.app_context():
        documents.storage.delete(lost.key)
        search = Search(seconds=SECONDS)
        assert [one.document for one in search] == [lost.id]
        assert (search.looked, search.ended_early) == (2, True)  # the trash took the rest of the time
        assert there.key not in search._listings[documents.stores.url]


@pytest.mark.usefixtures("endless")
def test_a_worker_that_is_told_to_stop_stops_listing(app, given, clock):
    given(DocumentFactory)
    end = clock.seconds + 5
    with app.app_context():
        assert list(Search(lambda: clock.seconds > end)) == []
    assert clock.seconds < end + 1


@pytest.mark.usefixtures("endless", "slow")
def test_where_it_stopped_the_doctor_says_how_many_it_looked_at_and_that_is_no_failure(app, given):
    for _ in range(5):
        given(DocumentFactory)
    assert "Looked at the first 2 documents only" in note_of(app)


@pytest.mark.usefixtures("endless", "slow")
def test_the_doctor_says_so_beside_what_is_missing(app, given):
    made = [given(DocumentFactory) for _ in range(5)]
    with app.app_context():
        documents.storage.delete(made[0].key)
    found = ask_doctor(app)["documents"]
    assert "files of 1 documents" in found
    assert "Looked at the first 1 documents only" in found


def test_of_a_whole_search_the_doctor_says_nothing(app, given):
    given(DocumentFactory)
    assert note_of(app) == ""
