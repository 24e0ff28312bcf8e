"""Users, prospects and resumes of the demonstration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from pathlib import Path
from typing import IO

from leadintake.auth.permissions import Role
from leadintake.leads.fields import Values

ATTORNEYS = (
    ("admin@demo.example.com", "Ada Admin", Role.ADMIN),
    ("manager@demo.example.com", "Max Manager", Role.MANAGER),
    ("amara@demo.example.com", "Amara Attorney", Role.ATTORNEY),
    ("bruno@demo.example.com", "Bruno Attorney", Role.ATTORNEY),
    ("chiara@demo.example.com", "Chiara Attorney", Role.ATTORNEY),
    ("viewer@demo.example.com", "Vera Viewer", Role.VIEWER),
)


class Course(Enum):
    """What happened to a lead of the demonstration."""

    WAITING = auto()
    REACHED_OUT = auto()
    QUARANTINED = auto()
    REFUSED = auto()
    """The prospect's mail server refused the confirmation."""


@dataclass(frozen=True)
class Prospect:
    """A prospect, the age of the submission, and the file that came with it."""

    first_name: str
    last_name: str
    email: str
    practice_area: str
    age: timedelta
    resume: str
    language: str = "en"
    course: Course = Course.WAITING

    @property
    def values(self) -> Values:
        """Return the values of the form."""
        return {name: getattr(self, name) for name in FORM_FIELDS}

    @property
    def key(self) -> str:
        """Return the idempotency key: a second start finds the lead."""
        return f"demo-{self.email}-{self.practice_area}"

    def open_resume(self) -> IO[bytes]:
        """Open the file."""
        return (RESUMES / self.resume).open("rb")


RESUMES = Path(__file__).parent / "resumes"
"""The PDFs were printed by Chromium from HTML pages, the DOCX was written by python-docx. All is invented."""
FORM_FIELDS = ("first_name", "last_name", "email", "practice_area", "language")
PROSPECTS = (
    Prospect(
        "Jane", "Doe", "jane@demo.example.com", "employment", timedelta(days=6, hours=3),
        "jane-doe.pdf", course=Course.REACHED_OUT,
    ),
    Prospect(
        "Lucía", "Fernández", "lucia@demo.example.com", "immigration", timedelta(days=3, hours=2),
        "lucia-fernandez.pdf", language="es",
    ),
    Prospect(
        "Zoë", "Zimmer", "zoe@demo.example.com", "business", timedelta(days=1, hours=4),
        "zoe-zimmer.txt", course=Course.REFUSED,
    ),
    Prospect(
        "Joan", "Doe", "joan@demo.example.com", "business", timedelta(hours=19),
        "joan-doe.txt", course=Course.QUARANTINED,
    ),
    Prospect(
        "Noor", "Haddad", "noor@demo.example.com", "family", timedelta(hours=5),
        "noor-haddad.docx",
    ),
    Prospect(
        "Jane", "Doe", "Jane@demo.example.com", "estate", timedelta(minutes=50),
        "jane-doe.pdf",
    ),
    Prospect(
        "太郎", "山田", "taro@demo.example.com", "business", timedelta(minutes=12),
        "taro-yamada.pdf",
    ),
)  # fmt: skip
"""From the oldest lead to the youngest; the sixth is the first one's prospect again."""


def resume_of(name: str) -> bytes:
    """Return a one-page PDF with the name in ASCII letters."""
    line = name.encode("ascii", "replace").decode().replace("(", "").replace(")", "")
    drawing = f"BT /F1 24 Tf 72 720 Td (Resume of {line}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + end
