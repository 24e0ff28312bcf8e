"""A form about a new lead: one file, an idempotency key, the values of the declared fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app, request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import CombinedMultiDict, FileStorage, MultiDict
from wtforms import Field, ValidationError

from leadintake.core.errors import Errors, Refusal, UnprocessableContent
from leadintake.core.http.forms import CutFile
from leadintake.core.http.limits import client_limit_key
from leadintake.core.i18n.languages import N_, _
from leadintake.documents.inspection.findings import Refused, TooLarge
from leadintake.documents.service import documents
from leadintake.documents.verdict import Verdict, refuse_size
from leadintake.leads.fields import FIELDS, NO_LAST_NAME, FormField
from leadintake.leads.intake.inputs import TruncatedText

MAX_KEY_LENGTH = 255
WRONG_KEY = N_("Use 1 to 255 visible ASCII characters.")
TICKED = {"1", "on", "true"}
"""Values of a ticked box: ours, and what browsers and programs send."""


class WithoutSession:
    """Options of a form that uses no session: a CSRF token in one breaks the form in an iframe."""

    csrf = False

    def get_translations(self, form: FlaskForm) -> None:
        """Load no catalogue of WTForms: all messages are our own."""

    def wrap_formdata(self, _form: FlaskForm, formdata: object) -> MultiDict[str, Any] | None:
        """Return what was posted as a form. Flask-WTF would read JSON, too, of any shape."""
        if isinstance(formdata, MultiDict):
            return formdata
        if formdata is None or request.method != "POST":
            return None
        if request.files:
            return CombinedMultiDict((request.files, request.form))
        return request.form or None


class FileTooLarge(Refusal):
    """The file is larger than MAX_UPLOAD_BYTES."""

    status = 413
    title = "Request Entity Too Large"


class LeadForm(FlaskForm):
    """What the public form and that of staff share. `resume_file` and `submission_id` are inputs of both."""

    Meta = WithoutSession
    needs_resume = True

    def __init__(self, sent: MultiDict[str, str] | None = None) -> None:
        super().__init__(*([] if sent is None else [sent]))
        self.verdict: Verdict | None = None
        self.too_large = False
        self.fields: Sequence[FormField] = FIELDS
        self.typed_last_name = self.last_name.data
        ticked = (request.form if sent is None else sent).getlist("one_name")
        self.has_one_name = not TICKED.isdisjoint(ticked)
        if self.has_one_name:
            self.last_name.data = NO_LAST_NAME

    def values(self) -> dict[str, str | None]:
        """Return the values of a valid form as stored, for all declared fields."""
        values = dict.fromkeys(form_field.name for form_field in FIELDS)
        for form_field in self.fields:
            if typed := self[form_field.name].data:
                values[form_field.name] = form_field.normalize(typed, current_app.config)
        return values

    def validate_resume_file(self, field: Field) -> None:
        """Take one file, and set `verdict`."""
        files = [file for _, file in request.files.items(multi=True) if file.filename]
        chosen = field.data
        if not isinstance(chosen, FileStorage) or not chosen.filename:
            if self.needs_resume:
                raise ValidationError(N_("Please choose your resume or CV."))
            return
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

    @property
    def takes_photos(self) -> bool:
        """Whether the file may be a photograph."""
        found: bool = current_app.config["ACCEPT_PHOTOS"]
        return found

    def build_refusal(self) -> Refusal:
        """Return the refusal of an invalid form."""
        errors = {name: [str(reason) for reason in reasons] for name, reasons in self.errors.items()}
        if self.too_large and len(errors) == 1:
            return FileTooLarge(errors["resume_file"][0], errors=errors)
        return UnprocessableContent(errors)

    def add_errors(self, errors: Errors) -> None:
        """Show these errors at their fields."""
        for name, reasons in errors.items():
            self._fields[name].errors = list(reasons)
        self._translate_errors()

    def _translate_errors(self) -> None:
        for field in self._fields.values():
            field.errors = [_(str(reason)) for reason in field.errors]
