"""A search costs about what the first page costs: CPU of a request of this process.

LEADS=1000000 python -m benchmarks searching; DATABASE_URL for another engine, on an empty database.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from benchmarks.grow import PASSWORD, add_leads
from benchmarks.stage import application, size

LEADS = int(os.environ.get("LEADS", size(100_000, 20)))
QUESTIONS = {
    "rare": "quixotica", "rare, two words": "quixotica, jane", "missing": "zyxwvut",
    "missing, of common parts": "exampel", "missing, of two common words": "jane john",
    "common": "jane", "common, accents": "zoe", "one lead in eighty": "bab", "one in three thousand": "bebi",
    "all at the end of the names": "zuz",
    "two letters": "qu", "two letters, missing": "qk", "one letter": "q", "one letter, missing": "山",
    "a part of a reference": "7QM4", "reference": "7QM4-2XRF",
}  # fmt: skip
MAX_MILLISECONDS = 20


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was looked for, the milliseconds above the first page, and what is wanted."""
    url = os.environ.get("DATABASE_URL")
    app = application(folder, "searching", **({"DATABASE_URL": url} if url else {}))
    start = time.perf_counter()
    add_leads(app, LEADS)
    print(f"  {LEADS} leads in {time.perf_counter() - start:.0f} s")
    client = app.test_client()
    client.post("/internal/session", json={"email": "ada@firm.example.com", "password": PASSWORD})
    first_page = _milliseconds(client, "/internal/leads")
    yield "the first page", first_page, MAX_MILLISECONDS
    for what, text in QUESTIONS.items():
        for sort in ("-created_at", "last_name"):
            taken = _milliseconds(client, f"/internal/leads?sort={sort}&q={quote(text)}")
            yield f"{what}, by {sort}, above the first page", taken - first_page, MAX_MILLISECONDS
    for text in ("jane", "quixotica"):
        taken = _milliseconds(client, f"/internal/leads?count=true&q={quote(text)}")
        yield f"{text}, counted, above the first page", taken - first_page, 10 * MAX_MILLISECONDS


def _milliseconds(client, path: str, times: int = size(9, 1)) -> float:
    """Return the median CPU of a request."""
    taken = []
    for _ in range(times):
        start = time.thread_time()
        answer = client.get(path)
        taken.append(time.thread_time() - start)
        assert answer.status_code == 200, answer.text
    return 1000 * statistics.median(taken)
