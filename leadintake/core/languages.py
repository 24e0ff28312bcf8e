"""The languages prospects are spoken to in. The firm's own side is English.

A sentence stands where its rule is, in English, marked by `phrase` for the catalogues in translations/. It is
translated where somebody is about to read it, by `said`: no rule needs to know of a request.
"""

from __future__ import annotations

import math
import re
import typing
from contextlib import AbstractContextManager
from pathlib import Path

import jinja2
from babel import Locale
from babel.numbers import format_decimal
from flask import Flask, Response, has_request_context, request
from flask_babel import Babel, force_locale, get_locale, gettext, ngettext
from werkzeug.exceptions import HTTPException

Language = typing.Literal["en", "es"]
ENGLISH = "en"
LANGUAGES: tuple[str, ...] = typing.get_args(Language)
TRANSLATIONS = Path(__file__).parent / "translations"
FIRMS_SIDE = (
    "/internal", "/desk", "/account", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs",
)  # fmt: skip
"""Where only the firm's own people and programs come."""
WRITTEN_FOR_PEOPLE = {"text/html", "application/problem+json"}
MB = 1024 * 1024


def init_app(app: Flask) -> None:
    """Let every page speak the language of its reader, and every answer say which it speaks."""
    Babel(app, default_translation_directories=str(TRANSLATIONS), locale_selector=_preferred)
    app.jinja_env.globals.update(
        language=spoken, direction=direction, other_languages=others, size_in_words=size_in_words
    )
    app.after_request(_declare)


def phrase(text: str) -> str:
    """Mark a text for the catalogues; `said` translates it."""
    return text


def said(text: str, **values: object) -> str:
    """A text in the language being spoken; one that is in no catalogue as it is."""
    return str(gettext(text, **values)) if text else ""


def translate_in(templates: jinja2.Environment) -> None:
    """Let templates beside those of the application's pages say `_` and `{% trans %}` too."""
    templates.add_extension("jinja2.ext.i18n")
    install = templates.install_gettext_callables  # type: ignore[attr-defined] # the extension made it
    install(said, ngettext, newstyle=True)


def spoken() -> str:
    """The language being spoken: the reader's in a request, English elsewhere."""
    locale = get_locale()
    return locale.language if locale else ENGLISH


def speaking(language: str) -> AbstractContextManager[None]:
    """Speak this language for a while."""
    forced: AbstractContextManager[None] = force_locale(language)
    return forced


def asked() -> str | None:
    """The language that the address itself asks for, if we speak it: links carry it on."""
    try:
        wanted = request.args.get("lang")
    except HTTPException:
        return None  # the address cannot be read, which is just being said
    return wanted if wanted in LANGUAGES else None


def ours(tag: str | None) -> str | None:
    """The language of a tag (RFC 5646) if we speak it, whatever the region."""
    language = re.split("[-_]", tag or "", maxsplit=1)[0].lower()
    return language if language in LANGUAGES else None


def others() -> list[tuple[str, str]]:
    """The languages not being spoken now, each with its name in its own words."""
    return [(one, _own_name(one)) for one in LANGUAGES if one != spoken()]


def direction(language: str | None = None) -> str:
    """`ltr` or `rtl`, as the language (the one being spoken) is written."""
    return Locale.parse(language or spoken()).text_direction


def size_in_words(count: int) -> str:
    """So many bytes for people, never more than there are."""
    if count < MB:
        return f"{format_decimal(count // 1024, locale=spoken())} KB"
    return f"{format_decimal(math.floor(count * 100 / MB) / 100, locale=spoken())} MB"


def _own_name(language: str) -> str:
    return (Locale.parse(language).get_display_name(language) or language).capitalize()


def _preferred() -> str:
    if not has_request_context() or request.path.startswith(FIRMS_SIDE):
        return ENGLISH
    return asked() or _best_accepted()


def _best_accepted() -> str:
    """The first in the browser's own order; Werkzeug's best_match takes `es-MX, en;q=0.5` for English."""
    for tag, quality in request.accept_languages:
        if quality > 0 and (language := ours(tag)):
            return language
    return ENGLISH


def _declare(response: Response) -> Response:
    redirects = 300 <= response.status_code < 400
    if redirects or response.mimetype not in WRITTEN_FOR_PEOPLE or request.path.startswith(FIRMS_SIDE):
        return response
    response.headers["Content-Language"] = spoken()
    if asked() is None:
        response.vary.add("Accept-Language")
    return response
