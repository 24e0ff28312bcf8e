"""Submissions of 200 KB by 1, 8 and 64 clients, beside an application that only keeps a file and a row.

Needs wrk. The targets take turns; each figure is the median of LOAD_ROUNDS (5) rounds of LOAD_SECONDS (10),
with 64 clients four times as long. LOAD_TARGETS="limit granian" leaves the others out. All figures go to
build/loading.json. Mail is not sent meanwhile (`WORKER=external`).
"""

from __future__ import annotations

import http.client
import io
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

import pikepdf

from benchmarks.stage import BOUNDARY, application, form_of, postgresql, server, size, write_table
from leadintake.demo.people import resume_of

ROUNDS = int(os.environ.get("LOAD_ROUNDS", size(5, 1)))
SECONDS = int(os.environ.get("LOAD_SECONDS", size(10, 1)))
FEW, MANY = 8, 64
CLIENTS = (1, FEW, MANY)
LIMIT, GRANIAN, GEVENT = "limit", "granian", "gevent"
ON_SERVER, GEVENT_ON_SERVER, ONE_ON_SERVER = "granian-postgresql", "gevent-postgresql", "granian-postgresql-1"
GEVENT_COMMAND = ["-m", "gunicorn", "-k", "gevent", "--workers", "2"]


def granian(processes: int) -> list[str]:
    """Return the command of granian with so many processes, as docs/operations.md has it."""
    return [
        "-m", "granian", "--interface", "wsgi", "--http", "1", "--workers", str(processes),
        "--blocking-threads", "64",
    ]  # fmt: skip


COMMANDS = {
    LIMIT: ["-m", "gunicorn", "--workers", "2", "--threads", "8"],
    GRANIAN: granian(2),
    GEVENT: GEVENT_COMMAND,
    ON_SERVER: granian(2),
    GEVENT_ON_SERVER: GEVENT_COMMAND,
    ONE_ON_SERVER: granian(1),
}
TARGETS = os.environ.get("LOAD_TARGETS", " ".join(COMMANDS)).split()
Result = Mapping[str, float]


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    found: dict[tuple[str, int], list[Result]] = defaultdict(list)
    with ExitStack() as stack:
        targets = {name: stack.enter_context(_target(name, folder)) for name in TARGETS}
        for _ in range(ROUNDS):
            for name, target in targets.items():
                # One at a time: connections of idle servers would be missing to the one that is measured.
                with server(COMMANDS[name], *target) as each:
                    load(
                        *each, clients=FEW, seconds=size(2, 1)
                    )  # imports and caches are not what is compared
                    for clients in CLIENTS:
                        seconds = SECONDS * (size(4, 1) if clients == MANY else 1)
                        found[name, clients].append(load(*each, clients=clients, seconds=seconds))
    medians = {key: _median_of(results) for key, results in found.items()}
    ordered = sorted(medians.items(), key=lambda item: (item[0][1], item[0][0]))
    columns = ("rate", "spread", "mean", "p99", "cpu", "failed", "healthz")
    write_table(
        "loading",
        [
            {"target, clients": f"{name}, {clients}"} | {column: result[column] for column in columns}
            for (name, clients), result in ordered
        ],
    )
    yield from _compare(medians)


def _compare(medians: Mapping[tuple[str, int], Result]) -> Iterator[tuple[str, float, float]]:
    for name in TARGETS:
        few, many = medians[name, FEW], medians[name, MANY]
        if name == LIMIT:
            continue
        if LIMIT in TARGETS:
            least = medians[LIMIT, FEW]["cpu"]
            yield f"CPU of a submission to the limit's, 8 clients, {name}", few["cpu"] / least, 3
        yield f"p99 at 8 clients to the mean, {name}", few["p99"] / few["mean"], 3
        yield f"answers that were no 201 at 64 clients, {name}", many["failed"], 1
        yield f"p99 at 64 clients to 64 ÷ rate, {name}", many["p99"] / (64_000 / many["rate"]), 2
        yield f"rate at 8 clients to that at 64, {name}", few["rate"] / many["rate"], 1.11
        yield f"slowest /healthz at 64 clients to a second, {name}", many["healthz"] / 1000, 1
    for name, other, what, most in (
        (GRANIAN, ON_SERVER, "rate on SQLite to PostgreSQL, 8 clients, granian", 2),
        (GEVENT, GEVENT_ON_SERVER, "rate on SQLite to PostgreSQL, 8 clients, gevent", 2),
        (ONE_ON_SERVER, ON_SERVER, "rate of one process to two on PostgreSQL, 8 clients", 1),
    ):
        if name in TARGETS and other in TARGETS:
            yield what, medians[name, FEW]["rate"] / medians[other, FEW]["rate"], most


