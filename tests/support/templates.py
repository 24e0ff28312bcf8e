"""Templates that are compiled once in a process: every test has an application of its own."""

from __future__ import annotations

from jinja2.bccache import Bucket, BytecodeCache


class MemoryCache(BytecodeCache):
    """Bytecode by the key and the checksum that Jinja gives a template's source."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was compiled of this source, if it was."""
        if found := self._kept.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(found)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


COMPILED = MemoryCache()
