"""What the tests of the bounded place start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leadintake.documents.inspection_queue import MachineSlots
from leadintake.documents.inspector import Inspector
from tests.support.readers import Runner, run_what_is_read


@pytest.fixture
def places(tmp_path: Path) -> MachineSlots:
    """The places of an installation with two processors."""
    return MachineSlots(tmp_path / "inspections", 2)


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    """An inspector of the test's own."""
    inspector = Inspector()
    yield inspector
    inspector.close()


@pytest.fixture
def run(inspector: Inspector, places: MachineSlots, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Run code in a worker, in the place of a reader."""
    run_what_is_read(monkeypatch)
    return Runner(inspector, places)
