"""Content of streams (7.3.8), decrypted and decoded."""

from __future__ import annotations

from collections.abc import Callable

from ..budget import MB
from ..findings import Refused
from ..sentences import PDF_UNUSUAL
from .filters import CHUNK, FILTERS, Pieces, inflate, undo_predictor
from .limits import MAX_CHAIN_LENGTH
from .objects import Objects, Resolved, Stream
from .values import Dictionary, Reference, Value

Decrypt = Callable[[Pieces, Reference], Pieces]
UNUSUAL_KEYS = ("F", "FFilter", "FDecodeParms", "DP")
"""Keys of streams in other files, or that few viewers support."""
MAX_BYTES_WITHOUT_LENGTH = 1 * MB


def unpack(objects: Objects, stream: Stream, decrypt: Decrypt | None) -> Pieces:
    """Yield a stream's decoded bytes. Raises Refused, or Undecodable from a filter."""
    dictionary = stream.dictionary
    if stream.start is None or any(key in dictionary for key in UNUSUAL_KEYS):
        raise Refused(PDF_UNUSUAL)
    steps = _read_steps(objects, dictionary)
    pieces = _read_raw(objects, stream.start, None if steps else _find_end(objects, stream, stream.start))
    if decrypt:
        if stream.owner is None:
            raise Refused(PDF_UNUSUAL)
        objects.budget.decrypt()
        pieces = decrypt(pieces, stream.owner)
    for name, parameters in steps:
        if name not in FILTERS:
            raise Refused(PDF_UNUSUAL)
        pieces = FILTERS[name](pieces, objects.budget)
        pieces = _apply_predictor(objects, name, parameters, pieces)
    return pieces


def _apply_predictor(objects: Objects, name: str, parameters: Dictionary, pieces: Pieces) -> Pieces:
    def number(key: str, otherwise: int) -> int:
        found = resolve_single(objects, parameters.get(key))
        if found is None:
            return otherwise
        if not isinstance(found, int):
            raise Refused(PDF_UNUSUAL)
        return found

    predictor = number("Predictor", 1)
    if predictor == 1:
        return pieces
    if predictor < 10 or FILTERS[name] is not inflate:
        raise Refused(PDF_UNUSUAL)
    bits = number("Colors", 1) * number("BitsPerComponent", 8)
    columns = number("Columns", 1) * bits
    return undo_predictor(pieces, objects.budget, (columns + 7) // 8, (bits + 7) // 8)


def resolve_single(objects: Objects, value: Value) -> Resolved | None:
    """Return what `value` stands for, or None. Raises Refused if it has several meanings."""
    found = objects.resolve(value)
    if not found:
        return None
    if any(other != found[0] for other in found[1:]):
        raise Refused(PDF_UNUSUAL)
    return found[0]


def _read_steps(objects: Objects, dictionary: Dictionary) -> list[tuple[str, Dictionary]]:
    """Return the filters' names and parameters, in order."""
    filters = _resolve_list(objects, dictionary.get("Filter"))
    parameters = _resolve_list(objects, dictionary.get("DecodeParms"))
    if len(filters) > MAX_CHAIN_LENGTH or len(parameters) > len(filters):
        raise Refused(PDF_UNUSUAL)
    steps: list[tuple[str, Dictionary]] = []
    for at, name in enumerate(filters):
        parameter = parameters[at] if at < len(parameters) else None
        if not isinstance(name, str) or not (parameter is None or isinstance(parameter, dict)):
            raise Refused(PDF_UNUSUAL)
        steps.append((name, parameter or {}))
    return steps


def _resolve_list(objects: Objects, value: Value) -> list[Resolved | None]:
    found = resolve_single(objects, value)
    if isinstance(found, list):
        if len(found) > MAX_CHAIN_LENGTH:
            raise Refused(PDF_UNUSUAL)
        return [resolve_single(objects, one) for one in found]
    return [] if found is None else [found]


def _find_end(objects: Objects, stream: Stream, start: int) -> int:
    """Return an unfiltered stream's end: by /Length, else at `endstream`."""
    lengths = [found for found in objects.resolve(stream.dictionary.get("Length")) if isinstance(found, int)]
    if lengths:
        return start + max(lengths)
    end = objects.data.find(b"endstream", start, start + MAX_BYTES_WITHOUT_LENGTH)
    objects.budget.unpack(max(end - start, 0) or MAX_BYTES_WITHOUT_LENGTH)
    return end


def _read_raw(objects: Objects, position: int, end: int | None) -> Pieces:
    last = len(objects.data) if end is None else min(end, len(objects.data))
    while position < last:
        piece = objects.data[position : min(position + CHUNK, last)]
        position += CHUNK
        objects.budget.unpack(len(piece))
        yield piece
