"""The browser, for every test here."""

from tests.support.browser import chromium, site, visitor

__all__ = ["chromium", "site", "visitor"]
