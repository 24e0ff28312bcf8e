"""What happens around a transaction, written down."""

from __future__ import annotations

from leadintake.core.db.transaction import on_commit, on_rollback


class Journal(list):
    """What happened, in its order."""

    def note(self, word: str):
        """An action that writes the word down."""
        return lambda: self.append(word)

    def watch(self) -> None:
        """Write down how the running transaction ends."""
        on_commit(self.note("committed"))
        on_rollback(self.note("rolled back"))
