"""Languages of the prospects' side. The firm's side is English.

Sentences stand in English beside their rule, marked by `N_` for the catalogues in translations/. `_`
translates them when a page or answer is rendered: rules need no request.
"""

from __future__ import annotations

import functools
import math
import re
import typing
from contextlib import AbstractContextManager
from pathlib import Path

import jinja2
from babel import Locale
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from flask import Flask, Response, has_request_context, request
from flask_babel import Babel, force_locale, get_locale, gettext
from werkzeug.exceptions import HTTPException

from leadintake.core.i18n.templates import use_catalogue

Language = typing.Literal["en", "es"]
ENGLISH = "en"
LANGUAGES: tuple[str, ...] = typing.get_args(Language)
TRANSLATIONS = Path(__file__).parent / "translations"
FIRM_PATHS = (
    "/internal", "/desk", "/account", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs",
)  # fmt: skip
"""Paths for the firm's people and programs."""
TRANSLATED_TYPES = {"text/html", "application/problem+json"}
MB = 1024 * 1024


def init_app(app: Flask) -> None:
    """Select a language for each page; declare it in each answer."""
    Babel(app, default_translation_directories=str(TRANSLATIONS), locale_selector=_select_locale)
    app.jinja_env.globals.update(
        language=current_language,
        direction=direction,
        other_languages=other_languages,
        size_in_words=size_in_words,
    )
    app.after_request(_add_headers)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a text for the catalogues; `_` translates it."""
    return text


def _(text: str, **values: object) -> str:
    """Translate a text, if a translation exists."""
    return str(gettext(text, **values)) if text else ""


def translate_into(language: str, templates: jinja2.Environment) -> NullTranslations:
    """Make `{% trans %}` of these templates translate into one language; return its catalogue."""
    catalogue = Translations.load(TRANSLATIONS, [language])
    use_catalogue(templates, catalogue)
    return catalogue


def current_language() -> str:
    """Return the reader's language in a request, else English."""
    locale = get_locale()
    return locale.language if locale else ENGLISH


def use_language(language: str) -> AbstractContextManager[None]:
    """Switch the language inside the block."""
    forced: AbstractContextManager[None] = force_locale(language)
    return forced


def requested_language() -> str | None:
    """Return the language in the query, if supported; links pass it on."""
    try:
        language = request.args.get("lang")
    except HTTPException:
        return None  # an invalid query, which the answer reports
    return language if language in LANGUAGES else None


def supported_language(tag: str | None) -> str | None:
    """Return the language of a tag (RFC 5646) if supported, ignoring the region."""
    language = re.split("[-_]", tag or "", maxsplit=1)[0].lower()
    return language if language in LANGUAGES else None


def other_languages() -> list[tuple[str, str]]:
    """Return the other languages, each with its own name."""
    return [(language, _own_name(language)) for language in LANGUAGES if language != current_language()]


def direction(language: str | None = None) -> str:
    """Return `ltr` or `rtl` for a language, by default the current."""
    return _direction_of(language or current_language())


@functools.cache
def _direction_of(language: str) -> str:
    return Locale.parse(language).text_direction


def size_in_words(count: int) -> str:
    """Format a number of bytes, rounded down."""
    if count < MB:
        return f"{format_decimal(count // 1024, locale=current_language())} KB"
    return f"{format_decimal(math.floor(count * 100 / MB) / 100, locale=current_language())} MB"


def _own_name(language: str) -> str:
    return (Locale.parse(language).get_display_name(language) or language).capitalize()


def _select_locale() -> str:
    if not has_request_context() or request.path.startswith(FIRM_PATHS):
        return ENGLISH
    return requested_language() or _best_accepted()


def _best_accepted() -> str:
    """Return the browser's first match; best_match takes `es-MX, en;q=0.5` for English."""
    for tag, quality in request.accept_languages:
        if quality > 0 and (language := supported_language(tag)):
            return language
    return ENGLISH


def _add_headers(response: Response) -> Response:
    redirects = 300 <= response.status_code < 400
    if redirects or response.mimetype not in TRANSLATED_TYPES or request.path.startswith(FIRM_PATHS):
        return response
    response.headers["Content-Language"] = current_language()
    if requested_language() is None:
        response.vary.add("Accept-Language")
    return response
