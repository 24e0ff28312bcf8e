"""The firm's logo at the address that mails name."""

from __future__ import annotations

import pytest

PICTURE = b"\x89PNG\r\n\x1a\n" + b"0" * 20


class TestWithALogo:
    """FIRM_LOGO is set."""

    @pytest.fixture
    def settings(self, tmp_path) -> dict[str, object]:
        (tmp_path / "logo.png").write_bytes(PICTURE)
        return {"FIRM_LOGO": str(tmp_path / "logo.png")}

    def test_any_mail_program_gets_it(self, client):
        answer = client.get("/logo")
        assert (answer.status_code, answer.data, answer.mimetype) == (200, PICTURE, "image/png")
        assert answer.headers["Cache-Control"] == "public, max-age=86400"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_without_one_there_is_none(client):
    assert client.get("/logo").status_code == 404
