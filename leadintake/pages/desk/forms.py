"""What was typed into a form of the desk, judged by the schemas that judge JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from leadintake.auth.factors import MoreWanted
from leadintake.core.api import judge
from leadintake.core.errors import Refusal, Stale, answer_to
from leadintake.core.transaction import rollback

Schema = TypeVar("Schema", bound=msgspec.Struct)
NOT_SAID = frozenset({"csrf_token", "version"})


def said(schema: type[Schema], *, but: frozenset[str] = frozenset()) -> Schema:
    """The fields that were filled in, as `schema`; `but` are fields for others. Raises Invalid."""
    return _judged(schema, request.form, NOT_SAID | but)


def asked(schema: type[Schema], **instead: str) -> Schema:
    """The filters that were filled in, as `schema`; `instead` replaces some. Raises Invalid."""
    return _judged(schema, {**request.args, **instead}, set())


def _judged(schema: type[Schema], typed: Mapping[str, str], but: set[str] | frozenset[str]) -> Schema:
    """A browser sends every field of a form: what is empty was not said."""
    filled = {name: value for name, value in typed.items() if name not in but and value.strip()}
    return judge(schema, filled, strict=False)


def expect_version_seen(version: int) -> None:
    """Raise Stale when the page showed another version than there is: as If-Match does for programs."""
    if request.form.get("version", str(version)) != str(version):
        raise Stale("A colleague changed this lead meanwhile. Here is how it is now.")


def say_why_not(refusal: Refusal, back: str) -> Response:
    """Say on the page at `back`, as it is now, why an act was refused. A page refused is an error page."""
    if isinstance(refusal, MoreWanted):
        back = url_for("desk.account.show")
    elif request.method != "POST":
        return answer_to(refusal)
    rollback()  # a redirect would keep what the act had done so far
    reasons = [reason for found in (refusal.errors or {}).values() for reason in found]
    flash(" ".join(reasons) or refusal.detail, "problem")
    return redirect(back, 303)
