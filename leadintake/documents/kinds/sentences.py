"""What the sender is told about a document with more in it than words."""

from __future__ import annotations

DAMAGED = "This document is damaged. Please save it again and send the new file."
LOCKED = "This document is locked with a password. Please remove the password and send it again."
MACROS = "This document contains macros. Please save it as PDF and try again."
CONTROLS = "This document contains form controls that run code. Please save it as PDF and try again."
PROGRAM = "This document carries a program inside. Please save it as PDF and try again."
PACKED = "This document carries other files inside. Please save it as PDF and try again."
FETCHES = (
    "This document fetches content from elsewhere when it is opened. Please save it as PDF and try again."
)
TOO_MUCH = "This document unpacks to far more than a resume needs. Please save it as PDF and try again."
UNUSUAL = (
    "This document holds content that word processors do not write. Please save it as PDF and try again."
)
TOO_OLD = "This document was saved by a very old version of Word. Please save it as PDF and try again."
