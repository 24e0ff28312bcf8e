"""What a prospect fills in, and what is wrong with it in their words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app, request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import Field, HiddenField, SelectField, StringField, ValidationError
from wtforms.validators import DataRequired, StopValidation

from leadintake.core.addresses import LONGEST_TYPED as LONGEST_EMAIL
from leadintake.core.addresses import BadAddress, mail_address
from leadintake.core.errors import Errors
from leadintake.core.languages import phrase, said
from leadintake.core.limits import client_counted
from leadintake.core.text import TYPED_PER_CHARACTER, TooLong, has_controls, is_invisible, regular
from leadintake.documents.inspection.findings import Refused, TooLarge
from leadintake.documents.service import documents
from leadintake.documents.verdict import Verdict
from leadintake.leads import signs

LONGEST_NAME, LONGEST_CHOICE, LONGEST_KEY = 100, 100, 255
LONGEST_SEAL, LONGEST_PROOF = 500, 4000
"""Ours are 140 and about 400 characters long."""
LANGUAGE_NAMES = {
    "ar": "العربية", "de": "Deutsch", "en": "English", "es": "Español", "fr": "Français", "it": "Italiano",
    "ko": "한국어", "pl": "Polski", "pt": "Português", "ru": "Русский",
    "uk": "Українська", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip
"""Languages in their own words; one that is not here is shown as its code."""
AREA_NAMES = {
    "business": phrase("Business"), "criminal": phrase("Criminal"), "employment": phrase("Employment"),
    "estate": phrase("Estate"), "family": phrase("Family"), "immigration": phrase("Immigration"),
}  # fmt: skip
"""Practice areas that we know a word for in every language; another is shown as it is configured."""

REQUIRED = phrase("Please fill in this field.")
CHECK_ADDRESS = phrase("Please check this address.")
WRONG_KEY = phrase("Use 1 to 255 visible ASCII characters.")


class Cut(str):
    """The beginning of a text that is longer than its field may be: shown again, and no more looked at."""

    __slots__ = ()


def _at_most(most: int) -> Callable[[Any], str]:
    """A filter that makes a text regular, or cuts it where it is too long."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            return ""  # a file where a text belongs is no text
        try:
            return regular(value, most)
        except TooLong:
            return Cut(value.strip()[: most * TYPED_PER_CHARACTER])

    return read


