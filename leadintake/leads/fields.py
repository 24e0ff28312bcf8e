"""The fields of the intake form, each declared once, in the order of the page.

FIELDS defines the form, OpenAPI document, fingerprint, JSON, CSV, search and desk page of a lead. A field is
stored in the column of `leads` with its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from leadintake.core import addresses, phones
from leadintake.core.i18n.languages import N_
from leadintake.core.text import fold_search, fold_texts

MAX_NAME_LENGTH, MAX_CHOICE_LENGTH = 100, 100
MAX_SEARCH_LINE_LENGTH = 1000
"""Characters of the columns `searchable` and `search_text`."""
SEARCH_END = "  "
"""End of a search text: its last characters begin parts of three characters, too (search_index.py)."""
LANGUAGE_NAMES = {
    "ar": "العربية", "de": "Deutsch", "en": "English", "es": "Español", "fr": "Français", "it": "Italiano",
    "ko": "한국어", "pl": "Polski", "pt": "Português", "ru": "Русский",
    "uk": "Українська", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip
"""Languages in their own words. The page shows the code of others, capitalized; the desk always the code."""
AREA_NAMES = {
    "business": N_("Business"), "criminal": N_("Criminal"), "employment": N_("Employment"),
    "estate": N_("Estate"), "family": N_("Family"), "immigration": N_("Immigration"),
}  # fmt: skip
"""Practice areas with translations. Others are shown capitalized, with spaces for hyphens."""

NO_LAST_NAME = "-"
"""Last name of somebody who has one name only."""

Demand = Literal["off", "optional", "required"]
Values = Mapping[str, str | None]
"""Form values by field name; None where empty."""


class Kind(StrEnum):
    """Kind of a field: defines input, validation, schema and display."""

    NAME = "name"
    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"
    CHOICE = "choice"


@dataclass(frozen=True)
class Choices:
    """Options of a choice field: the values of `setting`. `names`: labels by value."""

    setting: str
    empty_label: str
    names: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class FormField:
    """A form field. `label`, `hint`: for the page; `title`: for the desk; `longest`: characters."""

    name: str
    kind: Kind
    label: str
    title: str
    longest: int
    demand: Demand = "optional"
    demand_setting: str = ""
    """Setting whose value replaces `demand`."""
    missing: str = N_("Please fill in this field.")
    """What is said where a required field is empty."""
    hint: str = ""
    autocomplete: str = ""
    """Token of the HTML standard."""
    shares_row: bool = False
    """Whether it shares a row with neighbours that set this, too."""
    choices: Choices | None = None
    in_fingerprint: bool = True
    in_lists: bool = True
    in_csv: bool = True
    in_search: bool = False
    format_value: Callable[[str], str] = field(default=str)
    """Format a value for the desk."""
    normalize: Callable[[str, Mapping[str, Any]], str] = field(default=lambda text, _settings: text)
    """Convert a valid value to its stored form, by the settings."""

    def resolve_demand(self, settings: Mapping[str, Any]) -> Demand:
        """Return the demand with these settings."""
        found: Demand = settings[self.demand_setting] if self.demand_setting else self.demand
        return found


def _replace_hyphens(value: str) -> str:
    return value.replace("-", " ")


def _normalize_number(text: str, settings: Mapping[str, Any]) -> str:
    return phones.regular_number(text, settings["PHONE_REGION"])


FIELDS = (
    FormField(
        name="first_name", kind=Kind.NAME, label=N_("First name"), title="First name", demand="required",
        missing=N_("Enter your first name."),
        longest=MAX_NAME_LENGTH, autocomplete="given-name", shares_row=True, in_search=True,
    ),
    FormField(
        name="last_name", kind=Kind.NAME, label=N_("Last name"), title="Last name", demand="required",
        missing=N_("Enter your last name."),
        longest=MAX_NAME_LENGTH, autocomplete="family-name", shares_row=True, in_search=True,
    ),
    FormField(
        name="email", kind=Kind.EMAIL, label=N_("E-mail"), title="E-mail", demand="required",
        longest=addresses.MAX_LENGTH, autocomplete="email", in_search=True,
        missing=N_("Enter your e-mail address."), hint=N_("We answer to this address."),
    ),
    FormField(
        name="phone", kind=Kind.PHONE, label=N_("Phone number"), title="Phone", demand_setting="ASK_PHONE",
        longest=phones.MAX_LENGTH, autocomplete="tel", in_search=True,
        missing=N_("Enter your phone number."),
        hint=N_("So that we can call you. Write it the way you usually do."),
        format_value=phones.spaced_number, normalize=_normalize_number,
    ),
    FormField(
        name="practice_area", kind=Kind.CHOICE, label=N_("What is it about?"), title="Practice area",
        longest=MAX_CHOICE_LENGTH, shares_row=True, format_value=_replace_hyphens,
        choices=Choices("PRACTICE_AREAS", N_("I am not sure"), AREA_NAMES),
    ),
    FormField(
        name="language", kind=Kind.CHOICE, label=N_("Language you prefer"), title="Language",
        longest=MAX_CHOICE_LENGTH, shares_row=True,
        choices=Choices("LANGUAGES", N_("The language of this page"), LANGUAGE_NAMES),
    ),
)  # fmt: skip

FIRST_FINGERPRINT = ("first_name", "last_name", "email", "practice_area", "language")
"""Fields of the first version, in its order: its fingerprints must still match."""
FIRST_COLUMNS = (
    "id", "created_at", "updated_at", "first_name", "last_name", "email", "status",
    "practice_area", "language", "assigned_to", "resume", "reference", "phone", "reached_at",
    "outcome", "follow_up_at", "tags", "source",
)  # fmt: skip
"""Programs may know these by position: new columns follow."""


def values_of(lead: object) -> dict[str, str | None]:
    """Return the values of a lead by field."""
    return {form_field.name: getattr(lead, form_field.name) for form_field in FIELDS}


def full_name(first_name: str, last_name: str) -> str:
    """Return the name as people read it: without a last name that has no letter, as NO_LAST_NAME."""
    return f"{first_name} {last_name}" if any(char.isalnum() for char in last_name) else first_name


def list_enabled_fields(settings: Mapping[str, Any]) -> list[FormField]:
    """Return the fields that the form has with these settings."""
    return [form_field for form_field in FIELDS if form_field.resolve_demand(settings) != "off"]


def fingerprint_content(values: Values) -> list[Any]:
    """Return the content of the fingerprint: first fields by position, later fields by name unless empty.

    So a submission from before a later field existed matches when it is sent again.
    """
    later = {
        form_field.name: value
        for form_field in FIELDS
        if form_field.in_fingerprint
        and form_field.name not in FIRST_FINGERPRINT
        and (value := values.get(form_field.name))
    }
    first: list[Any] = [values.get(name) for name in FIRST_FINGERPRINT]
    return [first, later] if later else [first]


def search_line(values: Values) -> str:
    """Return the search text for processes of the version before."""
    return fold_texts(*_searched_parts(values))[:MAX_SEARCH_LINE_LENGTH]


def search_text(values: Values, reference: str) -> str:
    """Return the folded words of a lead, hyphenated ones both split and joined, then SEARCH_END."""
    parts = [reference, *_searched_parts(values)]
    words = " ".join(fold_search(part) for part in parts).split()
    joined = " ".join(fold_search(part, hyphen="") for part in parts).split()
    text = " ".join(dict.fromkeys([*words, *joined]))
    return text[: MAX_SEARCH_LINE_LENGTH - len(SEARCH_END)] + SEARCH_END


def _searched_parts(values: Values) -> list[str]:
    """Return the texts to search. Names come last: folding makes some longer than fits."""
    searched = [form_field for form_field in FIELDS if form_field.in_search]
    searched.sort(key=lambda form_field: form_field.kind is Kind.NAME)
    texts = [(form_field.kind, values.get(form_field.name) or "") for form_field in searched]
    return [phones.search_text(text) if kind is Kind.PHONE else text for kind, text in texts if text]


def listed_members() -> list[tuple[str, Any] | tuple[str, Any, Any]]:
    """Return the form fields in the JSON of a lead, as struct members for msgspec.

    Every lead has its names; what else the form demands may be unknown to staff who enter a lead.
    """
    return [
        (form_field.name, str if form_field.kind is Kind.NAME else str | None)
        for form_field in FIELDS
        if form_field.in_lists
    ]


def csv_columns() -> tuple[str, ...]:
    """Return the names of the CSV columns."""
    later = (
        form_field.name for form_field in FIELDS if form_field.in_csv and form_field.name not in FIRST_COLUMNS
    )
    return (*FIRST_COLUMNS, *later)


def form_schema(
    settings: Mapping[str, Any], fields: Sequence[FormField] = FIELDS
) -> tuple[list[str], dict[str, Any]]:
    """Return the names of the required fields, and the JSON schema of each enabled field."""
    enabled = [form_field for form_field in fields if form_field.resolve_demand(settings) != "off"]
    required = [
        form_field.name for form_field in enabled if form_field.resolve_demand(settings) == "required"
    ]
    return required, {form_field.name: _schema(form_field) for form_field in enabled}


def _schema(form_field: FormField) -> dict[str, Any]:
    keywords: dict[Kind, dict[str, Any]] = {
        Kind.NAME: {"minLength": 1, "maxLength": form_field.longest},
        Kind.TEXT: {"maxLength": form_field.longest},
        Kind.EMAIL: {"format": "email", "maxLength": form_field.longest},
        Kind.PHONE: {
            "maxLength": form_field.longest,
            "description": "Kept in E.164 where it can be read, else as it is; never refused for what it is.",
        },
        Kind.CHOICE: {},
    }
    return {"type": "string", **keywords[form_field.kind]}
