"""The virus scanner: only its plain OK is clean, and while it is away nobody is told that a file is."""

from __future__ import annotations

import functools
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from leadintake import create_app
from leadintake.config.reading import ConfigurationError, read_settings
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Unavailable
from leadintake.documents import scanner as module
from leadintake.documents.inspection.findings import Flag, Refused
from leadintake.documents.models import Document
from leadintake.documents.scanner import Scanner, ScannerUnavailable
from leadintake.notifications.service import notifications
from tests.factories import UserFactory
from tests.support.client import PDF
from tests.support.leads import nothing_is_kept
from tests.support.mailserver import free_port
from tests.support.scanner import EICAR, Scripted, clamd, deaf, dripping, real_clamd, resetting, silent

NO_VERDICTS = (
    b"", b"\0", b"OK\0", b"stream: OK", b"stream: OK\n", b"stream: OK \0", b"stream: ok\0",
    b"1: stream: OK\0",
    b"stream: OK\0stream: Eicar FOUND\0", b"stream: Eicar OK\0", b"stream: FOUND\0", b"stream: Eicar FOUND",
    b"stream: lstat() failed: No such file. ERROR\0", b"INSTREAM size limit exceeded. ERROR\0",
    b"UNKNOWN COMMAND\0", b"HTTP/1.1 200 OK\r\n\r\n", b"\xff\xfe" * 40, b"stream: OK" + b" " * 5000,
)  # fmt: skip


