"""The intake form, with errors in the prospect's language."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

from flask import current_app
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import HiddenField, StringField

from leadintake.core.i18n.languages import N_, _, requested_language
from leadintake.documents.verdict import explain_kinds
from leadintake.leads.fields import FIELDS, MAX_CHOICE_LENGTH, FormField, list_enabled_fields
from leadintake.leads.intake import spam
from leadintake.leads.intake.inputs import limit_length, list_options, make_inputs
from leadintake.leads.intake.lead_form import MAX_KEY_LENGTH, LeadForm, WithoutSession
from leadintake.leads.intake.suggestions import encode_slips

MAX_SEAL_LENGTH, MAX_PROOF_LENGTH = 500, 4000
"""Real ones have 140 and about 400 characters."""

DeclaredFields: Any = types.new_class(
    "DeclaredFields", (LeadForm,), exec_body=lambda body: body.update(make_inputs())
)
"""Base form with the inputs of the declared fields."""


class EmailForm(FlaskForm):
    """The address alone, to correct it, validated as the intake form does."""

    Meta = WithoutSession
    email = make_inputs()["email"]


class IntakeForm(DeclaredFields):
    """The intake form."""

    resume_file = FileField(N_("Resume or CV"))
    submission_id = HiddenField(N_("This form"), filters=[limit_length(MAX_KEY_LENGTH)])
    remarks = StringField(N_("Leave this empty"), filters=[limit_length(MAX_CHOICE_LENGTH)])
    """Honeypot: hidden from people, and of no name that a browser or password manager fills in."""
    opened = HiddenField(filters=[limit_length(MAX_SEAL_LENGTH)])
    altcha = HiddenField(filters=[limit_length(MAX_PROOF_LENGTH)])
    """Longer values are truncated, hence invalid."""

    def __init__(self) -> None:
        super().__init__()
        self.fields = list_enabled_fields(current_app.config)
        for form_field in FIELDS:
            if form_field not in self.fields:
                del self[form_field.name]
            elif form_field.choices:
                self[form_field.name].choices = []  # filled by translate()

    def translate(self) -> None:
        """Translate labels and options for a page that shows the form."""
        self.remarks.data = ""
        self.last_name.data = self.typed_last_name
        for form_field in self.fields:
            if form_field.choices:
                self[form_field.name].choices = list_options(form_field.choices)
        for field in self._fields.values():
            field.label.text = _(field.label.text)

    @property
    def slips(self) -> str:
        """Slips in mail domains that the script of the page asks about."""
        return encode_slips()

    def choose(self, values: Mapping[str, str]) -> None:
        """Choose these options, where the form has them; call after `translate`."""
        for form_field in self.fields:
            value = values.get(form_field.name)
            if form_field.choices and value in current_app.config[form_field.choices.setting]:
                self[form_field.name].data = value

    def explain_kinds(self, *, heic: bool = False) -> str:
        """Return the sentence about the accepted kinds, or about photographs by an iPhone."""
        return _(explain_kinds(photos=current_app.config["ACCEPT_PHOTOS"], heic=heic))

    def rows(self) -> list[list[FormField]]:
        """Return the enabled fields by row."""
        rows: list[list[FormField]] = []
        for form_field in self.fields:
            if form_field.shares_row and rows and rows[-1][-1].shares_row:
                rows[-1].append(form_field)
            else:
                rows.append([form_field])
        return rows

    def find_default_language(self, page_language: str) -> str | None:
        """Return the language of our page, or of `?lang=`, if it is one of LANGUAGES."""
        language = page_language if self.opened.data else requested_language()
        return language if language in current_app.config["LANGUAGES"] else None

    def read_signals(self) -> spam.SpamSignals:
        """Return the spam signals of the hidden fields."""
        inputs = {"trap": self.remarks, "opened": self.opened, "proof": self.altcha}
        return spam.read_signals(**{name: field.data or "" for name, field in inputs.items()})
