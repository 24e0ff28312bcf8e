"""Files are looked into by processes of their own, which have nothing and may do nothing else."""

from __future__ import annotations

import os
import resource
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from leadintake.documents.inspection import BY_EXTENSION, worker
from leadintake.documents.inspection.findings import Refused
from leadintake.documents.inspector import Inspector, count_processors
from tests.support.files import FOLDER, MARKED, REAL
from tests.support.readers import PID, children


class TestTheUsualCase:
    @pytest.mark.parametrize("name", [*REAL, *MARKED])
    def test_a_file_is_found_to_be_what_it_is_also_from_elsewhere(self, name, inspector, places):
        ending = name[name.rindex(".") :]
        with (FOLDER / name).open("rb") as file:
            file.read(3)
            found = inspector.inspect(file, {ending}, sender="here", slots=places)
            assert file.tell() == 0
        assert found.kind is BY_EXTENSION[ending]
        assert found.flags == ({MARKED[name]} if name in MARKED else frozenset())

    def test_the_reason_of_a_refusal_comes_through(self, inspector, places):
        with (FOLDER / "locked.docx").open("rb") as file, pytest.raises(Refused, match="locked"):
            inspector.inspect(file, {".docx"}, sender="here", slots=places)

    def test_a_kind_that_is_not_accepted_is_named_and_not_looked_into(self, inspector, places):
        with (FOLDER / "scripted.pdf").open("rb") as file:
            found = inspector.inspect(file, {".docx"}, sender="here", slots=places)
        assert (found.kind, found.flags) == (BY_EXTENSION[".pdf"], frozenset())

    def test_one_worker_serves_one_file_after_the_other(self, run):
        assert run.told(PID) == run.told(PID)

    def test_no_worker_is_started_before_it_is_needed_and_none_is_left_behind(self, inspector, places):
        before = children()
        with (FOLDER / "resume.pdf").open("rb") as file:
            assert children() == before
            inspector.inspect(file, {".pdf"}, sender="here", slots=places)
        assert len(children() - before) == 1
        inspector.close()
        assert children() == before

    def test_a_crowd_has_as_many_workers_as_there_are_processors(self, inspector, places):
        before = children()

        def look(_number: int) -> bool:
            with (FOLDER / "resume.pdf").open("rb") as file:
                return inspector.inspect(file, {".pdf"}, sender="here", slots=places).kind is not None

        with ThreadPoolExecutor(16) as crowd:
            assert all(crowd.map(look, range(64)))
        assert 1 <= len(children() - before) <= count_processors()

    def test_an_inspector_that_was_closed_starts_again(self, inspector, places):
        for _ in range(2):
            with (FOLDER / "resume.pdf").open("rb") as file:
                assert inspector.inspect(file, {".pdf"}, sender="here", slots=places).kind
            inspector.close()


class TestWhatAWorkerHas:
    def test_it_has_loaded_no_framework_no_database_and_nothing_else_of_ours(self, run):
        loaded = run.told("sorted({n.partition('.')[0] for n in __import__('sys').modules})")
        for name in ("flask", "werkzeug", "sqlalchemy", "leadintake", "structlog", "granian", "msgspec"):
            assert f"'{name}'" not in loaded
        assert "'inspection'" in loaded

    def test_it_knows_no_secret(self, run, monkeypatch):
        monkeypatch.setenv("LEADINTAKE_SECRET_KEY", "a" * 40)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b" * 40)
        known = run.told("dict(__import__('os').environ)")
        assert "PATH" in known
        assert "SECRET" not in known

    def test_it_has_the_file_the_socket_and_the_log_and_nothing_else_of_the_server(self, run):
        numbers = "sorted(map(int, __import__('os').listdir('/proc/self/fd')))"
        # Input is the socket, output goes nowhere, errors into the log, then the file and the listing itself.
        assert run.told(numbers) == "[0, 1, 2, 3, 4]"

    def test_it_can_read_the_file_and_not_change_it(self, run):
        assert run.told("__import__('fcntl').fcntl(stream.fileno(), 3) & 3") == "0"  # F_GETFL: O_RDONLY

    def test_its_limits_are_set_for_good(self, run):
        limits = {
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_NPROC: 0,
            resource.RLIMIT_NOFILE: worker.DESCRIPTORS,
            resource.RLIMIT_FSIZE: worker.TEMPORARY_FILE,
        }
        for limit, most in limits.items():
            assert run.told(f"__import__('resource').getrlimit({limit})") == repr((most, most))

    def test_it_leaves_the_processor_to_the_server(self, run):
        assert run.told("__import__('os').nice(0)") == str(min(os.nice(0) + worker.NICENESS, 19))

    def test_it_takes_no_more_words_than_a_log_has_room_for(self, run):
        """Whatever a reader chokes on."""
        with pytest.raises(Refused), capture_logs() as logs:
            run("raise type('E' * 100_000, (Exception,), {})()")
        assert len(logs[0]["trace"]) == worker.MAX_TRACE_LENGTH

    def test_an_inspector_of_one_process_is_not_that_of_another(self):
        assert Inspector()._idle == []