class Fits:
    """Refuses a text that was cut."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        """Judge one text field."""
        if isinstance(field.data, Cut):
            raise StopValidation(self.sentence)


class Readable:
    """Refuses what cannot be shown, or would show as something else."""

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        """Judge one text field."""
        if has_controls(field.data or ""):
            raise StopValidation(phrase("This has characters that cannot be shown. Please type it again."))
        if is_invisible(field.data or ""):
            raise StopValidation(REQUIRED)


class OneOfConfigured:
    """Takes one of the values of a setting, or nothing."""

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        """Judge one field."""
        values = _values(self.setting)
        if field.data and field.data not in values:
            raise ValidationError(said("Please choose one of: %(values)s.", values=", ".join(values)))


def _name(label: str, autocomplete: str) -> StringField:
    judges: list[Callable[..., None]] = [
        DataRequired(REQUIRED),
        Fits(phrase("Please use 100 characters at most.")),
        Readable(),
    ]
    filters = [_at_most(LONGEST_NAME)]
    return StringField(label, filters=filters, validators=judges, render_kw={"autocomplete": autocomplete})


class IntakeForm(FlaskForm):
    """The intake form. It knows no session: a token in one breaks the form in an iframe."""

    class Meta:
        """Flask-WTF would ask for a CSRF token by itself."""

        csrf = False

    first_name = _name(phrase("First name"), "given-name")
    last_name = _name(phrase("Last name"), "family-name")
    email = StringField(
        phrase("E-mail"),
        filters=[_at_most(LONGEST_EMAIL)],
        validators=[DataRequired(REQUIRED), Fits(CHECK_ADDRESS)],
    )
    practice_area = SelectField(
        phrase("What is it about?"), validate_choice=False, filters=[_at_most(LONGEST_CHOICE)]
    )
    language = SelectField(
        phrase("Language you prefer"), validate_choice=False, filters=[_at_most(LONGEST_CHOICE)]
    )
    resume_file = FileField(phrase("Resume or CV"))
    submission_id = HiddenField(phrase("This form"), filters=[_at_most(LONGEST_KEY)])
    website = StringField(phrase("Leave this empty"), filters=[_at_most(LONGEST_CHOICE)])
    """A trap: nobody sees it, programs fill it in."""
    opened = HiddenField(filters=[_at_most(LONGEST_SEAL)])
    altcha = HiddenField(filters=[_at_most(LONGEST_PROOF)])
    """What is longer is cut, and so it is neither a seal of ours nor a proof."""

    def __init__(self) -> None:
        super().__init__()
        self.verdict: Verdict | None = None
        self.too_large = False
        areas = {area: said(name) for area, name in AREA_NAMES.items()}
        self.practice_area.choices = _choices("PRACTICE_AREAS", phrase("I am not sure"), areas)
        self.language.choices = _choices("LANGUAGES", phrase("No preference"), LANGUAGE_NAMES)
        for field in self._fields.values():
            field.label.text = said(field.label.text)

    def validate_practice_area(self, field: Field) -> None:
        """One of PRACTICE_AREAS."""
        OneOfConfigured("PRACTICE_AREAS")(self, field)

    def validate_language(self, field: Field) -> None:
        """One of LANGUAGES."""
        OneOfConfigured("LANGUAGES")(self, field)

    def validate_email(self, field: Field) -> None:
        """RFC 5321 and 5322 syntax, no look-up; kept in its regular form."""
        try:
            field.data = mail_address(field.data)
        except BadAddress as error:
            raise ValidationError(
                phrase("Please check this address; it should look like name@example.com.")
            ) from error

    def validate_resume_file(self, field: Field) -> None:
        """One file of a kind we take."""
        files = [file for _, file in request.files.items(multi=True) if file.filename]
        chosen = field.data
        if not isinstance(chosen, FileStorage) or not chosen.filename:
            raise ValidationError(phrase("Please choose your resume or CV."))
        if len(files) > 1:
            raise ValidationError(phrase("Please send one file only."))
        try:
            self.verdict = documents.judge(chosen.filename, chosen.stream, sender=client_counted())
        except Refused as error:
            self.too_large = isinstance(error, TooLarge)
            raise ValidationError(str(error)) from error

    def validate_submission_id(self, field: Field) -> None:
        """Printable ASCII; the header Idempotency-Key means the same and must not contradict."""
        header = request.headers.get("Idempotency-Key", "")
        if len(header) > LONGEST_KEY + 2 or isinstance(field.data, Cut):
            raise ValidationError(WRONG_KEY)
        header = header.strip().strip('"')
        if field.data and header and field.data != header:
            raise ValidationError(phrase("Idempotency-Key and submission_id differ. Send one of them."))
        field.data = field.data or header
        if len(field.data) > LONGEST_KEY or not all("!" <= char <= "~" for char in field.data):
            raise ValidationError(WRONG_KEY)

    def judged(self) -> bool:
        """Validate everything, repeated fields and files in the place of texts included."""
        valid = bool(self.validate())
        for name, field in self._fields.items():
            texts, files = len(request.form.getlist(name)), len(request.files.getlist(name))
            takes_files = isinstance(field, FileField)
            if texts + (min(files, 1) if takes_files else files) > 1:
                reason = phrase("Please send this field once.")
            elif files and not takes_files:
                reason = phrase("Please send this as text, not as a file.")
            else:
                continue
            field.errors = [*field.errors, reason]
            valid = False
        self._say_errors()
        return valid

    def signs(self) -> signs.Signs:
        """What the fields that people do not fill in tell of who sent it."""
        told = {"website": self.website, "opened": self.opened, "proof": self.altcha}
        return signs.read(**{name: field.data or "" for name, field in told.items()})

    def blame(self, errors: Errors) -> None:
        """Take over what a rule beyond the form found wrong with its fields."""
        for name, reasons in errors.items():
            self._fields[name].errors = list(reasons)
        self._say_errors()

    def _say_errors(self) -> None:
        for field in self._fields.values():
            field.errors = [said(str(reason)) for reason in field.errors]


def _choices(setting: str, nothing: str, words: Mapping[str, str]) -> list[tuple[str, str]]:
    named = {value: value.replace("-", " ").capitalize() for value in _values(setting)} | dict(words)
    return [("", said(nothing)), *((value, named[value]) for value in _values(setting))]


def _values(setting: str) -> list[str]:
    values: list[str] = current_app.config[setting]
    return values
