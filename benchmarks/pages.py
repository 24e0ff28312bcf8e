"""What pages and operations cost among few leads and among many: CPU of a request of this process.

SIZES="200 100000 1000000" python -m benchmarks pages. Each size is grown first (grow.py), in the folder GROWN
if that is set, where the next run finds it again. DATABASE_URL=postgresql://…/grown_{leads} measures another
engine, in empty databases of these names: there the time that passes, for most is spent in the server.

All figures are written to build/pages.json, in milliseconds, medians of PAGES_ROUNDS (7) rounds in turn.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from benchmarks.grow import ADMINISTRATOR, PASSWORD, add_leads
from benchmarks.stage import SMOKE, application, size, write_table
from benchmarks.submitting import submit
from leadintake.auth.models import User
from leadintake.core import alarms, checks
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.leads.distribution.handover import handover
from leadintake.notifications.embedded import Stop
from leadintake.notifications.worker import Worker

SIZES = [int(size) for size in os.environ.get("SIZES", "20 60" if SMOKE else "200 100000 1000000").split()]
ROUNDS = int(os.environ.get("PAGES_ROUNDS", size(7, 1)))
MOST = 3
MAX_PAGES_DOWN = 100
OF_ADMINISTRATOR = {
    "leads": "/internal/leads",
    "leads, by last name": "/internal/leads?sort=last_name",
    "leads, changed last": "/internal/leads?sort=-updated_at",
    "leads, by status": "/internal/leads?sort=status",
    "leads, pending": "/internal/leads?status=PENDING",
    "leads, of a person": "/internal/leads?assigned_to={attorney}",
    "leads, of a person, by last name": "/internal/leads?assigned_to={attorney}&sort=last_name",
    "leads, of a person, changed last": "/internal/leads?assigned_to={attorney}&sort=-updated_at",
    "leads, reached, of a person": "/internal/leads?assigned_to={attorney}&status=REACHED_OUT",
    "leads, of today": "/internal/leads?created_from={today}",
    "leads, counted": "/internal/leads?count=true",
    "leads, far down": "/internal/leads?limit=10&cursor={cursor}",
    "search, rare": "/internal/leads?q=quixotica",
    "search, rare, of a person": "/internal/leads?q=quixotica&assigned_to={attorney}",
    "search, missing": "/internal/leads?q=zyxwvut",
    "search, common": "/internal/leads?q=jane",
    "search, common, counted": "/internal/leads?q=jane&count=true",
    "lead": "/internal/leads/{lead}",
    "lead, by reference": "/internal/leads/{reference}",
    "lead, its history": "/internal/leads/{lead}/history",
    "lead, its messages": "/internal/leads/{lead}/notifications",
    "messages": "/internal/notifications",
    "messages, sent": "/internal/notifications?status=sent",
    "messages, failed": "/internal/notifications?status=failed",
    "audit": "/internal/audit",
    "audit, of an act": "/internal/audit?action=lead.reached_out",
    "audit, of a rare act": "/internal/audit?action=user.added",
    "audit, of a person": "/internal/audit?actor={attorney}",
    "audit, of a lead": "/internal/audit?about={lead}",
    "users": "/internal/users",
    "report, of four hours": "/internal/assignment/report?created_from={hours}",
    "report, of 30 days": "/internal/assignment/report",
    "quarantine": "/internal/quarantine",
    "desk, an administrator's": "/desk",
    "desk, search": "/desk?q=jane",
    "desk, pulse, an administrator's": "/desk/pulse",
    "desk, lead": "/desk/leads/{lead}",
    "desk, lead, pulse": "/desk/leads/{lead}/pulse",
    "desk, messages": "/desk/messages",
    "desk, messages, failed": "/desk/messages?status=failed",
    "desk, people": "/desk/people",
    "desk, report": "/desk/report?days=1",
    "desk, quarantine": "/desk/quarantine",
    "desk, absences": "/desk/absences",
    "form": "/",
    "healthz": "/healthz",
}
OF_ATTORNEY = {"desk, an attorney's": "/desk", "desk, pulse, an attorney's": "/desk/pulse"}
FOUND_OUT = {"metrics": "/metrics", "readyz": "/readyz"}
"""Pages whose answer is kept for seconds: measured when it is not."""


@dataclass
class Firm:
    """An application among so many leads, and who is signed in."""

    size: int
    app: Flask
    administrator: FlaskClient
    attorney: FlaskClient
    csrf_token: str
    names: Mapping[str, str]
    pending: list[str]
    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def measure(self, name: str, act: Callable[[], object]) -> None:
        """Note what an act takes."""
        is_here = self.app.config["DATABASE_URL"].startswith("sqlite")
        clock = time.thread_time if is_here else time.perf_counter
        start = clock()
        act()
        self.taken[name].append(1000 * (clock() - start))


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio of many to few, and the ratio wanted."""
    firms = [_open(Path(os.environ.get("GROWN", folder)), size) for size in sorted(SIZES)]
    for round_number in range(ROUNDS + 1):
        for act in _acts():
            for firm in firms:
                act(firm)
        if round_number == 0:  # imports and caches are not what is compared
            for firm in firms:
                firm.taken.clear()
    few, *more = firms
    medians = {
        firm.size: {name: statistics.median(taken) for name, taken in firm.taken.items()} for firm in firms
    }
    rows = [
        {"page": name}
        | {f"{size}": medians[size][name] for size in medians}
        | {f"{firm.size}:{few.size}": medians[firm.size][name] / least for firm in more}
        for name, least in medians[few.size].items()
    ]
    write_table("pages", rows)
    for firm in more:
        for name, least in medians[few.size].items():
            yield f"{name}, {firm.size} leads to {few.size}", medians[firm.size][name] / least, MOST


