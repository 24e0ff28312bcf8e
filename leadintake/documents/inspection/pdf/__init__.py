"""PDF (ISO 32000-2): whole, with a page, opened without a password, and what it does when it is opened."""

from __future__ import annotations

from array import array
from typing import IO, cast

from ..findings import Flag, Refused
from ..mapping import mapped
from ..sentences import PDF_DAMAGED, PDF_UNUSUAL
from .encryption import Cipher, find_cipher
from .envelope import begins, has_table, look_at_end
from .judging import Judge
from .limits import MOST_OVERLAP, Budget
from .names import ENCRYPT, IN_DAMAGE, MAY_ACT, SHAPE
from .objects import Objects, Stream
from .packed import MAY_BE_PACKED, end_of_packed, read_packed
from .spans import find_objects
from .values import Dictionary, Odd, names_in


def fits(stream: IO[bytes]) -> bool:
    """Whether it begins as a PDF does (7.5.2)."""
    return begins(stream.read(2048))


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Warn of what a whole PDF does. Raises Refused as the table in harm.py says, or when it is not whole."""
    # A mapped file is searched and sliced like bytes, which is all that is done with it here.
    return _Inspection(cast("bytes", mapped(stream))).inspect()


class _Inspection:
    """One PDF, read in this order: its end, all its objects, its cipher, its object streams, what may act."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._budget = Budget()
        self._objects = Objects(data, self._budget)
        self._missing = set(SHAPE)
        self._may_act, self._ends = array("L"), array("L")
        self._packed: list[int] = []
        self._trailers: list[tuple[int, int]] = []

    def inspect(self) -> frozenset[Flag]:
        start = look_at_end(self._data)
        self._look_at_objects()
        cipher = self._find_cipher()
        if cipher:
            self._objects.decrypt_string = cipher.string
        for at in self._packed:
            self._look_at_packed(at, cipher)
        if self._missing - {"XRef"} or ("XRef" in self._missing and not has_table(self._data, start)):
            raise Refused(PDF_DAMAGED)
        judge = Judge(self._objects, cipher)
        for at, end in zip(self._may_act, self._ends, strict=True):
            try:
                judge.judge(self._objects.read(at))
            except Odd:
                self._refuse_odd(at, end)
        return frozenset(judge.findings.flags)

    def _look_at_objects(self) -> None:
        for start, end, is_stream in find_objects(self._data, self._budget):
            at = self._objects.add(start)
            self._look_for_shape(self._data, start, end)
            self._note_if_it_may_act(self._data, at, start, end)
            if is_stream and MAY_BE_PACKED.search(self._data, start, end):
                self._packed.append(at)
            if self._data[start - 1 : start] == b"r" or (
                is_stream and SHAPE["XRef"].search(self._data, start, end)
            ):
                self._trailers.append((at, end))

    def _look_for_shape(self, content: bytes, start: int, end: int) -> None:
        for name in tuple(self._missing):
            if SHAPE[name].search(content, start, end):
                self._missing.remove(name)

    def _note_if_it_may_act(self, content: bytes, at: int, start: int, end: int) -> None:
        if MAY_ACT.search(content, start, end):
            self._may_act.append(at)
            self._ends.append(end)

    def _find_cipher(self) -> Cipher | None:
        """Find what the file is encrypted with; most are with nothing."""
        noted = dict(self._trailers)
        streams = []
        for at, end in zip(self._may_act, self._ends, strict=True):
            if at not in noted and ENCRYPT.search(self._data, self._objects.place_of(at)[1], end):
                streams.append(at)
        is_named = any(
            ENCRYPT.search(self._data, self._objects.place_of(at)[1], end) for at, end in self._trailers
        )
        if not streams and not is_named:
            return None
        trailers: list[Dictionary] = []
        for at in (*noted, *streams):
            try:
                found = self._objects.read(at)
            except Odd as error:
                raise Refused(PDF_UNUSUAL) from error
            if isinstance(found, Stream):
                trailers.append(found.dictionary)
            elif isinstance(found, dict) and at in noted:
                trailers.append(found)
        return find_cipher(self._objects, trailers)

    def _look_at_packed(self, at: int, cipher: Cipher | None) -> None:
        content, packed = read_packed(self._objects, at, cipher.stream if cipher else None)
        if not packed:
            return
        ids = self._objects.add_packed(content, packed)
        self._look_for_shape(content, 0, len(content))
        if not MAY_ACT.search(content):
            return
        left = MOST_OVERLAP * len(content)
        for one, (start, _) in zip(ids, packed, strict=True):
            end = end_of_packed(content, start, self._budget)
            left -= end - start
            if left < 0:
                raise Refused(PDF_UNUSUAL)
            self._note_if_it_may_act(content, one, start, end)

    def _refuse_odd(self, at: int, end: int) -> None:
        """Refuse what acts, where nobody can say what it belongs to."""
        source, start = self._objects.place_of(at)
        if names_in(source, start, end, self._budget) & IN_DAMAGE:
            raise Refused(PDF_UNUSUAL)
