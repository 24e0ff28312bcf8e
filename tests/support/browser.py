"""Debian's Chromium before the test's own application, and everything it complains of."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.engines import missing
from tests.support.ledger import LONG
from tests.support.waiting import WAIT_SECONDS

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
NARROW, WIDE = 360, 1280
ALL_FORMS = [(scheme, width) for scheme in ("light", "dark") for width in (NARROW, WIDE)]
FORMS = ALL_FORMS if LONG else [("light", NARROW), ("dark", WIDE)]
"""What every page is looked at in: each scheme and each width once, each of both in the long form."""
EXPECTED = ("Failed to load resource: the server responded with a status of 4",)
"""Chromium tells every refusal of ours on its console."""
WATCH = (
    "document.addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective))"
)

expect.set_options(timeout=WAIT_SECONDS * 1000)


class Quiet(WSGIRequestHandler):
    """Keeps connections as a server does, and tells no line of each request."""

    protocol_version = "HTTP/1.1"

    def log(self, *_what: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser a run."""
    program = shutil.which("chromium")
    if program is None:
        missing("no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The address of the test's application."""
    with served(app) as address:
        yield address


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages, each in a context of its own: visitor(java_script_enabled=False).

    Whatever a page says on its console as an error, and every violation of its policy, fails the test.
    `expected` are beginnings of what it may say.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(expected: tuple[str, ...] = (), **settings: Any) -> Page:
        context = chromium.new_context(**settings)
        contexts.append(context)
        context.set_default_timeout(WAIT_SECONDS * 1000)
        if settings.get("java_script_enabled", True):
            context.add_init_script(WATCH)
        page = context.new_page()

        def judge(kind: str, said: str) -> None:
            if kind == "error" and not said.startswith((*EXPECTED, *expected)):
                complaints.append(said)

        page.on("console", lambda message: judge(message.type, message.text))
        page.on("pageerror", lambda error: judge("error", str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@contextmanager
def served(app: Any, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a WSGI application on a port of its own, threads and all."""
    server = make_server(host, 0, app, threaded=True, request_handler=Quiet)
    server.daemon_threads = True  # a browser keeps connections open
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://{host}:{server.port}"
    finally:
        server.shutdown()
        thread.join(WAIT_SECONDS)
        server.server_close()


def violations(page: Page) -> list[str]:
    """What axe finds wrong, a line each: rule, element, what to do."""
    found = Axe().run(page, options={"runOnly": list(RULES), "resultTypes": ["violations"]})
    return [
        f"{one['id']} at {', '.join(map(str, node['target']))}: {node['failureSummary']}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


def scrolls_sideways(page: Page) -> bool:
    """Whether anything is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def fill_in(page: Page, resume: Path | dict[str, Any] | None, **changes: str) -> None:
    """Fill in the intake form as a person does; `changes` are other texts."""
    texts = {"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com", **changes}
    for name, text in texts.items():
        page.locator(f"#{name}").fill(text)
    if resume is not None:
        page.locator("#resume_file").set_input_files(resume)


def send(page: Page) -> None:
    """Press the button."""
    page.locator("form [type=submit]").click()
