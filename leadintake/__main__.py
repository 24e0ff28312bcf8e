"""The `leadintake` command: all of `flask`, for this application."""

from __future__ import annotations

from flask.cli import FlaskGroup

from leadintake import create_app


def main() -> None:
    """Run a command."""
    FlaskGroup(create_app=create_app, help="leadintake: the front door of a law firm.")()


if __name__ == "__main__":
    main()