def _open(folder: Path, size: int) -> Firm:
    url = os.environ.get("DATABASE_URL", "").format(leads=size)
    settings = {"WATCHDOG": "external", **({"DATABASE_URL": url} if url else {})}
    app = application(folder, f"grown-{size}", **settings)
    administrator, attorney = app.test_client(), app.test_client()
    csrf_token = _sign_in(administrator, ADMINISTRATOR)
    _sign_in(attorney, "attorney0@firm.example.com")
    if not administrator.get("/internal/leads").json["items"]:
        add_leads(app, size)
    leads = administrator.get("/internal/leads?status=REACHED_OUT&limit=1").json["items"]
    pending = administrator.get(f"/internal/leads?status=PENDING&limit={2 * ROUNDS + 2}").json["items"]
    with app.app_context():
        owner = db.session.scalar(sa.select(User.id).where(User.email == "attorney0@firm.example.com"))
    names = {
        "lead": leads[0]["id"],
        "reference": leads[0]["reference"],
        "attorney": str(owner),
        "today": quote((now() - timedelta(days=1)).isoformat()),
        "hours": quote((now() - timedelta(hours=4)).isoformat()),
        "cursor": _go_down(administrator),
    }
    return Firm(size, app, administrator, attorney, csrf_token, names, [lead["id"] for lead in pending])


def _sign_in(client: FlaskClient, email: str) -> str:
    """Sign in; return the CSRF token."""
    answer = client.post("/internal/session", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer.json["csrf_token"]


def _go_down(client: FlaskClient) -> str:
    """Return the cursor of the last page of ten, or of one far down."""
    cursor = ""
    for _ in range(MAX_PAGES_DOWN):
        page = client.get(f"/internal/leads?limit=10&cursor={cursor}".removesuffix("&cursor=")).json
        if not page["next_cursor"]:
            break
        cursor = page["next_cursor"]
    return cursor


def _acts() -> Iterator[Callable[[Firm], None]]:
    """Yield all that is measured, in turn."""
    for name, path in OF_ADMINISTRATOR.items():
        yield lambda firm, name=name, path=path: _get(firm, firm.administrator, name, path)
    for name, path in OF_ATTORNEY.items():
        yield lambda firm, name=name, path=path: _get(firm, firm.attorney, name, path)
    for name, path in FOUND_OUT.items():
        yield lambda firm, name=name, path=path: _find_out(firm, name, path)
    yield _reach_out
    yield lambda firm: firm.measure("submission", lambda: submit(firm.app))
    yield _deliver
    yield lambda firm: _work(firm, "worker, looks after handing over", handover.run_worker_tick)


def _get(firm: Firm, client: FlaskClient, name: str, path: str, answers: tuple[int, ...] = (200,)) -> None:
    def get() -> None:
        answer = client.get(path.format(**firm.names))
        assert answer.status_code in answers, answer.text

    firm.measure(name, get)


def _find_out(firm: Firm, name: str, path: str) -> None:
    kept = alarms.FRESH_SECONDS, checks.FRESH_SECONDS
    alarms.FRESH_SECONDS = checks.FRESH_SECONDS = 0
    try:
        _get(firm, firm.administrator, name, path, answers=(200, 503))  # not ready: no worker runs beside it
    finally:
        alarms.FRESH_SECONDS, checks.FRESH_SECONDS = kept


def _reach_out(firm: Firm) -> None:
    path, headers = f"/internal/leads/{firm.pending.pop()}", {"X-CSRFToken": firm.csrf_token}

    def patch() -> None:
        answer = firm.administrator.patch(path, json={"status": "REACHED_OUT"}, headers=headers)
        assert answer.status_code == 200, answer.text

    firm.measure("reach out", patch)


def _deliver(firm: Firm) -> None:
    """Deliver the two mails of the submission before."""
    _work(firm, "worker, delivers two mails", lambda: Worker(firm.app).deliver_due(Stop()))


def _work(firm: Firm, name: str, work: Callable[[], object]) -> None:
    with firm.app.app_context():
        firm.measure(name, work)
        db.session.remove()
