"""Examples for the OpenAPI document, built from its schemas and one value for each name of a member."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

LEAD = "01a22828-0283-72db-b0c3-b46f6becb398"
USER = "01a22827-9f10-7a44-8d21-5e8c2c0f1b7a"
OTHER = "01a22829-6c2e-7d15-a3f4-0b9d8e7c6a51"
KEY = "x2mJk0yVqz7RcT1n"
DIGEST = "a3f1c9e27b5d8046f1e2d3c4b5a697887766554433221100ffeeddccbbaa9988"
MORNING, NOON = "2026-03-02T08:15:00Z", "2026-03-02T12:31:48Z"

VALUES: Mapping[str, Any] = {
    "act": "assign",
    "action": "lead.read",
    "active": True,
    "actor": "amara@firm.example.com",
    "actor_id": USER,
    "actor_kind": "user",
    "algorithm": "SHA-256",
    "allowed": "change_status",
    "altcha": "",
    "app": True,
    "as_of": NOON,
    "at": NOON,
    "attempts": 1,
    "attestationObject": KEY,
    "author": "amara@firm.example.com",
    "authenticatorData": KEY,
    "body": "Dear Jane,\n\nthank you for writing to us. When may I call you?",
    "can_intake": True,
    "cause": "arrival",
    "challenge": DIGEST,
    "channel": "phone",
    "clientDataJSON": KEY,
    "code": "287082",
    "content_type": "application/pdf",
    "created_at": MORNING,
    "created_from": "2026-02-01T00:00:00Z",
    "created_to": "2026-03-01T00:00:00Z",
    "csrf_token": KEY,
    "current": True,
    "current_password": "correct horse battery staple",
    "decided_at": MORNING,
    "declined": 1,
    "detail": "to amara@firm.example.com: Amara Attorney had 0 open leads, the lightest load of 3.",
    "device": "Firefox on Linux",
    "disclaimer": "",
    "disclaimer_version": DIGEST[:12],
    "due_at": None,
    "duplicates": OTHER,
    "email": "jane@example.com",
    "end_tokens": True,
    "errors": {"email": ["Enter an e-mail address like jane@example.com."]},
    "filename": "resume.pdf",
    "filter": None,
    "first_day": "2026-03-09",
    "first_name": "Jane",
    "follow_up_at": "2026-03-05T14:00:00Z",
    "follow_up_note": "Ask for the notice of the hearing.",
    "hash": DIGEST,
    "head": DIGEST,
    "html": "<p>Sending this form makes nobody your lawyer.</p>",
    "id": LEAD,
    "intact": True,
    "ids": "7QM4-2XRF",
    "instance": "/public/leads",
    "kind": "attorney_alert",
    "language": "es",
    "last_day": "2026-03-20",
    "last_turn": 7,
    "last_error": None,
    "last_name": "Doe",
    "last_seen_at": NOON,
    "last_used_at": NOON,
    "lead_id": LEAD,
    "maxnumber": 50000,
    "median_seconds_to_reach": 5400.0,
    "name": "Amara Attorney",
    "new_password": "a longer horse battery staple",
    "next_cursor": None,
    "note": "Call again on Tuesday after 5 pm.",
    "notice": "Acts for the other side.",
    "one_name": "",
    "open": 3,
    "open_leads": 0,
    "opened": "",
    "outcome": "hired",
    "outcome_at": NOON,
    "outcome_note": "Signed the engagement letter.",
    "origin": "203.0.0.0/16",
    "otp": "287082",
    "outcomes": {"hired": 3, "not_our_field": 2},
    "password": "correct horse battery staple",
    "permissions": "read_leads",
    "policy": "5b7d8046f1e2d3c4",
    "present": True,
    "phone": "+12025550123",
    "practice_area": "immigration",
    "rawId": KEY,
    "reads": 0,
    "reached": 8,
    "reason": "I know the other party.",
    "received": 12,
    "recipient": "amara@firm.example.com",
    "recovery_codes": "k7mq-2xrf-9vhc",
    "recovery_codes_left": 9,
    "reference": "7QM4-2XRF",
    "request_id": "01a22828-0283-7000-8000-000000000000",
    "reply": "250 2.0.0 Ok: queued as 4bXq1n2rTz",
    "required": True,
    "resume_file": "resume.pdf",
    "role": "attorney",
    "salt": KEY,
    "score": "0 open",
    "secret": "JBSWY3DPEHPK3PXP",
    "send_at": NOON,
    "sent_at": NOON,
    "set_at": NOON,
    "set_by": "admin@firm.example.com",
    "sha256": DIGEST,
    "signature": KEY,
    "size": 48213,
    "source": "form",
    "stored_at": MORNING,
    "status": "PENDING",
    "strategy": "least_open",
    "subject": "Your inquiry 7QM4-2XRF",
    "subject_id": LEAD,
    "subject_kind": "lead",
    "submission_id": "",
    "substitute_id": OTHER,
    "tag": "asylum",
    "tags": "asylum",
    "text": "She has until 1 April to answer the court.",
    "tie_break": "",
    "template": OTHER,
    "timezone": "Europe/Madrid",
    "to": "amara@firm.example.com",
    "title": "Unprocessable Content",
    "token": KEY,
    "total": 128,
    "type": "public-key",
    "updated_at": NOON,
    "uri": "otpauth://totp/leadintake:amara@firm.example.com?secret=JBSWY3DPEHPK3PXP&issuer=leadintake",
    "userHandle": KEY,
    "user_id": USER,
    "verdict": "chosen",
    "version": 3,
    "via": f"session:{OTHER}",
    "waiting": 0,
    "weight": 1,
    "warnings": "It contains JavaScript, which a resume does not need.",
    "written_at": MORNING,
    # What a name means in one schema alone.
    "AssignmentView.reason": "Amara Attorney had 0 open leads, the lightest load of 3.",
    "AttemptView.at": MORNING,
    "AttemptView.outcome": "sent",
    "AuditItem.detail": {"what": "detail"},
    "AuditItem.id": OTHER,
    "Contact.id": OTHER,
    "ContactChannel": "phone",
    "ContactOutcome": "spoke",
    "BulkItem.detail": None,
    "BulkItem.status": 200,
    "Credentials.email": "amara@firm.example.com",
    "DecisionView.reason": "Amara Attorney had 0 open leads, the lightest load of 3.",
    "Forgotten.email": "amara@firm.example.com",
    "Health.status": "ready",
    "Health.warnings": "backup",
    "HistoryItem.action": "assigned",
    "Invitation.email": "bruno@firm.example.com",
    "Invitation.name": "Bruno Attorney",
    "LeadStatus": "REACHED_OUT",
    "LeftOut.acts": 0,
    "LeftOut.attempts": 0,
    "LeftOut.decisions": 0,
    "LeftOut.history": 0,
    "LeftOut.messages": 0,
    "NewPasskey.name": "Amara's laptop",
    "Note.edited_at": NOON,
    "Note.id": OTHER,
    "Note.version": 2,
    "NoteVersion.text": "She has until April to answer the court.",
    "NotificationDetail.status": "sent",
    "NotificationSummary.status": "sent",
    "FollowUpChange.at": "2026-03-05T14:00:00Z",
    "FollowUpChange.note": "Ask for the notice of the hearing.",
    "PasskeyView.name": "Amara's laptop",
    "Outcome": "hired",
    "Problem.detail": "Some fields are wrong.",
    "Problem.status": 422,
    "TagList.items": "asylum",
    "Problem.type": "about:blank",
    "ProofEntry.detail": {"what": "page"},
    "ProofEntry.id": OTHER,
    "ProvenMessage.id": OTHER,
    "ProvenMessage.status": "sent",
    "QuarantineView.reason": "A field that nobody sees was filled in.",
    "ReplyText.template": "First contact",
    "ReplyView.id": OTHER,
    "ReplyView.status": "sent",
    "Role": "attorney",
    "Status": "sent",
    "ShownDisclaimer.language": "en",
    "ShownDisclaimer.version": DIGEST[:12],
    "TemplatePatch.name": "Fees",
    "TemplateText.body": "Dear {first_name},\n\nthe first call is free.\n\n{attorney}",
    "TemplateText.language": "en",
    "TemplateText.name": "Fees",
    "TemplateText.subject": "Our fees, {reference}",
    "TemplateView.body": "Dear {first_name},\n\nthe first call is free.\n\n{attorney}",
    "TemplateView.id": OTHER,
    "TemplateView.language": "en",
    "TemplateView.name": "Fees",
    "TemplateView.subject": "Our fees, {reference}",
    "UserDetail.email": "amara@firm.example.com",
    "UserDetail.id": USER,
    "UserPatch.email": "amara@firm.example.com",
    "UserSummary.email": "amara@firm.example.com",
    "UserSummary.id": USER,
}
"""By the name of a member, or of a schema and its member; of a list, the value of one item."""
LEFT_OUT = {
    "phone_as_typed", "email_refused", "total_is_minimum", "LeadDetail.quarantine", "LeadProof.withheld",
    "ProofEntry.content", "Resume.warnings",
}  # fmt: skip
"""Members that are seldom there."""


def add_examples(document: dict[str, Any]) -> None:
    """Give every component, every body that is a form and every problem an example."""
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        schema["examples"] = [_build(schema, name, name, schemas)]
    for item in document["paths"].values():
        for operation in item.values():
            content = operation.get("requestBody", {}).get("content", {})
            if "multipart/form-data" in content:
                for member, schema in content["multipart/form-data"]["schema"]["properties"].items():
                    if member in VALUES:
                        schema["examples"] = [VALUES[member]]
            for status, answer in operation["responses"].items():
                problem = answer.get("content", {}).get("application/problem+json")
                if problem and status != "422":
                    example = schemas["Problem"]["examples"][0] | {
                        "status": int(status),
                        "title": HTTPStatus(int(status)).phrase,
                        "detail": answer["description"],
                    }
                    del example["errors"]
                    problem["example"] = example


def _build(schema: Mapping[str, Any], owner: str, member: str, schemas: Mapping[str, Any]) -> Any:
    """Build an example of `schema`, which is `member` of the schema `owner`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _build(schemas[name], name, name, schemas)
    if "properties" in schema:
        return {
            name: _build(part, owner, name, schemas)
            for name, part in schema["properties"].items()
            if not {name, f"{owner}.{name}"} & LEFT_OUT
        }
    if schema.get("type") == "array":
        return [_build(schema["items"], owner, member, schemas)]
    references = [part for part in schema.get("anyOf", []) if "$ref" in part]
    if references:
        return _build(references[0], owner, member, schemas)
    return VALUES.get(f"{owner}.{member}", VALUES.get(member))
