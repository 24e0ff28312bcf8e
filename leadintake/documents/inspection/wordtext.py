"""Word texts in a compound file, including embedded documents'."""

from __future__ import annotations

from . import drawings, pieces, references
from .compound import Compound
from .fib import Block, read_block
from .findings import Refused
from .harm import Findings
from .sentences import TOO_OLD
from .work import OBJECT_UNITS

TEXT = "worddocument"
PAGE = 512


def judge(compound: Compound, findings: Findings) -> None:
    """Judge all texts."""
    for entry in compound.entries:
        if entry.name == TEXT and entry.parent is not None:
            _judge_storage(compound, entry.parent, findings)


def _judge_storage(compound: Compound, storage: int, findings: Findings) -> None:
    findings.spend(OBJECT_UNITS)
    try:
        text = read_block(compound, storage)
    except Refused as refused:
        if storage and str(refused) == TOO_OLD:  # an embedded document is also judged as an object
            return
        raise
    _judge_block(text, findings)
    drawings.judge(text.tables, findings)
    data = compound.find(storage, "Data")
    if data:
        drawings.judge(compound.open(data), findings)
    if text.following:  # the glossary document: building blocks of a template
        _judge_block(read_block(compound, storage, text.following * PAGE), findings)


def _judge_block(text: Block, findings: Findings) -> None:
    pieces.judge(text, findings)
    references.judge(text, findings)
