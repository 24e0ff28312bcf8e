"""What the sender is told about a document with more in it than words."""

from __future__ import annotations

from leadintake.core.languages import phrase

DAMAGED = phrase("This document is damaged. Please save it again and send the new file.")
LOCKED = phrase("This document is locked with a password. Please remove the password and send it again.")
MACROS = phrase("This document contains macros. Please save it as PDF and try again.")
CONTROLS = phrase("This document contains form controls that run code. Please save it as PDF and try again.")
PROGRAM = phrase("This document carries a program inside. Please save it as PDF and try again.")
PACKED = phrase("This document carries other files inside. Please save it as PDF and try again.")
FETCHES = phrase(
    "This document fetches content from elsewhere when it is opened. Please save it as PDF and try again."
)
TOO_MUCH = phrase(
    "This document unpacks to far more than a resume needs. Please save it as PDF and try again."
)
UNUSUAL = phrase(
    "This document holds content that word processors do not write. Please save it as PDF and try again."
)
TOO_OLD = phrase(
    "This document was saved by a very old version of Word. Please save it as PDF and try again."
)

PDF_DAMAGED = phrase("This PDF is damaged or incomplete. Please save it again and try again.")
PDF_UNUSUAL = phrase("This PDF is packed in an unusual way. Please save it again and try again.")
PDF_TOO_MUCH = phrase("This PDF unpacks to far more than a resume. Please save it again and try again.")
PDF_TWO_FILES = phrase("This PDF has another file behind its end. Please save it again and try again.")
