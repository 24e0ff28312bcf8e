"""`flask storage`: commands for uploaded files."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from leadintake.core.cli.commands import CommandGroup
from leadintake.core.cli.output import format_option, show
from leadintake.core.cli.progress import show_progress
from leadintake.documents import sweep as sweeping
from leadintake.documents.missing import DAMAGED, Search
from leadintake.documents.ownership import ownership
from leadintake.documents.service import documents
from leadintake.documents.sweep import MAX_NAMED, Orphans
from leadintake.documents.transfer import SUCCESSES, Outcome, Transfer

storage = CommandGroup("storage", help="The files that were sent.")


@storage.command("sweep")
@click.option("--really", is_flag=True, help="Move them to the trash, however many they are.")
@format_option()
def sweep(really: bool, form: str) -> None:
    """Show files no document owns, and documents without a whole file (exit status 1). Moves nothing."""
    problem = ""
    if really:
        with show_progress("Sweeping") as advance:
            done = sweeping.sweep(really=True, watch=advance)
        orphans, problem = done.orphans, done.refusal
        rows = [{"file": key, "what": "moved to the trash"} for key in done.moved]
    else:
        problem = ownership.judge(documents.storage).problem
        with show_progress("Looking") as advance:
            orphans = sweeping.find_orphans(watch=advance)
        rows = [{"file": key, "what": "without a row"} for key in orphans.keys]
    missing = list(Search())
    missing_rows = [{"file": str(one.document), "what": _describe_location(one.location)} for one in missing]
    if form == "json":
        show(rows + missing_rows, form, empty="")
    else:
        show(
            rows[:MAX_NAMED] + missing_rows[:MAX_NAMED],
            form,
            empty="Every file has its owner and every owner its file.",
        )
        click.echo(_summarize(orphans, len(rows), len(missing_rows), really=really))
    if problem:
        raise click.ClickException(problem)
    if missing:
        raise click.exceptions.Exit(1)


@storage.command("restore")
@click.argument("keys", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Bring back all there is.")
@format_option()
def restore(keys: tuple[str, ...], everything: bool, form: str) -> None:
    """Bring files back from the trash; without names and --all, show what is in it."""
    found = list(documents.storage.trash())
    selected = found if everything or not keys else [one for one in found if one.key in keys]
    if unknown := set(keys) - {one.key for one in found}:
        raise click.ClickException(f"Not in the trash: {', '.join(sorted(unknown))}.")
    rows: list[dict[str, Any]] = []
    for one in selected:
        what = "in the trash"
        if everything or keys:
            what = "restored" if documents.storage.restore(one) else "there already"
        rows.append({"file": one.key, "moved_at": one.moved_at, "what": what})
    show(rows, form, empty="The trash is empty.")


@storage.command("adopt")
@click.option("--instead-of", metavar="ID", multiple=True, help="Another installation that used it till now.")
def adopt(instead_of: tuple[str, ...]) -> None:
    """Claim the storage for this database: files it does not know may be moved to the trash from then on."""
    orphans = sweeping.find_orphans()  # before adopting: raises if the storage cannot be read
    ownership.adopt(documents.storage, instead_of=instead_of)
    number = orphans.number + orphans.young
    click.echo(f"The storage is this installation's. {number} of {orphans.files} files have no row.")


@storage.command("migrate")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@format_option()
def migrate(source: str, target: str, form: str) -> None:
    """Copy all files from one storage URL to another, checked, and have their rows name it.

    May be ended and begun again at any time, while people submit and download. The files in FROM stay.
    """
    transfer = Transfer(documents.normalize_url(source), documents.normalize_url(target))
    number = transfer.prepare()
    outcomes: Counter[Outcome] = Counter()
    rows = []
    with show_progress("Moving", length=number) as advance:
        for step in transfer.run():
            outcomes[step.outcome] += 1
            advance(1)
            if step.outcome not in SUCCESSES:
                rows.append({"document": str(step.document), "what": step.outcome.value})
    if form == "json":
        show([{outcome.value: outcomes[outcome] for outcome in Outcome}, *rows], form, empty="")
    else:
        show(rows, form, empty="Every file is in its new place.")
        click.echo(f"{outcomes[Outcome.COPIED]} copied, {outcomes[Outcome.PRESENT]} were there already.")
    if rows:
        raise click.exceptions.Exit(1)


def _describe_location(location: str) -> str:
    if location == DAMAGED:
        return location
    return f"missing: it is in {location.removeprefix('in ')}" if location else "missing"


def _summarize(orphans: Orphans, moved: int, missing: int, *, really: bool) -> str:
    orphan_note = f"{moved} moved to the trash" if really else f"{orphans.number} would be moved by --really"
    unknown = f" {orphans.unknown} others have names we never give: they stay." if orphans.unknown else ""
    return (
        f"{orphans.files} files: {orphans.number} without a row ({orphan_note}), "
        f"{orphans.young} young ones left for later; {missing} documents without their file.{unknown}"
    )
