"""Forms, validated by the schemas of the JSON routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from leadintake.auth.mfa.factors import SecondFactorRequired
from leadintake.core.db.transaction import rollback
from leadintake.core.errors import Refusal, answer_to
from leadintake.core.http.api import validate

Schema = TypeVar("Schema", bound=msgspec.Struct)
IGNORED_FIELDS = frozenset({"csrf_token", "signer", "version", "shown_name", "shown_email"})


def parse_form(schema: type[Schema], *, but: frozenset[str] = frozenset()) -> Schema:
    """Build `schema` from the form, without the fields in `but`. Raises UnprocessableContent."""
    return _validate_form(schema, request.form, IGNORED_FIELDS | but)


def parse_query(schema: type[Schema]) -> Schema:
    """Build `schema` from the query string. Raises UnprocessableContent."""
    return parse_values(schema, request.args)


def parse_values(schema: type[Schema], typed: Mapping[str, str]) -> Schema:
    """Build `schema` from the values of a query string. Raises UnprocessableContent."""
    return _validate_form(schema, typed, set())


def _validate_form(schema: type[Schema], typed: Mapping[str, str], but: set[str] | frozenset[str]) -> Schema:
    """Validate without empty fields, which browsers send, too."""
    filled = {name: value for name, value in typed.items() if name not in but and value.strip()}
    return validate(schema, filled, strict=False)


def read_form_version() -> frozenset[str] | None:
    """Return the version that the page showed, as If-Match does in JSON routes."""
    version = request.form.get("version")
    return None if version is None else frozenset({version})


def redirect_with_reasons(refusal: Refusal, back: str) -> Response:
    """Redirect a refused POST to `back` with the reasons; respond to other requests with an error page."""
    if isinstance(refusal, SecondFactorRequired):
        back = url_for("desk.account.show")
    elif request.method != "POST":
        return answer_to(refusal)
    rollback()  # a redirect would commit
    reasons = [reason for found in (refusal.errors or {}).values() for reason in found]
    flash(" ".join(reasons) or refusal.detail, "problem")
    return redirect(back, 303)
