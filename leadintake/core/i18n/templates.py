"""Templates in one language: `{% trans %}` is translated once, when a template is compiled."""

from __future__ import annotations

import re
from typing import Any

import jinja2
from babel.support import NullTranslations
from jinja2 import nodes
from jinja2.ext import InternationalizationExtension

PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class CompiledTranslations(InternationalizationExtension):
    """Translates by the `catalogue` of the environment. Sentences have no plural form and no context."""

    def _make_node(
        self,
        singular: str,
        plural: str | None,
        context: str | None,
        variables: dict[str, nodes.Expr],
        *_: Any,
    ) -> nodes.Output:
        """Return a sentence as text with its variables, which Jinja escapes as all others."""
        if plural is not None or context is not None:
            raise jinja2.TemplateSyntaxError("Write sentences without plural and context.", 1)
        catalogue: NullTranslations = self.environment.catalogue  # type: ignore[attr-defined] # of use_catalogue
        parts: list[nodes.Expr] = []
        for number, part in enumerate(PLACEHOLDER.split(catalogue.gettext(singular))):
            parts.append(variables[part] if number % 2 else nodes.TemplateData(part.replace("%%", "%")))
        return nodes.Output(parts)


def use_catalogue(templates: jinja2.Environment, catalogue: NullTranslations) -> None:
    """Have `{% trans %}` of these templates translate by this catalogue."""
    templates.extend(catalogue=catalogue)
    templates.add_extension(CompiledTranslations)
