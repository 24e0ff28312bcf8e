"""A page of the list costs the same among a hundred thousand leads as among two hundred."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.grow import PASSWORD, add_leads
from benchmarks.stage import application, seconds

FEW, MANY = 200, 100_000
SORTS = ("-created_at", "updated_at", "last_name", "-email", "status")


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio of many to few, and the ratio wanted."""
    clients = []
    for name, count in (("few", FEW), ("many", MANY)):
        app = application(folder, name)
        add_leads(app, count)
        client = app.test_client()
        client.post("/internal/session", json={"email": "ada@firm.example.com", "password": PASSWORD})
        clients.append(client)
    few, many = clients
    questions = {f"first page by {sort}": f"/internal/leads?sort={sort}" for sort in SORTS}
    questions["pending ones"] = "/internal/leads?status=PENDING"
    questions |= {"the desk": "/desk", "what an open desk asks for by itself": "/desk/pulse"}
    for what, path in questions.items():
        ratio = seconds(lambda path=path: _page(many, path)) / seconds(lambda path=path: _page(few, path))
        yield f"{what}, {MANY} leads to {FEW}", ratio, 3
    deep = _walk(many, pages=300)
    ratio = seconds(lambda: _page(many, deep)) / seconds(lambda: _page(many, "/internal/leads"))
    yield "the 300th page to the first", ratio, 2


def _page(client, path: str) -> dict:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json if answer.is_json else {}


def _walk(client, *, pages: int) -> str:
    path = "/internal/leads"
    for _ in range(pages):
        path = f"/internal/leads?cursor={_page(client, path)['next_cursor']}"
    return path
