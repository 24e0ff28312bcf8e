"""Users, prospects and resumes of the demonstration."""

from __future__ import annotations

from leadintake.auth.permissions import Role

ATTORNEYS = (
    ("admin@demo.example.com", "Ada Admin", Role.ADMIN),
    ("manager@demo.example.com", "Max Manager", Role.MANAGER),
    ("amara@demo.example.com", "Amara Attorney", Role.ATTORNEY),
    ("bruno@demo.example.com", "Bruno Attorney", Role.ATTORNEY),
    ("chiara@demo.example.com", "Chiara Attorney", Role.ATTORNEY),
    ("viewer@demo.example.com", "Vera Viewer", Role.VIEWER),
)

PROSPECT_FIELDS = ("first_name", "last_name", "email", "practice_area", "language")
PROSPECTS = (
    ("Lucía", "Fernández", "lucia@demo.example.com", "immigration", "es"),
    ("太郎", "山田", "taro@demo.example.com", "business", "en"),
    ("Noor", "Haddad", "noor@demo.example.com", "family", "en"),
)


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
