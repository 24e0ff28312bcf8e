"""The browser, for every test here."""

from __future__ import annotations

import pytest

from tests.support.browser import chromium, site, visitor

__all__ = ["chromium", "site", "visitor"]


@pytest.fixture(autouse=True)
def _not_counted(no_cover: None) -> None:
    """Coverage slows down what a browser waits for, and others count the same lines."""
