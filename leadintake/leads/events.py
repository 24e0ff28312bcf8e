"""Events about leads, sent in the transaction of the change (core/hooks.py).

A listener must check visibility (visibility.py) before it informs a person.
"""

from __future__ import annotations

import uuid

import msgspec

from leadintake.core.hooks import Event
from leadintake.leads.status import Gate, LeadStatus, Outcome


class LeadCreated(msgspec.Struct, frozen=True):
    """A lead arrived. Unless the gate is open, only reviewers may see it."""

    lead_id: uuid.UUID
    gate: Gate


class LeadAssigned(msgspec.Struct, frozen=True):
    """A lead was assigned, or left without an assignee (`assignee_id` None)."""

    lead_id: uuid.UUID
    assignee_id: uuid.UUID | None
    former_id: uuid.UUID | None
    strategy: str
    actor: str
    """The actor, as in the lead's history."""


class LeadStatusChanged(msgspec.Struct, frozen=True):
    """The status of a lead changed."""

    lead_id: uuid.UUID
    before: LeadStatus
    after: LeadStatus
    actor: str
    """The actor, as in the lead's history."""


class LeadGateChanged(msgspec.Struct, frozen=True):
    """The gate of a lead changed."""

    lead_id: uuid.UUID
    before: Gate
    after: Gate
    actor: str
    """The actor, as in the lead's history."""


class LeadOutcomeChanged(msgspec.Struct, frozen=True):
    """The outcome of a lead was set, replaced or (`after` None) taken back."""

    lead_id: uuid.UUID
    before: Outcome | None
    after: Outcome | None
    actor: str
    """The actor, as in the lead's history."""


class LeadEmailCorrected(msgspec.Struct, frozen=True):
    """A prospect corrected the address of a lead."""

    lead_id: uuid.UUID


lead_created = Event("lead_created", LeadCreated)
lead_assigned = Event("lead_assigned", LeadAssigned)
lead_status_changed = Event("lead_status_changed", LeadStatusChanged)
lead_gate_changed = Event("lead_gate_changed", LeadGateChanged)
lead_outcome_changed = Event("lead_outcome_changed", LeadOutcomeChanged)
lead_email_corrected = Event("lead_email_corrected", LeadEmailCorrected)
