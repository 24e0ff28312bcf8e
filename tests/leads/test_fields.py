"""A field is declared once: what its declaration, its column and a migration alone bring about."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from leadintake.leads import fields
from leadintake.leads.fields import FIELDS, FIRST_COLUMNS, FIRST_FINGERPRINT, fingerprint_content
from leadintake.leads.models import Lead
from tests.factories import LeadFactory, UserFactory
from tests.support.client import PDF

ROOT = Path(__file__).parents[2]
DECLARATION = """
    FormField(
        name="company", kind=Kind.TEXT, label="Company", title="Company", longest=40, in_search=True,
    ),
)  # fmt: skip

FIRST_FINGERPRINT"""
COLUMN = """
    company: Mapped[str | None] = mapped_column(sa.String(40))
    practice_area: Mapped"""
MIGRATION = '''
"""company"""

import sqlalchemy as sa

from leadintake.core.db import schema

revision, down_revision, oldest_code = "9000", {head!r}, "0006"
branch_labels = depends_on = None


def upgrade():
    schema.add_column("leads", sa.Column("company", sa.String(length=40), nullable=True))


def downgrade():
    schema.drop_column("leads", "company")
'''
STORY = """
import io, json, sys
from flask_migrate import upgrade
from leadintake import create_app
from leadintake.auth.people.service import users
from leadintake.core.actor import OPERATOR
from leadintake.auth.permissions import Role
from leadintake.core.db.transaction import transaction

MAIL, WORDS = "ada@firm.example.com", "unrelated words for testing"
app = create_app(INSTANCE_PATH=sys.argv[1], WORKER="external", WATCHDOG="external")
with app.app_context():
    upgrade()
    with transaction():
        users.add(MAIL, "Ada", Role.ADMIN, WORDS, actor=OPERATOR)
client = app.test_client()


def submit(key, company):
    file = (io.BytesIO(open(sys.argv[2], "rb").read()), "resume.pdf")
    form = {"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com", "resume_file": file}
    sent = client.post("/public/leads", data=form | company, headers={"Idempotency-Key": key})
    return sent.status_code, sent.headers.get("Idempotency-Replayed"), sent.json


