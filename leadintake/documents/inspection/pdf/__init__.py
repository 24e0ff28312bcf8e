"""PDF (ISO 32000-2), judged by its actions. It must be complete and need no password."""

from __future__ import annotations

from array import array
from typing import IO, cast

from ..findings import Flag, Refused
from ..mapping import map_stream
from ..sentences import PDF_DAMAGED, PDF_UNUSUAL
from .encryption import Cipher, find_cipher
from .envelope import check_end, has_table, is_pdf_start
from .judging import Judge
from .limits import MAX_OVERLAP, Budget
from .names import ENCRYPT, MAY_ACT, REFUSED_NAMES, SHAPE
from .objects import Objects, Stream
from .packed import MAY_BE_PACKED, find_packed_end, read_packed
from .spans import find_objects
from .values import Ambiguous, Dictionary, list_names


def fits(stream: IO[bytes]) -> bool:
    """Return whether it starts as a PDF (7.5.2)."""
    return is_pdf_start(stream.read(2048))


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Inspect a PDF and return its flags."""
    # A mapped file supports search and slices like bytes; only these are used.
    return _Inspection(cast("bytes", map_stream(stream))).inspect()


class _Inspection:
    """One PDF, read in this order: end, objects, cipher, object streams, active objects.

    An object is active if its bytes match MAY_ACT; only these are parsed and judged.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._budget = Budget()
        self._objects = Objects(data, self._budget)
        self._missing = set(SHAPE)
        self._active, self._ends = array("L"), array("L")
        self._packed: list[int] = []
        self._trailers: list[tuple[int, int]] = []

    def inspect(self) -> frozenset[Flag]:
        start = check_end(self._data)
        self._scan_objects()
        cipher = self._find_cipher()
        if cipher:
            self._objects.decrypt_string = cipher.string
        for at in self._packed:
            self._scan_packed(at, cipher)
        if self._missing - {"XRef"} or ("XRef" in self._missing and not has_table(self._data, start)):
            raise Refused(PDF_DAMAGED)
        judge = Judge(self._objects, cipher)
        for at, end in zip(self._active, self._ends, strict=True):
            try:
                judge.judge(self._objects.read(at))
            except Ambiguous:
                self._refuse_unreadable(at, end)
        return frozenset(judge.findings.flags)

    def _scan_objects(self) -> None:
        for start, end, is_stream in find_objects(self._data, self._budget):
            at = self._objects.add(start)
            self._find_shape(self._data, start, end)
            self._note_active(self._data, at, start, end)
            if is_stream and MAY_BE_PACKED.search(self._data, start, end):
                self._packed.append(at)
            if self._data[start - 1 : start] == b"r" or (
                is_stream and SHAPE["XRef"].search(self._data, start, end)
            ):
                self._trailers.append((at, end))

    def _find_shape(self, content: bytes, start: int, end: int) -> None:
        for name in tuple(self._missing):
            if SHAPE[name].search(content, start, end):
                self._missing.remove(name)

    def _note_active(self, content: bytes, at: int, start: int, end: int) -> None:
        if MAY_ACT.search(content, start, end):
            self._active.append(at)
            self._ends.append(end)

    def _find_cipher(self) -> Cipher | None:
        trailer_ends = dict(self._trailers)
        streams = []
        for at, end in zip(self._active, self._ends, strict=True):
            if at not in trailer_ends and ENCRYPT.search(self._data, self._objects.locate(at)[1], end):
                streams.append(at)
        is_named = any(
            ENCRYPT.search(self._data, self._objects.locate(at)[1], end) for at, end in self._trailers
        )
        if not streams and not is_named:
            return None
        trailers: list[Dictionary] = []
        for at in (*trailer_ends, *streams):
            try:
                found = self._objects.read(at)
            except Ambiguous as error:
                raise Refused(PDF_UNUSUAL) from error
            if isinstance(found, Stream):
                trailers.append(found.dictionary)
            elif isinstance(found, dict) and at in trailer_ends:
                trailers.append(found)
        return find_cipher(self._objects, trailers)

    def _scan_packed(self, at: int, cipher: Cipher | None) -> None:
        content, packed = read_packed(self._objects, at, cipher.stream if cipher else None)
        if not packed:
            return
        ids = self._objects.add_packed(content, packed)
        self._find_shape(content, 0, len(content))
        if not MAY_ACT.search(content):
            return
        bytes_left = MAX_OVERLAP * len(content)
        for object_index, (start, _) in zip(ids, packed, strict=True):
            end = find_packed_end(content, start, self._budget)
            bytes_left -= end - start
            if bytes_left < 0:
                raise Refused(PDF_UNUSUAL)
            self._note_active(content, object_index, start, end)

    def _refuse_unreadable(self, at: int, end: int) -> None:
        """Refuse an unreadable object that contains one of REFUSED_NAMES."""
        source, start = self._objects.locate(at)
        if list_names(source, start, end, self._budget) & REFUSED_NAMES:
            raise Refused(PDF_UNUSUAL)
