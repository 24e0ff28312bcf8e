"""Letterheads for tests."""

from __future__ import annotations

from leadintake.notifications.letterhead import Letterhead, build_letterhead


def letterhead(
    firm: str = "Our Law Firm",
    *,
    logo: str = "logo.png",
    public_url: str = "https://intake.example/",
    address: str = "12 Hill Street, Springfield",
    phone: str = "+1 555 0100",
    colour: str = "#1f4e8c",
) -> Letterhead:
    """One with everything."""
    return build_letterhead(
        firm, logo=logo, public_url=public_url, address=address, phone=phone, colour=colour
    )
