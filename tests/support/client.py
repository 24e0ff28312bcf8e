"""A test client that signs in and carries its CSRF token, as an attorney's program does."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from flask.testing import FlaskClient

from leadintake.auth.models import User
from leadintake.demo.people import resume_of

PASSWORD = "unrelated words for testing"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PDF = resume_of("Jane Doe")


class Client(FlaskClient):
    """Signs in as a user; then every unsafe request carries the token."""

    csrf_token: str | None = None

    def sign_in(self, user: User, password: str = PASSWORD, otp: str | None = None) -> Client:
        """Sign in and remember the CSRF token."""
        more = {"otp": otp} if otp else {}
        answer = self.post("/internal/session", json={"email": user.email, "password": password, **more})
        assert answer.status_code == 200, answer.text
        self.csrf_token = answer.json["csrf_token"]
        return self

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send the request, with the token if there is one and the test did not choose its own headers."""
        headers = dict(kwargs.pop("headers", None) or {})
        kwargs.setdefault("buffered", True)  # read and close what streams, as a server does
        if self.csrf_token is not None:
            headers.setdefault("X-CSRFToken", self.csrf_token)
        return super().open(*args, headers=headers, **kwargs)

    def submit(self, key: str | None = None, accept: str = "application/json", **changes: Any) -> Any:
        """Post the intake form; `changes` replace fields, None leaves one out."""
        headers = {"Accept": accept} | ({"Idempotency-Key": key} if key else {})
        return self.post("/public/leads", data=filled(**changes), headers=headers)


def device_cookie_of(email: str) -> str:
    """The cookie that makes a browser known to the account."""
    return f"leadintake-device-{hashlib.sha256(email.encode()).hexdigest()[:8]}"


def filled(**changes: Any) -> dict[str, Any]:
    """A good intake form; `changes` replace fields, None leaves one out."""
    fields = {
        "first_name": "Jane",
        "last_name": "Doe",
        "email": "jane@example.com",
        "resume_file": (io.BytesIO(PDF), "resume.pdf"),
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}
