"""What the sender is told about a document with more in it than words."""

from __future__ import annotations


def N_(sentence: str) -> str:  # noqa: N802 - the name by which gettext's tools find sentences
    """Mark a sentence for translation; whoever shows it translates it."""
    return sentence


DAMAGED = N_("This document is damaged. Please save it again and send the new file.")
LOCKED = N_("This document is locked with a password. Please remove the password and send it again.")
MACROS = N_("This document contains macros. Please save it as PDF and try again.")
CONTROLS = N_("This document contains form controls that run code. Please save it as PDF and try again.")
PROGRAM = N_("This document carries a program inside. Please save it as PDF and try again.")
PACKED = N_("This document carries other files inside. Please save it as PDF and try again.")
FETCHES = N_(
    "This document fetches content from elsewhere when it is opened. Please save it as PDF and try again."
)
LINK_TO_PROGRAM = N_(
    "This document has a link that starts a program or opens a file of another computer. "
    "Please remove the link, or open it and save it as PDF, and try again."
)
OTHER_FORMAT = N_("This document has a web page or a script inside. Please save it as PDF and try again.")
TOO_MUCH = N_("This document unpacks to far more than a resume needs. Please save it as PDF and try again.")
UNUSUAL = N_(
    "This document holds content that word processors do not write. Please save it as PDF and try again."
)
TOO_COMPLICATED = N_(
    "This file is too complicated to be checked. Please open it, save it as PDF and send that file."
)
TOO_OLD = N_("This document was saved by a very old version of Word. Please save it as PDF and try again.")

PDF_DAMAGED = N_("This PDF is damaged or incomplete. Please save it again and try again.")
PDF_UNUSUAL = N_("This PDF is packed in an unusual way. Please save it again and try again.")
PDF_TOO_MUCH = N_("This PDF unpacks to far more than a resume. Please save it again and try again.")
PDF_TWO_FILES = N_("This PDF has another file behind its end. Please save it again and try again.")