_, _, lead = submit("one", {"company": " Acme & Sons "})
again = [submit("one", one)[:2] for one in ({"company": "Acme & Sons"}, {"company": "Other"}, {})]
refused = submit("two", {"company": "x" * 41})
client.post("/internal/session", json={"email": MAIL, "password": WORDS})
document = client.get("/openapi.json").json
form = document["paths"]["/public/leads"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
print(json.dumps({
    "page": client.get("/").text,
    "again": again,
    "refused": (refused[0], refused[2]["errors"]),
    "described": form["properties"].get("company"),
    "listed": document["components"]["schemas"]["LeadSummary"]["properties"].get("company"),
    "items": [one.get("company") for one in client.get("/internal/leads?q=acme").json["items"]],
    "detail": client.get("/internal/leads/" + lead["id"]).json.get("company"),
    "csv": client.get("/internal/leads.csv").text,
    "desk": client.get("/desk/leads/" + lead["id"]).text,
}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict:
    """What a copy of the code answers that has one field more."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("leadintake", "migrations"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    change(folder / "leadintake/leads/fields.py", "\n)  # fmt: skip\n\nFIRST_FINGERPRINT", DECLARATION)
    change(folder / "leadintake/leads/models.py", "\n    practice_area: Mapped", COLUMN)
    head = max(one.name for one in (ROOT / "migrations/versions").glob("0*.py"))[:4]
    (folder / "migrations/versions/9000_company.py").write_text(MIGRATION.format(head=head))
    (folder / "resume.pdf").write_bytes(PDF)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEADINTAKE_")}
    ran = subprocess.run(
        [sys.executable, "-c", STORY, str(folder / "instance"), str(folder / "resume.pdf")],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict = json.loads(ran.stdout.splitlines()[-1])
    return found


def change(file: Path, old: str, new: str) -> None:
    """Replace a text that stands in a file once."""
    text = file.read_text()
    assert text.count(old) == 1, file
    file.write_text(text.replace(old, new))


class TestOneFieldMore:
    """Declared in leads/fields.py, with its column and its migration."""

    def test_it_is_on_the_page(self, told):
        assert '<input id="company" maxlength="40" name="company" type="text" value="">' in told["page"]
        assert "optional" in told["page"].partition('for="company"')[2].partition("</label>")[0]

    def test_it_is_judged_and_described(self, told):
        assert told["refused"] == [422, {"company": ["Company: use 40 characters at most."]}]
        assert told["described"] == {"type": "string", "maxLength": 40}

    def test_other_content_in_it_is_no_replay(self, told):
        assert told["again"] == [[201, "true"], [422, None], [422, None]]

    def test_lists_details_and_their_schema_have_it(self, told):
        assert told["listed"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
        assert (told["items"], told["detail"]) == (["Acme & Sons"], "Acme & Sons")

    def test_the_export_has_it_as_its_last_column(self, told):
        head, row = told["csv"].split("\r\n")[:2]
        assert head.startswith(",".join(FIRST_COLUMNS))
        assert head.endswith(",company")
        assert row.endswith(",Acme & Sons")

    def test_the_desk_shows_it(self, told):
        assert "<dt>Company</dt><dd><bdi>Acme &amp; Sons</bdi></dd>" in told["desk"]


def test_every_field_has_its_column_as_long_as_it_may_be():
    for one in FIELDS:
        column = Lead.__table__.columns[one.name]
        assert column.type.length >= one.longest, one.name
        assert column.nullable is (one.demand != "required" or bool(one.demand_setting)), one.name


def test_the_fields_of_the_first_version_are_all_there():
    assert set(FIRST_FINGERPRINT) <= {one.name for one in FIELDS}


VALUES = {
    "first_name": "José", "last_name": "Doe", "email": "jane@example.com", "practice_area": "family",
    "language": None,
}  # fmt: skip


def old_fingerprint(values: dict[str, str | None]) -> str:
    """As the version before wrote it: the five values in their order, the file's name and digest."""
    said = [values[name] for name in ("first_name", "last_name", "email", "practice_area", "language")]
    content = msgspec.json.encode([said, "resume.pdf", hashlib.sha256(PDF).hexdigest()])
    return hashlib.sha256(content).hexdigest()


class TestWithThePhone:
    """Fingerprints beside a field that the first version did not know."""

    @pytest.fixture
    def settings(self):
        return {"ASK_PHONE": "optional", "PHONE_REGION": "US"}

    @pytest.mark.every_engine
    def test_what_the_version_before_took_is_a_replay_when_it_is_sent_again(self, client, given, rows):
        given(UserFactory)
        key = hashlib.sha256(b"before").hexdigest()
        given(LeadFactory, submission_key=key, submission_fingerprint=old_fingerprint(VALUES), **VALUES)
        sent = {name: value for name, value in VALUES.items() if value}
        for phone in (None, "", " "):
            again = client.submit(key="before", phone=phone, **sent)
            assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
        assert client.submit(key="before", phone="202 555 0123", **sent).status_code == 422
        assert len(rows(Lead)) == 1

    def test_a_new_row_has_the_fingerprint_of_before_while_nothing_new_is_filled_in(self, client, rows):
        client.submit(**{name: value for name, value in VALUES.items() if value})
        assert rows(Lead)[0].submission_fingerprint == old_fingerprint(VALUES)


def test_later_fields_count_by_name_in_whatever_order_they_are_declared(monkeypatch):
    values = {**VALUES, "phone": "1"}
    for declared in (FIELDS, FIELDS[::-1]):
        monkeypatch.setattr(fields, "FIELDS", declared)
        assert fingerprint_content(values) == [
            ["José", "Doe", "jane@example.com", "family", None],
            {"phone": "1"},
        ]
        assert fingerprint_content({**values, "phone": None}) == [
            ["José", "Doe", "jane@example.com", "family", None]
        ]
