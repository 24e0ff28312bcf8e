"""What a stream holds (7.3.8), decrypted and unpacked as its dictionary says."""

from __future__ import annotations

from collections.abc import Callable

from ..budget import MB
from ..findings import Refused
from ..sentences import PDF_UNUSUAL
from .filters import CHUNK, FILTERS, Pieces, inflated, unpredicted
from .limits import LONGEST_CHAIN
from .objects import Objects, Resolved, Stream
from .values import Dictionary, Reference, Value

Decrypt = Callable[[Pieces, Reference], Pieces]
UNUSUAL_KEYS = ("F", "FFilter", "FDecodeParms", "DP")
"""Keys of a stream whose bytes are in another file, or that only some viewers understand."""
LONGEST_WITHOUT_LENGTH = 1 * MB


def unpacked(objects: Objects, stream: Stream, decrypt: Decrypt | None) -> Pieces:
    """The bytes of a stream, piece by piece. Raises Refused where they can be read in two ways or in none."""
    dictionary = stream.dictionary
    if stream.begun is None or any(key in dictionary for key in UNUSUAL_KEYS):
        raise Refused(PDF_UNUSUAL)
    steps = _steps(objects, dictionary)
    pieces = _raw(objects, stream.begun, None if steps else _end(objects, stream, stream.begun))
    if decrypt:
        if stream.owner is None:
            raise Refused(PDF_UNUSUAL)
        objects.budget.decrypt()
        pieces = decrypt(pieces, stream.owner)
    for name, parameters in steps:
        if name not in FILTERS:
            raise Refused(PDF_UNUSUAL)
        pieces = FILTERS[name](pieces, objects.budget)
        pieces = _unpredicted(objects, name, parameters, pieces)
    return pieces


def _unpredicted(objects: Objects, name: str, parameters: Dictionary, pieces: Pieces) -> Pieces:
    def number(key: str, otherwise: int) -> int:
        found = only(objects, parameters.get(key))
        if found is None:
            return otherwise
        if not isinstance(found, int):
            raise Refused(PDF_UNUSUAL)
        return found

    predictor = number("Predictor", 1)
    if predictor == 1:
        return pieces
    if predictor < 10 or FILTERS[name] is not inflated:
        raise Refused(PDF_UNUSUAL)
    bits = number("Colors", 1) * number("BitsPerComponent", 8)
    columns = number("Columns", 1) * bits
    return unpredicted(pieces, objects.budget, (columns + 7) // 8, (bits + 7) // 8)


def only(objects: Objects, value: Value) -> Resolved | None:
    """The one thing that a value stands for; None if nothing. Raises Refused if it may be several."""
    found = objects.resolve(value)
    if not found:
        return None
    if any(other != found[0] for other in found[1:]):
        raise Refused(PDF_UNUSUAL)
    return found[0]


def _steps(objects: Objects, dictionary: Dictionary) -> list[tuple[str, Dictionary]]:
    """Names of filters in their order, each with its parameters."""
    filters = _listed(objects, dictionary.get("Filter"))
    parameters = _listed(objects, dictionary.get("DecodeParms"))
    if len(filters) > LONGEST_CHAIN or len(parameters) > len(filters):
        raise Refused(PDF_UNUSUAL)
    steps: list[tuple[str, Dictionary]] = []
    for at, name in enumerate(filters):
        parameter = parameters[at] if at < len(parameters) else None
        if not isinstance(name, str) or not (parameter is None or isinstance(parameter, dict)):
            raise Refused(PDF_UNUSUAL)
        steps.append((name, parameter or {}))
    return steps


def _listed(objects: Objects, value: Value) -> list[Resolved | None]:
    found = only(objects, value)
    if isinstance(found, list):
        if len(found) > LONGEST_CHAIN:
            raise Refused(PDF_UNUSUAL)
        return [only(objects, one) for one in found]
    return [] if found is None else [found]


def _end(objects: Objects, stream: Stream, begun: int) -> int:
    """Where a stream ends that does not say so itself: behind its length, or at the word that closes it."""
    lengths = [found for found in objects.resolve(stream.dictionary.get("Length")) if isinstance(found, int)]
    if lengths:
        return begun + max(lengths)
    end = objects.data.find(b"endstream", begun, begun + LONGEST_WITHOUT_LENGTH)
    objects.budget.unpack(max(end - begun, 0) or LONGEST_WITHOUT_LENGTH)
    return end


def _raw(objects: Objects, position: int, end: int | None) -> Pieces:
    last = len(objects.data) if end is None else min(end, len(objects.data))
    while position < last:
        piece = objects.data[position : min(position + CHUNK, last)]
        position += CHUNK
        objects.budget.unpack(len(piece))
        yield piece
