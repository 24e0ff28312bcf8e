"""Templates of replies: verbs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from flask import current_app

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.errors import NotFound, UnprocessableContent
from leadintake.core.i18n.languages import _, supported_language, use_language
from leadintake.leads.fields import AREA_NAMES
from leadintake.leads.models import Lead
from leadintake.leads.replies.models import ReplyTemplate
from leadintake.leads.replies.schemas import TemplateText
from leadintake.leads.replies.wording import (
    FIELDS,
    MAX_NAME_LENGTH,
    MAX_SUBJECT_LENGTH,
    PROSPECT_FIELDS,
    check_body,
    check_line,
    fill,
    list_empty_fields,
    list_fields,
    name_fields,
)

MAX_TEMPLATES = 200
SAMPLES = {
    "first_name": "Jane",
    "last_name": "Doe",
    "phone": "+1 202 555 0123",
    "reference": "7QM4-2XRF",
    "practice_area": "immigration",
}


class ReplyTemplates:
    """The firm's templates."""

    def list_all(self, *, first: str = "") -> Sequence[ReplyTemplate]:
        """Return all by language and name; those in the language `first` before the others."""
        order = (ReplyTemplate.language != first, ReplyTemplate.language, ReplyTemplate.name)
        return db.session.scalars(sa.select(ReplyTemplate).order_by(*order)).all()

    def get(self, template_id: uuid.UUID) -> ReplyTemplate:
        """Return a template. Raises NotFound."""
        found = db.session.scalar(sa.select(ReplyTemplate).where(ReplyTemplate.id == template_id))
        if found is None:
            raise NotFound("There is no such template.")
        return found

    def find(self, name: str, *, language: str) -> ReplyTemplate | None:
        """Return a template by id or name; of several with this name the one in `language`."""
        named = (item for item in self.list_all(first=language) if name in (str(item.id), item.name))
        return next(named, None)

    def create(self, text: TemplateText, *, actor: User) -> ReplyTemplate:
        """Create a template. Raises UnprocessableContent."""
        template = ReplyTemplate(**self.check(text))
        if len(self.list_all()) >= MAX_TEMPLATES:
            raise UnprocessableContent({"name": [f"There are {MAX_TEMPLATES} already. Delete one first."]})
        self._refuse_second(template)
        db.session.add(template)
        db.session.flush()
        self._record("created", template, actor=actor)
        return template

    def change(self, template: ReplyTemplate, text: TemplateText, *, actor: User) -> None:
        """Replace the texts of a template. Raises UnprocessableContent."""
        for name, value in self.check(text).items():
            setattr(template, name, value)
        with db.session.no_autoflush:
            self._refuse_second(template)
        db.session.flush()
        self._record("changed", template, actor=actor)

    def delete(self, template: ReplyTemplate, *, actor: User) -> None:
        """Delete a template. Replies that began with it stay."""
        template.deleted_at = now()
        db.session.flush()
        self._record("deleted", template, actor=actor)

    def check(self, text: TemplateText) -> dict[str, str]:
        """Return the texts as they are stored. Raises UnprocessableContent, which names unknown fields."""
        errors: dict[str, list[str]] = {}
        name = check_line(text.name, MAX_NAME_LENGTH, errors, "name")
        subject = check_line(text.subject, MAX_SUBJECT_LENGTH, errors, "subject")
        body = check_body(text.body, errors)
        by_prospect = [field for field in list_fields(subject) if field in PROSPECT_FIELDS]
        if by_prospect:
            words = f"A subject cannot have {name_fields(by_prospect)}: no text of a prospect goes there."
            errors.setdefault("subject", []).append(words)
        for field, value in (("subject", subject), ("body", body)):
            unknown = [found for found in list_fields(value) if found not in FIELDS]
            if unknown:
                words = f"There is no field {name_fields(unknown)}. For a brace, write it twice."
                errors.setdefault(field, []).append(words)
        if errors:
            raise UnprocessableContent(errors)
        return {"name": name, "language": text.language, "subject": subject, "body": body}

    def fill_for(self, template: ReplyTemplate, lead: Lead, author: User) -> tuple[str, str]:
        """Return subject and body for a lead. A field without a value stays in its braces."""
        values = values_of(lead, author, template.language)
        return fill(template.subject, values), fill(template.body, values)

    def empty_fields_for(self, template: ReplyTemplate, lead: Lead, author: User) -> dict[str, list[str]]:
        """Return the fields without a value by text, `subject` and `body`."""
        values = values_of(lead, author, template.language)
        texts = {"subject": template.subject, "body": template.body}
        return {name: list_empty_fields(text, values) for name, text in texts.items()}

    def preview(self, subject: str, body: str, author: User) -> tuple[str, str]:
        """Return subject and body with the values of a prospect who does not exist."""
        values = {**SAMPLES, **_values_of_firm(author)}
        values["phone"] = values["phone"] or SAMPLES["phone"]
        return fill(subject, values), fill(body, values)

    def _refuse_second(self, template: ReplyTemplate) -> None:
        same = sa.select(ReplyTemplate.id).where(
            ReplyTemplate.name == template.name, ReplyTemplate.language == template.language
        )
        if db.session.scalar(same.where(ReplyTemplate.id != template.id).limit(1)) is not None:
            raise UnprocessableContent({"name": ["There is a template of this name and language."]})

    def _record(self, action: str, template: ReplyTemplate, *, actor: User) -> None:
        audit.record(f"reply_template.{action}", actor=actor, about=("reply_template", template.id))


def list_fields_of_author(text: str, lead: Lead) -> list[str]:
    """Return the fields in a text that its author typed; braces in the name of the prospect are none."""
    for name in (lead.first_name, lead.last_name):
        text = text.replace(name, "") if "{" in name else text
    return [name for name in list_fields(text) if name in FIELDS]


def language_of(lead: Lead) -> str:
    """Return the language to write to the prospect in: the preferred one if supported, else the page's."""
    return supported_language(lead.language) or lead.page_language


def values_of(lead: Lead, author: User, language: str) -> Mapping[str, str]:
    """Return the values of the fields; empty where the firm or the lead has none."""
    area = lead.practice_area or ""
    with use_language(language):
        area_name = _(AREA_NAMES[area]) if area in AREA_NAMES else area.replace("-", " ")
    has_last_name = any(char.isalnum() for char in lead.last_name)
    return {
        **_values_of_firm(author),
        "first_name": lead.first_name,
        "last_name": lead.last_name if has_last_name else "",
        "reference": lead.reference,
        "practice_area": area_name.lower(),
    }


def _values_of_firm(author: User) -> dict[str, str]:
    config = current_app.config
    return {"attorney": author.name, "firm": config["FIRM_NAME"], "phone": config["FIRM_PHONE"]}


reply_templates = ReplyTemplates()
