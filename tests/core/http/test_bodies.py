"""What a body may be, by route: how large, of which kind, and what is made of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import msgspec
import pytest

from leadintake.core.http.access import allow_anonymous
from leadintake.core.http.api import api, respond
from leadintake.core.http.bodies import FORM_OVERHEAD_BYTES, SMALL_BYTES
from leadintake.core.http.incomplete_bodies import IncompleteBodies, Sender
from leadintake.leads.models import Lead
from tests.factories import UserFactory
from tests.support.client import PDF
from tests.support.leads import MULTIPART, body_of, good_parts, part, post_parts
from tests.support.views import serve

JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"


class Network:
    """A body that comes from the network: it may stop, and remembers how much of it was read."""

    def __init__(self, data: bytes, *, reads: bool = True) -> None:
        self.data, self.reads, self.position = data, reads, 0

    def read(self, size: int) -> bytes:
        """The next bytes."""
        assert self.reads, "it was read"
        piece = self.data[self.position : self.position + size]
        self.position += len(piece)
        return piece


def send(client, path: str, body: Network, kind: str, length: int | None = None, **headers: str):
    """Post it with its length, or chunked where there is none."""
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_TYPE": kind}
    environ["CONTENT_LENGTH"] = "" if length is None else str(length)
    if length is None:
        headers["Transfer-Encoding"] = "chunked"
    return client.post(path, content_type=kind, environ_overrides=environ, headers=headers)


class Wanted(msgspec.Struct):
    """What the view below takes."""

    name: str
    number: int
    more: list[str] = []


@pytest.fixture
def echo(app, client):
    """Post JSON to a view that says what it got."""

    @allow_anonymous
    @api({200: Wanted}, json=Wanted)
    def view(json: Wanted):
        return respond(json)

    serve(app, view)
    return lambda body: client.post("/test", data=body, content_type=JSON)


class TestSize:
    ROUTES = (
        ("/internal/session", JSON),
        ("/desk/sign-in", URLENCODED),
        ("/desk/forgotten", URLENCODED),
    )

    @pytest.mark.parametrize(("path", "kind"), ROUTES)
    def test_more_than_64_kb_is_413_by_its_length_before_any_of_it_is_read(self, client, path, kind):
        body = Network(b"x" * (SMALL_BYTES + 1), reads=False)
        assert send(client, path, body, kind, SMALL_BYTES + 1).status_code == 413

    @pytest.mark.parametrize(("path", "kind"), ROUTES)
    def test_without_a_length_it_is_413_as_soon_as_it_is_passed(self, client, path, kind):
        body = Network(b"x" * 10_000_000)
        assert send(client, path, body, kind).status_code == 413
        assert body.position == SMALL_BYTES + 1

    @pytest.mark.parametrize("length", [None, SMALL_BYTES])
    def test_64_kb_are_taken_with_and_without_a_length(self, client, length):
        known = {"email": "ada@example.com", "password": "wrong"}
        text = json.dumps(known).encode().ljust(SMALL_BYTES)
        assert send(client, "/internal/session", Network(text), JSON, length).status_code == 401

    def test_a_length_beyond_all_reason_is_a_number_like_any_other(self, client):
        kind = "multipart/form-data; boundary=x"
        body = Network(b"--x\r\n")
        answer = send(client, "/public/leads", body, kind, 10**400, Accept="text/html")
        assert answer.status_code in {400, 413}

    def test_a_body_that_ends_early_is_400(self, client):
        assert send(client, "/internal/session", Network(b"{}"), JSON, 100).status_code == 400

    def test_a_connection_that_breaks_is_400(self, client):
        class Broken(Network):
            def read(self, size: int) -> bytes:
                raise ConnectionResetError

        assert send(client, "/internal/session", Broken(b""), JSON, 100).status_code == 400

    def test_a_form_may_hold_little_beside_its_file_however_many_parts_it_has(self, client, rows):
        many = [part(f"field{number}", "x" * 40_000) for number in range(20)]
        assert post_parts(client, *good_parts().values(), *many).status_code == 413
        assert rows(Lead) == []

    def test_what_comes_before_the_first_part_is_bounded_too(self, client):
        body = b"x" * (FORM_OVERHEAD_BYTES * 2) + b"\r\n" + body_of(*good_parts().values())
        assert client.post("/public/leads", data=body, content_type=MULTIPART).status_code == 413

    @pytest.mark.parametrize("line", [b"X-More: y\r\n", b"X: y\n", b"y" * 60 + b":\r\n"])
    @pytest.mark.parametrize("filename", [b"", b'; filename="cv.pdf"'])
    def test_the_headers_of_a_part_are_bounded(self, client, line, filename):
        named = b'Content-Disposition: form-data; name="resume_file"' + filename + b"\r\n"
        odd = part("first_name", "x").partition(b"\r\n")[0] + b"\r\n" + named + line * 500 + b"\r\nx\r\n"
        assert post_parts(client, odd).status_code in {400, 413}

    def test_two_files_of_half_the_size_are_no_more_than_one(self, client):
        files = [part("resume_file", b"x" * 2_000_000, "cv.pdf") for _ in range(3)]
        assert post_parts(client, *good_parts(resume_file=None).values(), *files).status_code == 422


class TestKind:
    @pytest.mark.parametrize(
        "path", ["/internal/session", "/desk/sign-in", "/desk/forgotten", "/internal/users"]
    )
    @pytest.mark.parametrize("kind", [MULTIPART, "multipart/mixed; boundary=x"])
    def test_multipart_is_415_where_no_file_is_expected_and_is_not_read(self, client, given, path, kind):
        if path == "/internal/users":
            client.sign_in(given(UserFactory, "admin"))
        body = Network(body_of(part("email", "ada@example.com")), reads=False)
        assert send(client, path, body, kind, 500).status_code == 415

    def test_a_compressed_form_is_415(self, client):
        body = Network(b"x", reads=False)
        answer = send(client, "/desk/sign-in", body, URLENCODED, 100, **{"Content-Encoding": "gzip"})
        assert answer.status_code == 415

    def test_a_desk_form_is_taken(self, client, given):
        user = given(UserFactory)
        typed = {"email": user.email, "password": "unrelated words for testing"}
        assert client.post("/desk/sign-in", data=typed).status_code == 303


class TestJson:
    def test_every_member_that_is_wrong_is_named(self, echo):
        answer = echo(b'{"name": 1, "more": [1], "odd": {"a": [null, 1e400]}}')
        assert answer.status_code == 422
        assert set(answer.json["errors"]) == {"name", "number", "more", "odd"}

    def test_what_fits_is_taken(self, echo):
        assert echo('{"name": "Zoë", "number": 1}').json == {"name": "Zoë", "number": 1, "more": []}

    @pytest.mark.parametrize("wrong", ['"1"', "1.5", "true", "9" * 5000, "1e400", "null"])
    def test_types_are_strict(self, echo, wrong):
        answer = echo(f'{{"name": "x", "number": {wrong}}}')
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == ["number"]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b'{"name": "x", "number": 1} x',
            b'{"name": "\xff", "number": 1}',
            b'{"odd": "\xff"}',
            b'{"odd": "\\ud800"}',
            b'{"odd": 01}',
            b'{"odd": ' + b"[" * 60_000,
            b'{"odd": ' + b'{"a":' * 8_000 + b"1" + b"}" * 8_001,
            b"[" * 60_000,
            b'"unended',
            b"NaN",
            b"\xef\xbb\xbf{}",
        ],
    )
    def test_what_is_no_json_is_400(self, echo, body):
        assert echo(body).status_code == 400

    @pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"text"', b"[" * 100 + b"]" * 100])
    def test_what_is_no_object_is_422(self, echo, body):
        assert echo(body).status_code == 422

    def test_a_member_given_twice_is_neither_a_fault_nor_a_way_around(self, echo):
        assert echo(b'{"name": "a", "name": "b", "number": 1}').json["name"] == "b"
        assert echo(b'{"name": "a", "name": 2, "number": 1}').status_code == 422

    @pytest.mark.measures_cpu
    def test_a_crowd_of_unknown_members_costs_in_proportion(self, echo):
        def seconds(number: int) -> float:
            body = json.dumps({f"m{one}": one for one in range(number)}).encode()
            begun = time.thread_time()
            answer = echo(body)
            spent = time.thread_time() - begun
            assert answer.status_code == 422
            assert len(answer.json["errors"]) <= 102
            return spent

        seconds(2000)
        once = min(seconds(2000) for _ in range(5))
        twice = min(seconds(4000) for _ in range(5))
        assert twice < 2.5 * once


class TestSeats:
    """A body that comes from the network takes a seat of its sender, on every route."""

    @pytest.fixture
    def full(self, app) -> IncompleteBodies:
        """An address that has left all the bodies it may."""
        bodies = app.extensions["leadintake.bodies"] = IncompleteBodies(per_sender=1, threads=64)
        bodies.admit(Sender("127.0.0.1")).since -= 10
        return bodies

    @pytest.mark.parametrize(
        ("path", "kind"),
        [*TestSize.ROUTES, ("/public/leads", MULTIPART)],
    )
    @pytest.mark.usefixtures("full")
    def test_the_next_is_429_and_not_read(self, client, path, kind):
        answer = send(client, path, Network(b"x" * 50, reads=False), kind, 100)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0

    def test_somebody_who_is_signed_in_there_goes_on(self, app, client, given):
        client.sign_in(given(UserFactory, "admin"))
        self_full = app.extensions["leadintake.bodies"] = IncompleteBodies(per_sender=1, threads=64)
        self_full.admit(Sender("127.0.0.1")).since -= 10
        answer = send(client, "/internal/users", Network(b"{}"), JSON, 2)
        assert answer.status_code == 422

    @pytest.mark.parametrize("data", [b"{}", b"{", b"x" * 200_000])
    def test_a_seat_is_given_back_whatever_came(self, app, client, data):
        app.extensions["leadintake.bodies"] = IncompleteBodies(per_sender=1, threads=64)
        for _ in range(3):
            assert send(client, "/internal/session", Network(data), JSON).status_code in {400, 413, 422}

    def test_a_seat_is_given_back_when_a_form_is_refused_in_its_middle(self, app, client):
        app.extensions["leadintake.bodies"] = IncompleteBodies(per_sender=1, threads=64)
        cut = body_of(*good_parts().values())[:200] + b"x" * 300_000
        for _ in range(3):
            assert send(client, "/public/leads", Network(cut), MULTIPART, 10_000_000).status_code in {
                400,
                413,
            }

    def test_a_body_that_is_whole_counts_no_more_while_the_answer_is_made(self, app):
        bodies = app.extensions["leadintake.bodies"] = IncompleteBodies(per_sender=1, threads=64)

        @allow_anonymous
        @api({200: Wanted}, json=Wanted)
        def view(json: Wanted):
            bodies.finish(bodies.admit(Sender("127.0.0.1")))
            return respond(json)

        serve(app, view)
        data = b'{"name": "x", "number": 1}'
        assert send(app.test_client(), "/test", Network(data), JSON, len(data)).status_code == 200


class TestTime:
    def test_a_body_that_drips_is_408_when_its_time_is_over(self, client, monkeypatch):
        seconds = [0.0]

        class Dripping(Network):
            def read(self, size: int) -> bytes:
                seconds[0] += 10
                return super().read(1)

        monkeypatch.setattr("leadintake.core.http.bodies.time.monotonic", lambda: seconds[0])
        body = Dripping(b"{" * 1000)
        assert send(client, "/internal/session", body, JSON, 1000).status_code == 408
        assert body.position == 7

    def test_ten_megabytes_may_take_twenty_minutes(self, client, monkeypatch):
        seconds = [0.0]
        resume = part("resume_file", PDF + b"\n" * 10_000_000, "resume.pdf")
        data = body_of(*good_parts(resume_file=resume).values())

        class Slow(Network):
            def read(self, size: int) -> bytes:
                seconds[0] += 20 * 60 * size / len(data)
                return super().read(size)

        monkeypatch.setattr("leadintake.core.http.bodies.time.monotonic", lambda: seconds[0])
        assert send(client, "/public/leads", Slow(data), MULTIPART, len(data)).status_code == 201

    def test_gevent_ends_a_read_that_gets_nothing(self, tmp_path):
        """In a process of its own: what gevent patches stays patched."""
        pytest.importorskip("gevent")
        script = tmp_path / "silent.py"
        script.write_text(
            "from gevent import monkey; monkey.patch_all()\n"
            "import gevent, flask\n"
            "from leadintake.core.http import bodies\n"
            "bodies.SILENCE_SECONDS = 0.2\n"
            "class Silent:\n"
            "    failed = False\n"
            "    def read(self, size):\n"
            "        gevent.sleep(600)\n"
            "app = flask.Flask('silent')\n"
            "app.config['BODIES_PER_ADDRESS'] = 16\n"
            "with app.app_context():\n"
            "    silent = Silent()\n"
            "    try:\n"
            "        environ = {'wsgi.input': silent}\n"
            "        sender = bodies.Sender('192.0.2.1')\n"
            "        bodies.IncomingBody(environ, 100, 1000, lambda: sender).readall()\n"
            "    except bodies.TooSlow as refusal:\n"
            "        print(refusal.status, silent.failed)\n"
        )
        command = [sys.executable, str(script)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ran.stdout == "408 True\n", ran.stderr


@pytest.mark.parametrize(
    ("protocol", "scheme", "status"),
    [("HTTP/2", "http", 421), ("HTTP/2.0", "http", 421), ("HTTP/2", "https", 200), ("HTTP/1.1", "http", 200)],
)
@pytest.mark.parametrize("proxied", [{}, {"X-Forwarded-Proto": "https"}])
class TestHttp2:
    @pytest.fixture
    def settings(self):
        return {"TRUSTED_PROXIES": 1}

    def test_it_is_not_spoken_without_tls(self, client, protocol, scheme, status, proxied):
        environ = {"SERVER_PROTOCOL": protocol, "wsgi.url_scheme": scheme}
        answer = client.get("/healthz", environ_overrides=environ, headers=proxied)
        assert answer.status_code == status
