"""python -m tests.support.crowd URL FOLDER PROCESSES LEADS: processes that submit leads at the same time.

Every fifth lead is a family matter, the others are criminal ones. Each process makes an application of its
own, as the processes of a server do.
"""

from __future__ import annotations

import io
import os
import sys

from leadintake import create_app
from leadintake.core.db.transaction import transaction
from leadintake.documents.service import documents
from leadintake.leads.intake.service import Submission, intake
from tests.support.client import PDF


def submit_all(url: str, folder: str, process: int, leads: int) -> None:
    """Submit one lead after the other."""
    settings = {"INSTANCE_PATH": folder, "DATABASE_URL": url, "WORKER": "external"}
    app = create_app(**settings, ASSIGNMENT_POLICY="policy.toml")
    for number in range(leads):
        area = "criminal" if number % 5 else "family"
        with app.app_context(), transaction():
            file = io.BytesIO(PDF)
            resume = documents.judge("resume.pdf", file)
            values = {"first_name": "Jane", "last_name": "Doe", "practice_area": area}
            values["email"] = f"prospect{process}.{number}@example.com"
            intake.submit(Submission(values, resume, None), file)


def main(url: str, folder: str, processes: int, leads: int) -> int:
    """Fork, and wait for all; the exit status is how many failed."""
    children = []
    for process in range(processes):
        child = os.fork()
        if child == 0:
            try:
                submit_all(url, folder, process, leads)
            except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on as its parent
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        children.append(child)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