@contextmanager
def _target(name: str, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the application of a target, and its environment."""
    home = folder / f"loading-{name}"
    if name == LIMIT:
        home.mkdir()
        yield "benchmarks.limit:app", {"LIMIT_FOLDER": str(home)}
        return
    with postgresql(f"loading_{name}") if "postgresql" in name else nullcontext("") as url:
        settings = {"WORKER": "external", **({"DATABASE_URL": url} if url else {})}
        application(folder, home.name, **settings)
        settings |= {"INSTANCE_PATH": str(home), "RATE_LIMIT_SUBMISSIONS": "", "BODIES_PER_ADDRESS": "0"}
        yield "wsgi:app", {f"LEADINTAKE_{key}": value for key, value in settings.items()}


def load(port: int, session: int, *, clients: int, seconds: int) -> Result:
    """Return what came of it.

    `rate`: submissions a second; `mean`, `p99`, `longest` and `cpu`: milliseconds of one; `failed`: answers
    that were no 201; `healthz`: milliseconds of the slowest answer of /healthz meanwhile.
    """
    if shutil.which("wrk") is None:
        raise SystemExit("This needs wrk: apt-get install wrk")
    with tempfile.NamedTemporaryFile() as form, _watch_health(port) as waited:
        form.write(
            form_of({"first_name": "Jane", "last_name": "Doe", "email": "@ADDRESS@"}, make_resume(196_608))
        )
        form.flush()
        before = _cpu_seconds(session)
        told = _run_wrk(port, form.name, clients, seconds)
        cpu = _cpu_seconds(session) - before
    if told["refused"]:
        print(f"  {clients} clients: {told['refused']} answers were no 201, the last {told['last_refusal']}")
    number = max(told["requests"], 1)
    return {
        "rate": number / told["seconds"],
        **{name: told[name] for name in ("mean", "p99", "longest")},
        "cpu": 1000 * cpu / number,
        "failed": told["refused"] + told["lost"] + told["late"],
        "healthz": max(waited, default=0.0),
    }


def _run_wrk(port: int, form: str, clients: int, seconds: int) -> dict[str, float]:
    environment = {"LOAD_ID": os.urandom(4).hex(), "LOAD_FORM": form, "LOAD_BOUNDARY": BOUNDARY}
    done = subprocess.run(  # noqa: S603 - Debian's wrk
        [
            *("wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s"),
            *("--timeout", "30s", "--script", str(Path(__file__).with_name("load.lua"))),
            f"http://127.0.0.1:{port}",
        ],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.rpartition("RESULT ")[2])


@contextmanager
def _watch_health(port: int) -> Iterator[list[float]]:
    """Ask /healthz five times a second meanwhile; yield the milliseconds of each answer."""
    waited: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            start = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            with suppress(OSError, http.client.HTTPException):  # it waited all the same
                connection.request("GET", "/healthz")
                connection.getresponse().read()
            connection.close()
            waited.append(1000 * (time.perf_counter() - start))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield waited
    finally:
        done.set()
        watcher.join()


def list_processes(session: int) -> dict[Path, list[str]]:
    """Return the processes of a session, and what /proc/PID/stat has of each from its state on."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if int(fields[3]) == session:
            found[stat.parent] = fields
    return found


def _cpu_seconds(session: int) -> float:
    """Return the CPU time of all processes of a session, those that ended included."""
    ticks = sum(sum(map(int, fields[11:15])) for fields in list_processes(session).values())
    return ticks / os.sysconf("SC_CLK_TCK")


def _median_of(results: list[Result]) -> dict[str, float]:
    median = {name: statistics.median(result[name] for result in results) for name in results[0]}
    rates = [result["rate"] for result in results]
    return median | {"failed": sum(result["failed"] for result in results), "spread": max(rates) - min(rates)}


def make_resume(size: int) -> bytes:
    """Return a resume with a picture of so many bytes, a multiple of 768."""
    content = io.BytesIO()
    with pikepdf.open(io.BytesIO(resume_of("Jane Doe"))) as pdf:
        picture = pikepdf.Stream(pdf, os.urandom(size))
        picture.update(
            {
                "/Type": pikepdf.Name.XObject, "/Subtype": pikepdf.Name.Image,
                "/Width": 256, "/Height": size // 768,
                "/ColorSpace": pikepdf.Name.DeviceRGB, "/BitsPerComponent": 8,
            }
        )  # fmt: skip
        pdf.pages[0].Resources["/XObject"] = pikepdf.Dictionary(Im0=picture)
        pdf.save(content)
    return content.getvalue()
