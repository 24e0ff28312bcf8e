"""The intake form, with errors in the prospect's language."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

from flask import current_app, request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import CombinedMultiDict, FileStorage, MultiDict
from wtforms import Field, HiddenField, StringField, ValidationError

from leadintake.core.errors import Errors
from leadintake.core.http.forms import CutFile
from leadintake.core.http.limits import client_limit_key
from leadintake.core.i18n.languages import N_, _, requested_language
from leadintake.documents.inspection.findings import Refused, TooLarge
from leadintake.documents.service import documents
from leadintake.documents.verdict import Verdict, explain_kinds, refuse_size
from leadintake.leads.fields import (
    FIELDS,
    MAX_CHOICE_LENGTH,
    NO_LAST_NAME,
    FormField,
    list_enabled_fields,
)
from leadintake.leads.intake import spam
from leadintake.leads.intake.inputs import TruncatedText, limit_length, list_options, make_inputs
from leadintake.leads.intake.suggestions import encode_slips

MAX_KEY_LENGTH = 255
MAX_SEAL_LENGTH, MAX_PROOF_LENGTH = 500, 4000
"""Real ones have 140 and about 400 characters."""
TICKED = {"1", "on", "true"}
"""Values of a ticked box: ours, and what browsers and programs send."""
WRONG_KEY = N_("Use 1 to 255 visible ASCII characters.")

DeclaredFields: Any = types.new_class(
    "DeclaredFields", (FlaskForm,), exec_body=lambda body: body.update(make_inputs())
)
"""Base form with the inputs of the declared fields."""


class WithoutSession:
    """Options of a form that uses no session: a CSRF token in one breaks the form in an iframe."""

    csrf = False

    def get_translations(self, form: FlaskForm) -> None:
        """Load no catalogue of WTForms: all messages are our own."""

    def wrap_formdata(self, _form: FlaskForm, formdata: object) -> MultiDict[str, Any] | None:
        """Return what was posted as a form. Flask-WTF would read JSON, too, of any shape."""
        if formdata is None or request.method != "POST":
            return None
        if request.files:
            return CombinedMultiDict((request.files, request.form))
        return request.form or None


class EmailForm(FlaskForm):
    """The address alone, to correct it, validated as the intake form does."""

    Meta = WithoutSession
    email = make_inputs()["email"]


class IntakeForm(DeclaredFields):
    """The intake form."""

    Meta = WithoutSession
    resume_file = FileField(N_("Resume or CV"))
    submission_id = HiddenField(N_("This form"), filters=[limit_length(MAX_KEY_LENGTH)])
    remarks = StringField(N_("Leave this empty"), filters=[limit_length(MAX_CHOICE_LENGTH)])
    """Honeypot: hidden from people, and of no name that a browser or password manager fills in."""
    opened = HiddenField(filters=[limit_length(MAX_SEAL_LENGTH)])
    altcha = HiddenField(filters=[limit_length(MAX_PROOF_LENGTH)])
    """Longer values are truncated, hence invalid."""

    def __init__(self) -> None:
        super().__init__()
        self.verdict: Verdict | None = None
        self.too_large = False
        self.fields = list_enabled_fields(current_app.config)
        self.typed_last_name = self.last_name.data
        self.has_one_name = not TICKED.isdisjoint(request.form.getlist("one_name"))
        if self.has_one_name:
            self.last_name.data = NO_LAST_NAME
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

    def values(self) -> dict[str, str | None]:
        """Return the values of a valid form as stored, for all declared fields."""
        values = dict.fromkeys(form_field.name for form_field in FIELDS)
        for form_field in self.fields:
            if typed := self[form_field.name].data:
                values[form_field.name] = form_field.normalize(typed, current_app.config)
        return values

    def find_default_language(self, page_language: str) -> str | None:
        """Return the language of our page, or of `?lang=`, if it is one of LANGUAGES."""
        language = page_language if self.opened.data else requested_language()
        return language if language in current_app.config["LANGUAGES"] else None

    def validate_resume_file(self, field: Field) -> None:
        """Require one file, and set `verdict`."""
        files = [file for _, file in request.files.items(multi=True) if file.filename]
        chosen = field.data
        if not isinstance(chosen, FileStorage) or not chosen.filename:
            raise ValidationError(N_("Please choose your resume or CV."))
        if len(files) > 1:
            raise ValidationError(N_("Please send one file only."))
        try:
            if isinstance(chosen, CutFile):
                refuse_size(current_app.config["MAX_UPLOAD_BYTES"])
            self.verdict = documents.judge(chosen.filename, chosen.stream, sender=client_limit_key())
        except Refused as error:
            self.too_large = isinstance(error, TooLarge)
            raise ValidationError(str(error)) from error

    def validate_submission_id(self, field: Field) -> None:
        """Require printable ASCII, and the value of the header Idempotency-Key if both are sent."""
        header = request.headers.get("Idempotency-Key", "")
        if len(header) > MAX_KEY_LENGTH + 2 or isinstance(field.data, TruncatedText):
            raise ValidationError(WRONG_KEY)
        header = header.strip().strip('"')
        if field.data and header and field.data != header:
            raise ValidationError(N_("Idempotency-Key and submission_id differ. Send one of them."))
        field.data = field.data or header
        if len(field.data) > MAX_KEY_LENGTH or not all("!" <= char <= "~" for char in field.data):
            raise ValidationError(WRONG_KEY)

    def validate_all(self) -> bool:
        """Validate the form; refuse repeated fields, and files in text fields."""
        valid, sent_texts, sent_files = bool(self.validate()), request.form, request.files
        for name, field in self._fields.items():
            texts, files = len(sent_texts.getlist(name)), len(sent_files.getlist(name))
            takes_files = isinstance(field, FileField)
            if texts + (min(files, 1) if takes_files else files) > 1:
                reason = N_("Please send this field once.")
            elif files and not takes_files:
                reason = N_("Please send this as text, not as a file.")
            else:
                continue
            field.errors = [*field.errors, reason]
            valid = False
        self._translate_errors()
        return valid

    def read_signals(self) -> spam.SpamSignals:
        """Return the spam signals of the hidden fields."""
        inputs = {"trap": self.remarks, "opened": self.opened, "proof": self.altcha}
        return spam.read_signals(**{name: field.data or "" for name, field in inputs.items()})

    def add_errors(self, errors: Errors) -> None:
        """Show these errors at their fields."""
        for name, reasons in errors.items():
            self._fields[name].errors = list(reasons)
        self._translate_errors()

    def _translate_errors(self) -> None:
        for field in self._fields.values():
            field.errors = [_(str(reason)) for reason in field.errors]
