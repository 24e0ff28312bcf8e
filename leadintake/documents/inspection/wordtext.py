"""All Word texts in a compound file: that of the document, and those of documents within it."""

from __future__ import annotations

from . import drawings, pieces, references
from .compound import Compound
from .fib import Block, block
from .findings import Refused
from .harm import Findings
from .sentences import TOO_OLD
from .work import OF_OBJECT

TEXT = "worddocument"
PAGE = 512


def judge(found: Compound, findings: Findings) -> None:
    """Add what the texts do. Raises Refused."""
    for entry in found.entries:
        if entry.name == TEXT and entry.within is not None:
            _judge_storage(found, entry.within, findings)


def _judge_storage(found: Compound, storage: int, findings: Findings) -> None:
    findings.spend(OF_OBJECT)
    try:
        text = block(found, storage)
    except Refused as refused:
        if storage and str(refused) == TOO_OLD:  # within another document it is only an object
            return
        raise
    _judge_block(text, findings)
    drawings.judge(text.tables, findings)
    data = found.find(storage, "Data")
    if data:
        drawings.judge(found.open(data), findings)
    if text.following:  # the building blocks that are kept with a template
        _judge_block(block(found, storage, text.following * PAGE), findings)


def _judge_block(text: Block, findings: Findings) -> None:
    pieces.judge(text, findings)
    references.judge(text, findings)
