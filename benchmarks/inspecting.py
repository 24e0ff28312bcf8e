"""A worker with limits costs a fraction of a millisecond more than looking into a file here."""

from __future__ import annotations

import functools
import hashlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from benchmarks.stage import size
from leadintake.documents import verdict
from leadintake.documents.inspection import detection, findings
from leadintake.documents.inspection_queue import MachineSlots
from leadintake.documents.inspector import inspector
from leadintake.documents.verdict import Inspect, Verdict

RESUMES = Path(__file__).parents[1] / "tests" / "data" / "resumes"
REPEATED = size(200, 1)
LONG = 200 * 1024
MAX_BYTES = 10 * 1024 * 1024
STREAM = b"<< /Length %d >>\nstream\n%b\nendstream"


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio or the milliseconds, and what is wanted."""
    bounded = functools.partial(
        inspector.inspect, sender="here", slots=MachineSlots(folder / "inspections", 2)
    )
    for path in sorted(RESUMES.glob("*.pdf")):
        with path.open("rb") as file:
            yield from compare(path.name, file, bounded)
    with (folder / "long.pdf").open("w+b") as file:
        file.write(long_pdf())
        yield from compare("a PDF of 200 KB", file, bounded)
        yield (
            "its verdict to reading and hashing it",
            quickest(judging(file, bounded)) / quickest(reading(file)),
            10,
        )


def compare(name: str, file: IO[bytes], bounded: Inspect) -> Iterator[tuple[str, float, float]]:
    """What a worker adds to one file, in milliseconds, beside the verdict as a whole."""
    here, there = quickest(judging(file, detection.inspect)), quickest(judging(file, bounded))
    yield (
        f"{name}: {here * 1000:.2f} ms here, {there * 1000:.2f} by a worker; more, in ms",
        (there - here) * 1000,
        1,
    )


def judging(file: IO[bytes], inspect: Inspect) -> Callable[[], Verdict | str]:
    """Judge the file; where it is refused, say why."""

    def judge() -> Verdict | str:
        try:
            return verdict.judge("resume.pdf", file, most_bytes=MAX_BYTES, inspect=inspect)
        except findings.Refused as refused:
            return str(refused)

    return judge


def reading(file: IO[bytes]) -> Callable[[], str]:
    """Read and hash the file, which is the least that keeping it takes."""

    def read() -> str:
        file.seek(0)
        return hashlib.sha256(file.read()).hexdigest()

    return read


def quickest(act: Callable[[], object]) -> float:
    """Seconds that it takes at best, so that what else the machine does counts for little."""
    act()
    times = []
    for _ in range(REPEATED):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return min(times)


def long_pdf() -> bytes:
    """A page, and a picture of 200 KB."""
    picture = bytes(range(256)) * (LONG // 256)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>",
        STREAM % (len(picture), picture),
    )
    body, offsets = io.BytesIO(b"%PDF-1.7\n"), []
    body.seek(0, io.SEEK_END)
    for number, content in enumerate(objects, 1):
        offsets.append(body.tell())
        body.write(b"%d 0 obj\n%b\nendobj\n" % (number, content))
    start = body.tell()
    body.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1))
    body.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    body.write(b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)
    return body.getvalue()
