"""Libraries that stand between a server and the system, compiled where there is a compiler."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support.engines import missing


class BrokenDisk:
    """A disk that answers with an error (EIO) while it is broken, and is whole otherwise."""

    def __init__(self, folder: Path) -> None:
        self._said = folder / "broken-disk"
        library = _compile("brokendisk", folder)
        self.around = {"LD_PRELOAD": str(library), "BROKEN_DISK": str(self._said)}

    def fail(self, calls: str, folder: Path) -> None:
        """Have reads (r), writes (w) and syncs (s) below the folder fail."""
        draft = self._said.with_suffix(".draft")
        draft.write_text(f"{calls} {folder}\n")
        draft.rename(self._said)

    def mend(self) -> None:
        """Have everything succeed again."""
        self._said.unlink()


def _compile(name: str, folder: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        missing("no C compiler")
    library = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(
        [str(compiler), "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"],
        check=True,
        capture_output=True,
    )
    return library
