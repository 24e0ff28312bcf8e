"""Why a lead went where it went: its decisions, and everybody each was between."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from leadintake.assignment import types
from leadintake.assignment.models import AssignmentDecision


def summarize_decision(decision: AssignmentDecision, names: Mapping[uuid.UUID, str]) -> dict[str, object]:
    """Return when, why and for whom it was decided; `names` by user."""
    return {
        "decided_at": decision.created_at,
        "cause": decision.cause,
        "to": names.get(decision.user_id) if decision.user_id else None,
        "strategy": decision.strategy,
        "policy": decision.policy,
        "reason": decision.reason,
    }


def list_candidates(decision: AssignmentDecision) -> list[dict[str, object]]:
    """Return the candidates of a decision: the chosen one first, then the eligible, then the excluded."""
    if not decision.record:
        return []
    record, rows = types.read(decision.record), []
    order = {decision.user_id: 0} | dict.fromkeys(record.decision.excluded, 2)
    for candidate in sorted(
        record.situation.candidates, key=lambda candidate: order.get(candidate.user_id, 1)
    ):
        chosen, excluded = (
            candidate.user_id == decision.user_id,
            record.decision.excluded.get(candidate.user_id),
        )
        row = {
            "name": candidate.name,
            "verdict": "chosen" if chosen else excluded or "eligible",
            "open_leads": candidate.open_leads,
            "weight": candidate.weight,
            "last_turn": candidate.last_turn,
            "score": record.decision.scores.get(candidate.user_id, ""),
            "tie_break": record.decision.tie_break if chosen else "",
        }
        rows.append(row)
    return rows
