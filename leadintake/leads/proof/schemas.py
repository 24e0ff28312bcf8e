"""JSON schemas of the proof sheet."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec

from leadintake.leads.schemas import HistoryItem, LeadSummary

PRESENT = "Whether the file is in the storage now; null where the storage cannot be asked."
CONTENT = "The text of which `hash` is the HMAC-SHA-256. Only `flask leads proof` gives it."
HEAD = "Hash of the trail's last entry before this reading, for `flask audit verify --head`."
WITHHELD = "There, and true, where what tells of ethical walls is left out, for want of the right to screen."
INTACT = "Whether every entry here has the hash of what it says. `flask audit verify` checks the whole trail."


class StoredFile(msgspec.Struct):
    """The file as it was stored; it is not read again for the sheet."""

    filename: str
    content_type: str
    size: int
    sha256: str
    stored_at: datetime
    present: Annotated[bool | None, msgspec.Meta(description=PRESENT)]


class ShownDisclaimer(msgspec.Struct):
    """The disclaimer beside the submit button, as the prospect saw it. `html`: the firm's own text."""

    version: str
    language: str
    html: str


class CandidateView(msgspec.Struct):
    """A person of a decision, and what became of them in it."""

    name: str
    verdict: str
    open_leads: int
    weight: int
    last_turn: int
    score: str
    tie_break: str


class DecisionView(msgspec.Struct):
    """A decision about who has the lead. `to`: an e-mail address; null for nobody."""

    decided_at: datetime
    cause: str | None
    to: str | None
    strategy: str
    policy: str
    reason: str
    candidates: list[CandidateView]


class AttemptView(msgspec.Struct):
    """An attempt to deliver a message, and the mail server's words."""

    at: datetime
    outcome: str
    reply: str


class ProvenMessage(msgspec.Struct):
    """A message about the lead."""

    id: uuid.UUID
    kind: str
    recipient: str
    subject: str
    status: str
    created_at: datetime
    sent_at: datetime | None
    attempts: list[AttemptView]


class ProofEntry(msgspec.Struct):
    """An entry of the audit trail. Its number is omitted, since gaps would reveal hidden entries.

    `actor`: an e-mail address, or `operator`, `system` or `anybody`, who was not signed in.
    """

    id: uuid.UUID
    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]
    hash: str
    intact: bool
    content: Annotated[str, msgspec.Meta(description=CONTENT)] | msgspec.UnsetType = msgspec.UNSET


class LeftOut(msgspec.Struct):
    """How many older ones there are of each list, besides those on the sheet."""

    decisions: int
    messages: int
    attempts: int
    history: int
    acts: int
    reads: int


class LeadProof(msgspec.Struct):
    """All that is on record about a lead.

    `history`, `acts` and `reads` are newest first, `decisions` and `messages` oldest first.
    """

    lead: LeadSummary
    file: StoredFile | None
    disclaimer_version: str | None
    disclaimer: ShownDisclaimer | None
    decisions: list[DecisionView]
    messages: list[ProvenMessage]
    history: list[HistoryItem]
    acts: list[ProofEntry]
    reads: list[ProofEntry]
    left_out: LeftOut
    head: Annotated[str, msgspec.Meta(description=HEAD)]
    intact: Annotated[bool, msgspec.Meta(description=INTACT)]
    as_of: datetime
    withheld: Annotated[bool, msgspec.Meta(description=WITHHELD)] | msgspec.UnsetType = msgspec.UNSET
