"""Small files that browsers, phones, password managers and researchers look for at known addresses."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parseaddr

from flask import Blueprint, Response, current_app, jsonify, redirect, url_for

from leadintake.core.clock import now
from leadintake.core.http.access import allow_anonymous, without_database
from leadintake.site import assets

bp = Blueprint("well_known", __name__)

CONTACT_VALID = timedelta(days=180)
"""Less than a year (RFC 9116, 2.5.5); counted from each request, for the file is written anew."""
GROUND = "#f3f5f9"


@bp.get("/logo")
@allow_anonymous
@without_database
def logo() -> Response:
    """Send the firm's logo at an address that stays, for mails. Raises NotFound where there is none."""
    return assets.serve_logo()


@bp.get("/favicon.ico")
@allow_anonymous
@without_database
def favicon() -> Response:
    """Redirect to the icon. Programs that read no page ask here."""
    return _redirect(assets.build_address("icon-180.png"))


@bp.get("/manifest.webmanifest")
@allow_anonymous
@without_database
def manifest() -> Response:
    """Describe the desk to a phone that puts it on its home screen (W3C Web Application Manifest)."""
    config = current_app.config
    icons = [
        {"src": assets.build_address(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
        for size in (180, 512)
    ]
    response = jsonify(
        name=f"{config['FIRM_NAME']}: leads",
        short_name="Leads",
        start_url=url_for("desk.queue.show"),
        scope="/desk",
        display="minimal-ui",
        theme_color=config["ACCENT_COLOR"],
        background_color=GROUND,
        icons=icons,
    )
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = assets.A_DAY
    return response


@bp.get("/.well-known/change-password")
@allow_anonymous
@without_database
def change_password() -> Response:
    """Redirect a password manager to the page of one's password (W3C: a well-known URL)."""
    return _redirect(url_for("desk.account.show", _anchor="password"))


@bp.get("/.well-known/security.txt")
@allow_anonymous
@without_database
def security_contact() -> Response:
    """Say who is told of a weakness (RFC 9116): MAIL_REPLY_TO, else MAIL_DEFAULT_SENDER."""
    config = current_app.config
    public_url = config["PUBLIC_URL"].rstrip("/")
    lines = (
        f"Contact: mailto:{parseaddr(config['MAIL_REPLY_TO'] or config['MAIL_DEFAULT_SENDER'])[1]}",
        f"Expires: {now() + CONTACT_VALID:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {', '.join(config['LANGUAGES'])}",
        f"Canonical: {public_url}{url_for('well_known.security_contact')}",
    )
    response = Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = assets.A_DAY
    return response


def _redirect(address: str) -> Response:
    response = current_app.make_response(redirect(address))
    response.headers["Cache-Control"] = assets.A_DAY
    return response
