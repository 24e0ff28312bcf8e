"""Enter a lead in place of the prospect."""

from __future__ import annotations

import contextlib
from typing import IO

from leadintake.auth.models import User
from leadintake.core.errors import NotFound
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

        The prospect gets no confirmation. Keys are the actor's own: who knows the key of a colleague, or of a
        prospect, learns nothing by it. Raises UnprocessableContent for a key with other content.
        """
        own_key = f"staff {actor.id} {key}" if key else None
        return intake.submit(Submission(values, resume, own_key, entered_by=actor), file)

    def find(self, key: LeadKey, *, reader: User) -> Lead | None:
        """Return a lead just entered, if `reader` may open it.

        They may not if a wall hides the client from them, or with ATTORNEY_VISIBILITY=own if it went to a
        colleague.
        """
        with contextlib.suppress(NotFound):
            return leads.get(key, reader=reader)
        return None


entry = Entry()
