"""When the largest part of a page is painted (LCP), and how far it shifts (CLS), on a slow line.

Chromium at 360 px with an empty cache, 1.6 Mbit/s down, 0.75 up, 150 ms a round trip and a processor slowed
down four times: about Lighthouse's slow 4G. Medians of PAINTS (5) loads. The server is Werkzeug's in this
process, without a proxy: over HTTP/1.1, without TLS.
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.grow import ADMINISTRATOR, PASSWORD, add_leads
from benchmarks.stage import application, size, write_table
from leadintake.core.db.database import db
from leadintake.leads.models import Lead
from tests.support.browser import FLAGS, NARROW, served
from tests.support.leads import thanks_for

ROUNDS = int(os.environ.get("PAINTS", size(5, 1)))
LEADS = size(200, 20)
LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750}
"""Milliseconds, and bytes a second."""
SLOWDOWN = 4
GOOD = 2_500
"""Milliseconds: https://web.dev/articles/lcp"""
OBSERVE = """
  window.painted = window.shift = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) window.painted = one.startTime; })
    .observe({type: "largest-contentful-paint", buffered: true});
  new PerformanceObserver(list => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shift += one.value;
  }).observe({type: "layout-shift", buffered: true});
"""
FIGURES = """() => [window.painted, window.shift, [
    ...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource"),
  ].reduce((sum, one) => sum + one.transferSize, 0)]"""


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Print milliseconds, shift and kilobytes of each page; yield the LCP, of what is called good."""
    program = shutil.which("chromium")
    if program is None:
        print("  not measured: no chromium on this machine")
        return
    app = application(folder, "painting")
    add_leads(app, LEADS)
    with sync_playwright() as playwright, served(app) as site:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        rows = [
            _summarize(name, [_paint(browser, site, path) for _ in range(ROUNDS)])
            for name, path in _list_pages(app)
        ]
        browser.close()
    write_table("painting", rows)
    for row in rows:
        yield f"LCP of {row['page']}, of {GOOD} ms", float(str(row["LCP ms"])) / GOOD, 1.0


def _list_pages(app: Flask) -> Iterator[tuple[str, str]]:
    with app.app_context():
        lead = db.session.scalars(sa.select(Lead).order_by(Lead.id.desc()).limit(1)).one()
        key = lead.reference
        db.session.remove()
    yield "form", "/"
    yield "thanks", thanks_for(app, key)
    yield "list", "/desk"
    yield "lead", f"/desk/leads/{key}"


def _paint(browser: Browser, site: str, path: str) -> list[float]:
    """Load a page with an empty cache; return milliseconds to the LCP, the CLS and the bytes."""
    context = browser.new_context(viewport={"width": NARROW, "height": 740})
    page = context.new_page()
    if path.startswith("/desk"):
        _sign_in(page, site)
    context.add_init_script(OBSERVE)
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    protocol.send("Network.clearBrowserCache")
    protocol.send("Network.emulateNetworkConditions", LINE)
    protocol.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    page.goto(site + path, wait_until="networkidle")
    figures: list[float] = page.evaluate(FIGURES)
    context.close()
    return figures


def _sign_in(page: Page, site: str) -> None:
    page.goto(f"{site}/desk/sign-in")
    page.locator("#email").fill(ADMINISTRATOR)
    page.locator("#password").fill(PASSWORD)
    page.locator("main [type=submit], main form button").first.click()
    page.wait_for_url(f"{site}/desk")


def _summarize(name: str, figures: list[list[float]]) -> Mapping[str, object]:
    paints, shifts, sizes = zip(*figures, strict=True)
    return {
        "page": name,
        "LCP ms": statistics.median(paints),
        "CLS": max(shifts),
        "KB": statistics.median(sizes) / 1000,
    }
