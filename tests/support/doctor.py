"""What the doctor says, read from its JSON."""

from __future__ import annotations

import json

from flask import Flask

PARTS = {
    "configuration",
    "database",
    "revision",
    "storage",
    "storage owner",
    "sweep",
    "housekeeping",
    "documents",
    "worker",
    "mail",
    "recipients",
    "intake",
    "policy",
    "texts",
    "files",
    "second factor",
    "clock",
    "pooler",
    "connections",
    "durability",
    "disk",
    "proxies",
    "lead counts",
}


def ask_doctor(app: Flask, parts: set[str] = PARTS) -> dict[str, str]:
    """The rows that are wrong, each with its line; nothing where the exit status is 0."""
    answer = app.test_cli_runner().invoke(args=["doctor", "--format", "json"])
    rows = json.loads(answer.stdout)
    assert {row["part"] for row in rows} == parts
    found = {row["part"]: row["detail"] for row in rows if row["state"] == "wrong"}
    assert all(line and "\n" not in line for line in found.values())
    assert answer.exit_code == bool(found)
    assert answer.stderr == (f"Error: Not well: {', '.join(found)}.\n" if found else "")
    assert "Traceback" not in answer.output
    return found
