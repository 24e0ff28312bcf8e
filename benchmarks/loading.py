"""Submissions of 200 KB by 1, 8 and 64 clients, beside an application that only keeps a file and a row.

Needs wrk. The targets take turns; each figure is the median of LOAD_ROUNDS (5) rounds of LOAD_SECONDS (10).
All figures are written to build/loading.json. Mail is not sent meanwhile (`WORKER=external`).
"""

from __future__ import annotations

import io
import json
import os
import shutil
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pikepdf

from benchmarks.stage import BOUNDARY, application, form_of, server
from leadintake.demo.people import resume_of

ROUNDS, SECONDS = int(os.environ.get("LOAD_ROUNDS", "5")), int(os.environ.get("LOAD_SECONDS", "10"))
CLIENTS = (1, 8, 64)
LIMIT, GRANIAN, GEVENT = "limit", "granian", "gevent"
COMMANDS = {
    LIMIT: ["-m", "gunicorn", "--workers", "2", "--threads", "8"],
    GRANIAN: [
        "-m", "granian", "--interface", "wsgi", "--http", "1", "--workers", "2", "--blocking-threads", "64",
    ],
    GEVENT: ["-m", "gunicorn", "-k", "gevent", "--workers", "2"],
}  # fmt: skip
Result = Mapping[str, float]


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    if shutil.which("wrk") is None:
        raise SystemExit("This needs wrk: apt-get install wrk")
    found: dict[tuple[str, int], list[Result]] = defaultdict(list)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_target(name, folder)) for name in COMMANDS}
        form = folder / "form"
        form.write_bytes(form_of({"first_name": "Jane", "last_name": "Doe", "email": "@ADDRESS@"}, _resume()))
        for each in servers.values():
            _load(*each, form, clients=8, seconds=2)  # imports and caches are not what is compared
        for _ in range(ROUNDS):
            for clients in CLIENTS:
                for name, each in servers.items():
                    found[name, clients].append(_load(*each, form, clients=clients, seconds=SECONDS))
    medians = {key: _median_of(results) for key, results in found.items()}
    _write(medians)
    least = medians[LIMIT, 8]["cpu"]
    for name in (GRANIAN, GEVENT):
        few, many = medians[name, 8], medians[name, 64]
        yield f"CPU of a submission to the limit's, 8 clients, {name}", few["cpu"] / least, 3
        yield f"p99 at 8 clients to the mean, {name}", few["p99"] / few["mean"], 3
        yield f"answers that were no 201 at 64 clients, {name}", many["failed"], 1
        yield f"p99 at 64 clients to 64 ÷ rate, {name}", many["p99"] / (64_000 / many["rate"]), 2
        yield f"rate at 8 clients to that at 64, {name}", few["rate"] / many["rate"], 1.11


def _target(name: str, folder: Path) -> AbstractContextManager[tuple[int, int]]:
    home = folder / f"loading-{name}"
    if name == LIMIT:
        home.mkdir()
        return server(COMMANDS[name], "benchmarks.limit:app", {"LIMIT_FOLDER": str(home)})
    settings = {"INSTANCE_PATH": str(home), "WORKER": "external", "RATE_LIMIT_SUBMISSIONS": ""}
    application(folder, f"loading-{name}")
    return server(COMMANDS[name], "wsgi:app", {f"LEADINTAKE_{key}": value for key, value in settings.items()})


def _load(port: int, session: int, form: Path, *, clients: int, seconds: int) -> Result:
    """Return rate (a second), mean, p99, longest and CPU of a submission (ms), and how many failed."""
    environment = {"LOAD_ID": os.urandom(4).hex(), "LOAD_FORM": str(form), "LOAD_BOUNDARY": BOUNDARY}
    before = _cpu_seconds(session)
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
    told = json.loads(done.stdout.rpartition("RESULT ")[2])
    cpu = _cpu_seconds(session) - before
    number = max(told["requests"], 1)
    return {
        "rate": number / told["seconds"],
        **{name: told[name] for name in ("mean", "p99", "longest")},
        "cpu": 1000 * cpu / number,
        "failed": told["refused"] + told["lost"] + told["late"],
    }


def _cpu_seconds(session: int) -> float:
    """Return the CPU time of all processes of a session, those that ended included."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if int(fields[3]) == session:
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def _median_of(results: list[Result]) -> dict[str, float]:
    median = {name: statistics.median(result[name] for result in results) for name in results[0]}
    rates = [result["rate"] for result in results]
    return median | {"failed": sum(result["failed"] for result in results), "spread": max(rates) - min(rates)}


def _write(medians: Mapping[tuple[str, int], Result]) -> None:
    folder = Path("build")
    folder.mkdir(exist_ok=True)
    rows = [{"target": name, "clients": clients, **result} for (name, clients), result in medians.items()]
    (folder / "loading.json").write_text(json.dumps(rows, indent=2))
    columns = ("rate", "spread", "mean", "p99", "cpu", "failed")
    print("  a second, milliseconds".ljust(30) + "".join(name.rjust(10) for name in columns))
    for row in sorted(rows, key=lambda row: (row["clients"], row["target"])):
        head = f"  {row['target']}, {row['clients']} clients"
        print(head.ljust(30) + "".join(f"{row[name]:10.2f}" for name in columns))


def _resume() -> bytes:
    """A resume with a picture that makes it 200 KB."""
    content = io.BytesIO()
    with pikepdf.open(io.BytesIO(resume_of("Jane Doe"))) as pdf:
        picture = pikepdf.Stream(pdf, os.urandom(196_608))
        picture.update(
            {
                "/Type": pikepdf.Name.XObject, "/Subtype": pikepdf.Name.Image, "/Width": 256, "/Height": 256,
                "/ColorSpace": pikepdf.Name.DeviceRGB, "/BitsPerComponent": 8,
            }
        )  # fmt: skip
        pdf.pages[0].Resources["/XObject"] = pikepdf.Dictionary(Im0=picture)
        pdf.save(content)
    return content.getvalue()
