"""python -m leadintake.server_logs granian|gunicorn: print the path of a server's log configuration."""

from __future__ import annotations

import sys

from leadintake.server_logs.lines import FILES, log_config


def main(arguments: list[str]) -> int:
    """Print the path. Return the exit status: 2 for an unknown server."""
    if len(arguments) != 1 or arguments[0] not in FILES:
        sys.stderr.write(f"usage: python -m leadintake.server_logs {'|'.join(FILES)}\n")
        return 2
    sys.stdout.write(f"{log_config(arguments[0])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
