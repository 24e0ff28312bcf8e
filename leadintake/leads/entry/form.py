"""The form of a lead that staff enter: the fields of the intake form, of which few are needed."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask_wtf.file import FileField
from werkzeug.datastructures import MultiDict
from wtforms import StringField

from leadintake.leads.entry.schemas import LeadEntry
from leadintake.leads.fields import FIELDS, FormField, Kind, form_schema
from leadintake.leads.intake.api import OWN_FIELDS, describe_file
from leadintake.leads.intake.inputs import limit_length, list_options, make_inputs
from leadintake.leads.intake.lead_form import MAX_KEY_LENGTH, LeadForm

WAYS = ("email", "phone")
"""Of these one is needed."""
NO_WAY = "Enter a phone number or an e-mail address."


def _for_staff(form_field: FormField) -> FormField:
    return replace(
        form_field,
        label=form_field.title,
        demand="required" if form_field.kind is Kind.NAME else "optional",
        demand_setting="",
        missing=f"Enter the {form_field.title.lower()}.",
        autocomplete="off",
    )


ENTRY_FIELDS = tuple(map(_for_staff, FIELDS))
EntryFields: Any = types.new_class(
    "EntryFields", (LeadForm,), exec_body=lambda body: body.update(make_inputs(ENTRY_FIELDS))
)
"""Base form with the inputs of ENTRY_FIELDS."""


class EntryForm(EntryFields):
    """The form of staff."""

    needs_resume = False
    resume_file = FileField("Resume")
    submission_id = StringField("This form", filters=[limit_length(MAX_KEY_LENGTH)])

    def __init__(self, sent: MultiDict[str, str] | None = None) -> None:
        super().__init__(sent)
        self.fields = ENTRY_FIELDS
        for form_field in ENTRY_FIELDS:
            if form_field.choices:
                self[form_field.name].choices = list_options(form_field.choices)

    def validate_all(self) -> bool:
        """Validate the form; it needs a phone number or an address."""
        valid: bool = super().validate_all()
        if any(self[name].data for name in WAYS):
            return valid
        for name in WAYS:
            self[name].errors = [*self[name].errors, NO_WAY]
        return False


def read_json(entry: LeadEntry) -> EntryForm:
    """Return the form with these values."""
    sent = {name: value for name in LeadEntry.__struct_fields__ if (value := getattr(entry, name))}
    return EntryForm(MultiDict(sent | ({"one_name": "1"} if entry.one_name else {})))


def describe_entry(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of the form with these settings."""
    own = {name: OWN_FIELDS[name] for name in ("one_name", "submission_id")}
    properties = form_schema(settings, ENTRY_FIELDS)[1]
    file = {"resume_file": describe_file(settings)}
    return {"type": "object", "required": ["first_name"], "properties": {**properties, **file, **own}}
