"""The declared fields as inputs of the form, with filters and validators by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import current_app
from flask_wtf import FlaskForm
from wtforms import EmailField, Field, SelectField, StringField, TelField, ValidationError
from wtforms.validators import StopValidation

from leadintake.core.addresses import MAX_TYPED_LENGTH as MAX_EMAIL_LENGTH
from leadintake.core.addresses import BadAddress, mail_address
from leadintake.core.i18n.languages import N_, _
from leadintake.core.phones import shown_text
from leadintake.core.text import TYPED_PER_CHARACTER, TooLong, has_controls, is_invisible, normalize_text
from leadintake.leads.fields import FIELDS, Choices, FormField, Kind

CHECK_ADDRESS = N_("Check your e-mail address.")
KEYBOARDS = {Kind.EMAIL: "email", Kind.PHONE: "tel"}
"""On-screen keyboards (`inputmode`)."""

Filter = Callable[[Any], str]
Validator = Callable[[FlaskForm, Field], None]


class TruncatedText(str):
    """The start of an overlong text: shown again, refused by LengthCheck."""

    __slots__ = ()


def limit_length(most: int) -> Filter:
    """Return a filter that normalizes a text, or truncates an overlong one."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            return ""  # a file sent in place of a text
        try:
            return normalize_text(value, most)
        except TooLong:
            return TruncatedText(value.strip()[: most * TYPED_PER_CHARACTER])

    return read


def _strip_invisible(text: str) -> str:
    """Filter after `limit_length`: remove invisible characters."""
    return text if isinstance(text, TruncatedText) else shown_text(text)


class RequiredCheck:
    """Refuse an empty required field; end the validation of an empty optional one."""

    def __init__(self, declared: FormField) -> None:
        self.declared = declared

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        if not field.data:
            required = self.declared.resolve_demand(current_app.config) == "required"
            raise StopValidation(self.declared.missing if required else "")


class LengthCheck:
    """Refuse a truncated text."""

    def __init__(self, declared: FormField) -> None:
        self.declared = declared

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        if not isinstance(field.data, TruncatedText):
            return
        if self.declared.kind is Kind.EMAIL:
            raise StopValidation(CHECK_ADDRESS)
        label, most = _(self.declared.label), self.declared.longest
        raise StopValidation(_("%(label)s: use %(most)s characters at most.", label=label, most=most))


class ReadableCheck:
    """Refuse control characters and invisible texts."""

    def __init__(self, declared: FormField) -> None:
        self.declared = declared

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        if has_controls(field.data or ""):
            sentence = N_("%(label)s: some characters cannot be shown. Type it again.")
            raise StopValidation(_(sentence, label=_(self.declared.label)))
        if is_invisible(field.data or ""):
            raise StopValidation(self.declared.missing)


class ChoiceCheck:
    """Require a value of the setting."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        values = current_app.config[self.choices.setting]
        if field.data not in values:
            raise ValidationError(_("Please choose one of: %(values)s.", values=", ".join(values)))


class AddressCheck:
    """Require and normalize an address (RFC 5321, 5322), without a DNS query."""

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        try:
            field.data = mail_address(field.data)
        except BadAddress as error:
            raise ValidationError(
                N_("Check your e-mail address; it should look like name@example.com.")
            ) from error


def make_inputs(fields: Iterable[FormField] = FIELDS) -> dict[str, Field]:
    """Return an input for each declared field, by name."""
    return {form_field.name: _make_input(form_field) for form_field in fields}


def list_options(choices: Choices) -> list[tuple[str, str]]:
    """Return the options of a field, labelled in the current language."""
    values: list[str] = current_app.config[choices.setting]
    named = {value: value.replace("-", " ").capitalize() for value in values}
    named |= {value: _(name) for value, name in choices.names.items()}
    return [("", _(choices.empty_label)), *((value, named[value]) for value in values)]


def _make_input(form_field: FormField) -> Field:
    if form_field.kind is Kind.CHOICE:
        assert form_field.choices is not None, form_field.name  # noqa: S101 - FIELDS declares them
        validators = [RequiredCheck(form_field), ChoiceCheck(form_field.choices)]
        return SelectField(
            form_field.label,
            validate_choice=False,
            filters=[limit_length(form_field.longest)],
            validators=validators,
        )
    inputs: dict[Kind, type[Field]] = {Kind.EMAIL: EmailField, Kind.PHONE: TelField}
    return inputs.get(form_field.kind, StringField)(
        form_field.label,
        filters=_make_filters(form_field),
        validators=[RequiredCheck(form_field), *_make_validators(form_field)],
        render_kw=_make_attributes(form_field),
    )


def _make_filters(form_field: FormField) -> list[Filter]:
    if form_field.kind is Kind.EMAIL:
        return [limit_length(MAX_EMAIL_LENGTH)]
    return (
        [limit_length(form_field.longest), _strip_invisible]
        if form_field.kind is Kind.PHONE
        else [limit_length(form_field.longest)]
    )


def _make_validators(form_field: FormField) -> list[Validator]:
    if form_field.kind is Kind.EMAIL:
        return [LengthCheck(form_field), AddressCheck()]
    fits = LengthCheck(form_field)
    return [fits] if form_field.kind is Kind.PHONE else [fits, ReadableCheck(form_field)]


def _make_attributes(form_field: FormField) -> dict[str, object]:
    attributes = {
        "maxlength": form_field.longest,
        "autocomplete": form_field.autocomplete,
        "inputmode": KEYBOARDS.get(form_field.kind),
    }
    return {name: value for name, value in attributes.items() if value}
