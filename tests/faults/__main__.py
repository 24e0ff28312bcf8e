"""python -m tests.faults REPORT: what the fault tests recorded, as the table of docs/reliability.md."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

NUMBERS = ("faults", "acknowledged", "stored", "delivered")
LISTS = ("duplicates", "orphans")


def main() -> None:
    """Add up what each test recorded on each engine."""
    sums: dict[tuple[str, str], Counter[str]] = {}
    for path in sys.argv[1:]:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            total = sums.setdefault((one["name"], one["engine"]), Counter())
            total["runs"] += 1
            total.update({name: one[name] for name in NUMBERS})
            total.update({name: len(one[name]) for name in LISTS})
    columns = ("runs", *NUMBERS, *LISTS)
    print("| what was done | engine | " + " | ".join(columns) + " |")
    print("|---|---|" + "--:|" * len(columns))
    for (name, engine), total in sorted(sums.items()):
        print(f"| {name} | {engine} | " + " | ".join(str(total[column]) for column in columns) + " |")
    whole = sum(sums.values(), Counter())
    print("| **all** | | " + " | ".join(f"**{whole[column]}**" for column in columns) + " |")


if __name__ == "__main__":
    main()
