"""All Word texts in a compound file: that of the document, and those of documents within it."""

from __future__ import annotations

from . import drawings, pieces, references
from .compound import Compound
from .fib import Block, block
from .findings import Refused
from .sentences import TOO_OLD
from .work import OF_OBJECT, Work

TEXT = "worddocument"
PAGE = 512


def judge(found: Compound, work: Work) -> None:
    """Add what the texts do. Raises Refused."""
    for entry in found.entries:
        if entry.name == TEXT and entry.within is not None:
            _judge_storage(found, entry.within, work)


def _judge_storage(found: Compound, storage: int, work: Work) -> None:
    work.spend(OF_OBJECT)
    try:
        text = block(found, storage)
    except Refused as refused:
        if storage and str(refused) == TOO_OLD:  # within another document it is only an object
            return
        raise
    _judge_block(text, work)
    drawings.judge(text.tables, work)
    data = found.find(storage, "Data")
    if data:
        drawings.judge(found.open(data), work)
    if text.following:  # the building blocks that are kept with a template
        _judge_block(block(found, storage, text.following * PAGE), work)


def _judge_block(text: Block, work: Work) -> None:
    pieces.judge(text, work)
    references.judge(text, work)
