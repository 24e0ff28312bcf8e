"""Enter a lead in place of the prospect."""

from __future__ import annotations

import contextlib
from typing import IO

from flask import current_app

from leadintake.auth.models import User
from leadintake.core.errors import NotFound
from leadintake.core.i18n.languages import ENGLISH, supported_language
from leadintake.documents.verdict import Verdict
from leadintake.leads.fields import Values
from leadintake.leads.intake.service import Submission, intake
from leadintake.leads.models import Lead
from leadintake.leads.reference import LeadKey
from leadintake.leads.service import leads


class Entry:
    """Entry of leads by staff: stored, assigned, screened and announced as those of the form."""

    def enter(
        self, values: Values, resume: Verdict | None, file: IO[bytes] | None, *, key: str, actor: User
    ) -> tuple[Lead, bool]:
        """Store a lead once per key. Return it, and whether it was stored before.

        The prospect gets no confirmation; without `language`, replies are in the firm's first. Keys are the
        actor's own: who knows the key of a colleague, or of a prospect, learns nothing by it. Raises
        UnprocessableContent for a key with other content.
        """
        own_key = f"staff {actor.id} {key}" if key else None
        submission = Submission(values, resume, own_key, page_language=_firm_language(), entered_by=actor)
        return intake.submit(submission, file)

    def find(self, key: LeadKey, *, reader: User) -> Lead | None:
        """Return a lead just entered, if `reader` may open it.

        They may not if a wall hides the client from them, or with ATTORNEY_VISIBILITY=own if it went to a
        colleague.
        """
        with contextlib.suppress(NotFound):
            return leads.get(key, reader=reader)
        return None


def _firm_language() -> str:
    """Return the first of the firm's languages that mails are written in."""
    languages: list[str] = current_app.config["LANGUAGES"]
    return next((found for one in languages if (found := supported_language(one))), ENGLISH)


entry = Entry()