@pytest.fixture
def socket_path(tmp_path):
    return tmp_path / "clamd.ctl"


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Give up soon."""
    for name in ("CONNECT_SECONDS", "PING_SECONDS", "SCAN_SECONDS"):
        monkeypatch.setattr(module, name, 0.3)


def scan(address: str, content: bytes = PDF, *, needed: bool = True) -> frozenset[Flag]:
    """Have some bytes scanned; whatever comes of it, the stream is at its start afterwards."""
    stream = io.BytesIO(content)
    stream.seek(len(content) // 2)
    try:
        return Scanner(address, needed).scan(stream)
    finally:
        assert stream.tell() == 0


@contextmanager
def told_away(*words: str, upload: str = "refused") -> Iterator[None]:
    """A block whose scanner is away: one line of the log says so with these words."""
    with capture_logs() as lines:
        yield
    (line,) = lines
    assert (line["event"], line["log_level"], line["upload"]) == ("scanner_away", "warning", upload)
    assert all(word in line["reason"] for word in words), line["reason"]
    assert len(line["reason"]) < 400


class TestVerdicts:
    def test_a_clean_file_over_a_port_and_over_a_socket_carries_no_flag(self, socket_path):
        for path in (None, socket_path):
            with clamd(says := Scripted(), path) as address:
                assert scan(address) == frozenset()
                assert scan(address.removeprefix("tcp://")) == frozenset()
            assert says.scanned == [PDF, PDF]

    @pytest.mark.parametrize("size", [0, 1, module.CHUNK - 1, module.CHUNK, module.CHUNK + 1, 3_000_000])
    def test_the_scanner_sees_every_byte(self, size):
        content = (bytes(range(256)) * (size // 256 + 1))[:size]
        with clamd(says := Scripted()) as address:
            scan(address, content)
        assert says.scanned == [content]

    def test_what_the_scanner_found_is_refused_with_its_name_even_where_files_are_kept_without_it(self):
        for needed in (True, False):
            with (
                clamd(Scripted(b"stream: Win.Test.EICAR_HDB-1 FOUND\0")) as address,
                capture_logs() as lines,
                pytest.raises(Refused, match=r"\(Win\.Test\.EICAR_HDB-1\).* Please send another copy"),
            ):
                scan(address, needed=needed)
            assert [(line["event"], line["signature"]) for line in lines] == [
                ("virus_found", "Win.Test.EICAR_HDB-1")
            ]

    @pytest.mark.parametrize("name", [b"x" * 900, b"two\nlines\r\x1b[31m", b"\xff\xfe<b>", "Вирус".encode()])
    def test_a_name_that_cannot_be_shown_is_still_a_finding(self, name):
        with clamd(Scripted(b"stream: " + name + b" FOUND\0")) as address, pytest.raises(Refused) as refused:
            scan(address)
        sentence = str(refused.value)
        assert len(sentence) < 250
        assert sentence.isprintable()
        assert sentence.isascii()


class TestAway:
    @pytest.mark.parametrize("answer", NO_VERDICTS)
    def test_whatever_is_not_a_verdict_is_never_clean(self, answer):
        with clamd(Scripted(answer)) as address:
            with told_away("said"), pytest.raises(Unavailable):
                scan(address)
            with told_away("said", upload="kept"):
                assert scan(address, needed=False) == {Flag.UNSCANNED}

    @pytest.mark.parametrize("over_tcp", [True, False], ids=["port", "socket"])
    def test_a_connection_that_breaks_in_the_middle_is_no_verdict(self, over_tcp, socket_path):
        path = None if over_tcp else socket_path
        with (
            clamd(resetting, path) as address,
            told_away("does not answer"),
            pytest.raises(Unavailable) as refused,
        ):
            scan(address, PDF * 5000)
        assert int(refused.value.headers["Retry-After"]) > 0

    @pytest.mark.parametrize("talk", [silent, dripping], ids=["silent", "dripping"])
    def test_a_scan_takes_so_long_and_no_longer(self, impatient, talk):
        with clamd(talk) as address, told_away("timed out"), pytest.raises(Unavailable):
            scan(address)

    def test_a_scanner_that_takes_nothing_in_is_not_waited_for(self, impatient):
        leaving = threading.Event()
        with clamd(functools.partial(deaf, leaving=leaving)) as address:
            try:
                with told_away("timed out"), pytest.raises(Unavailable):
                    scan(address, bytes(16_000_000))
            finally:
                leaving.set()

    def test_a_scan_that_may_begin_no_step_more_is_over(self, monkeypatch):
        monkeypatch.setattr(module, "SCAN_SECONDS", 0)
        with clamd(silent) as address, told_away("timed out"), pytest.raises(Unavailable):
            scan(address)

    def test_an_address_where_nobody_listens_is_away(self, tmp_path):
        (tmp_path / "plain").write_text("no socket")
        for address in (
            f"127.0.0.1:{free_port()}", f"tcp://[::1]:{free_port()}",
            f"unix:{tmp_path / 'none'}", f"unix:{tmp_path / 'plain'}",
        ):  # fmt: skip
            with told_away(address), pytest.raises(Unavailable):
                scan(address)


class TestSubmitting:
    @pytest.fixture
    def clamd_says(self) -> Scripted:
        return Scripted()

    @pytest.fixture
    def settings(self, clamd_says):
        with clamd(clamd_says) as address:
            yield {"CLAMD_ADDRESS": address}

    def test_a_clean_file_is_kept_as_ever(self, client, rows, clamd_says):
        assert client.submit().status_code == 201
        assert clamd_says.scanned == [PDF]
        assert [document.flags for document in rows(Document)] == [""]

    def test_a_finding_is_the_files_mistake_and_nothing_is_kept(self, app, client, rows, clamd_says):
        clamd_says.says = b"stream: Eicar FOUND\0"
        answer = client.submit(email="jane@")
        assert answer.status_code == 422
        assert answer.json["errors"].keys() == {"email", "resume_file"}
        assert "(Eicar)" in answer.json["errors"]["resume_file"][0]
        page = client.submit(accept="text/html")
        assert page.status_code == 422
        assert "(Eicar)" in page.text
        assert nothing_is_kept(app, rows)

    def test_a_file_that_is_refused_anyway_is_not_sent_to_the_scanner(self, client, clamd_says):
        assert client.submit(resume_file=(io.BytesIO(b"MZ"), "cv.pdf")).status_code == 422
        assert clamd_says.scanned == []

    @pytest.mark.parametrize("changes", [{}, {"email": "jane@", "first_name": ""}], ids=["good", "bad"])
    def test_without_the_scanner_a_form_is_503_and_nothing_is_kept(
        self, app, client, rows, clamd_says, changes
    ):
        clamd_says.says = b"ERROR\0"
        answer = client.submit(**changes)
        assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
        assert answer.headers["Retry-After"] == "30"
        assert "nothing was kept" in answer.json["detail"]
        assert "errors" not in answer.json
        page = client.submit(accept="text/html", **changes)
        assert (page.status_code, page.mimetype) == (503, "text/html")
        assert "nothing was kept" in page.text
        assert nothing_is_kept(app, rows)

    def test_the_same_key_is_welcome_once_the_scanner_is_back(self, client, clamd_says):
        clamd_says.says = b""
        assert client.submit(key="k").status_code == 503
        clamd_says.says = b"stream: OK\0"
        answer = client.submit(key="k")
        assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (201, False)


class TestAcceptingWithoutIt:
    @pytest.fixture
    def settings(self):
        return {"CLAMD_ADDRESS": f"127.0.0.1:{free_port()}", "SCANNER_AWAY": "accept"}

    def test_a_file_is_kept_and_marked(self, client, rows):
        assert client.submit().status_code == 201
        (document,) = rows(Document)
        assert document.flags == "unscanned"
        assert document.warnings == ["The virus scanner was away when it came."]

    def test_the_service_is_ready_and_the_doctor_names_the_scanner(self, app, client, given):
        given(UserFactory)
        with app.app_context(), transaction():
            notifications.record_beat("worker:1")
        assert client.get("/readyz").status_code == 200
        assert wrong_parts(app) == ["scanner"]


class TestWatching:
    @pytest.fixture
    def clamd_says(self) -> Scripted:
        return Scripted()

    @pytest.fixture
    def settings(self, clamd_says):
        with clamd(clamd_says) as address:
            yield {"CLAMD_ADDRESS": address}

    def test_a_service_that_needs_its_scanner_is_ready_only_with_it(self, app, client, given, clamd_says):
        given(UserFactory)
        with app.app_context(), transaction():
            notifications.record_beat("worker:1")
        assert client.get("/readyz").status_code == 200
        assert wrong_parts(app) == []
        clamd_says.pong = b"UNKNOWN COMMAND\0"
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "scanner" in answer.json["detail"]
        assert wrong_parts(app) == ["scanner"]

    def test_a_scanner_that_says_nothing_does_not_hold_up_the_question(self, impatient):
        with clamd(silent) as address, pytest.raises(ScannerUnavailable, match="timed out"):
            Scanner(address, needed=True).check()


class TestSettings:
    @pytest.mark.parametrize(
        "address",
        ["unix:/run/clamav/clamd.ctl", "tcp://scanner.firm.example:3310", "clam_av:3310", "127.0.0.1:1",
         "tcp://[2001:db8::1]:65535", "[::1]:3310", ""],
    )  # fmt: skip
    def test_an_address_is_taken_as_clamd_and_people_write_it(self, address):
        taken = read_settings({"LEADINTAKE_CLAMD_ADDRESS": address}, {})[0].CLAMD_ADDRESS
        assert taken == address

    @pytest.mark.parametrize(
        "address",
        ["unix:", "unix:clamd.ctl", f"unix:/{'x' * 107}", "/run/clamd.ctl", "scanner", "scanner:", ":3310",
         "scanner:0", "scanner:65536", "scanner:http", "http://scanner:3310", "tcp://scanner:3310/",
         "tcp://user@scanner:3310", "a..b:3310", f"{'x' * 64}:3310", "[::::]:3310", "[1.2.3.4]:3310",
         "::1:3310"],
    )  # fmt: skip
    def test_an_address_where_nothing_can_listen_is_a_problem(self, address):
        with pytest.raises(ConfigurationError) as refused:
            read_settings({"LEADINTAKE_CLAMD_ADDRESS": address}, {})
        (problem,) = refused.value.problems
        assert problem.startswith("LEADINTAKE_CLAMD_ADDRESS: use unix:")

    def test_a_scanner_that_is_none_cannot_be_away(self):
        with pytest.raises(ConfigurationError) as refused:
            read_settings({"LEADINTAKE_SCANNER_AWAY": "accept"}, {})
        assert "without CLAMD_ADDRESS" in str(refused.value)


class TestRealClamd:
    @pytest.mark.parametrize("over_tcp", [True, False], ids=["port", "socket"])
    def test_it_finds_what_it_knows_and_lets_the_rest_pass(self, tmp_path, over_tcp):
        with real_clamd(tmp_path, over_tcp=over_tcp) as address:
            Scanner(address, needed=True).check()
            assert scan(address) == frozenset()
            with pytest.raises(Refused, match=r"\(Test\.Eicar\.UNOFFICIAL\)"):
                scan(address, EICAR.encode())

    @pytest.mark.parametrize("over_tcp", [True, False], ids=["port", "socket"])
    def test_a_file_over_its_limit_is_no_verdict(self, tmp_path, over_tcp):
        with (
            real_clamd(tmp_path, over_tcp=over_tcp, stream_max="1M") as address,
            told_away(),
            pytest.raises(Unavailable),
        ):
            scan(address, bytes(3 * 1024 * 1024))

    def test_a_resume_with_a_virus_is_refused_and_a_clean_one_taken(
        self, database_url, tmp_path, monkeypatch
    ):
        with real_clamd(tmp_path, over_tcp=False) as address:
            app = create_app(
                INSTANCE_PATH=str(tmp_path / "instance"), DATABASE_URL=database_url,
                CLAMD_ADDRESS=address, TESTING=True, WORKER="external",
            )  # fmt: skip
            form = {"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com"}
            answers = {
                content: app.test_client().post(
                    "/public/leads", data={**form, "resume_file": (io.BytesIO(content), "cv.txt")}
                )
                for content in (EICAR.encode(), b"Jane Doe, welder")
            }
        assert [answer.status_code for answer in answers.values()] == [422, 201]


def wrong_parts(app) -> list[str]:
    """What the doctor finds wrong, but for the disk of the tests, which may be memory."""
    answer = app.test_cli_runner().invoke(args=["doctor", "--format", "json"])
    return [
        row["part"]
        for row in json.loads(answer.stdout)
        if row["state"] != "ok" and row["part"] != "durability"
    ]
