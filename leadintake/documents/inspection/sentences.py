"""Sentences of refusals, for the sender."""

from __future__ import annotations


def N_(sentence: str) -> str:  # noqa: N802 - the name by which gettext's tools find sentences
    """Mark a sentence for translation, which happens where it is shown."""
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
TEMPLATE = N_(
    "This document fetches its template from another computer when it is opened. "
    "Please save it as PDF and try again."
)
MAIL_MERGE = N_(
    "This document takes its data from a mail merge. Please finish the merge, save it as PDF and try again."
)
SUBDOCUMENT = N_(
    "This document fetches parts of its text from other files when it is opened. "
    "Please save it as PDF and try again."
)
EQUATION = N_(
    "This document has an equation in an old form that can run programs. Please save it as PDF and try again."
)
ADD_IN = N_(
    "This document opens an add-in beside itself. Please close the add-in, save it as PDF and try again."
)
LINK_TO_PROGRAM = N_(
    "This document has a link that starts a program. Please remove the link, save it as PDF and try again."
)
LINK_TO_MACHINE = N_(
    "This document has a link that opens a file of another computer. "
    "Please remove the link, save it as PDF and try again."
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

PHOTO_DAMAGED = N_("This photo is damaged or incomplete. Please take it again and send the new one.")
PHOTO_UNUSUAL = N_(
    "This photo is saved in an unusual way. Please take a screenshot of it, or save it as PDF, and send that."
)
PHOTO_TOO_LARGE = N_(
    "This photo is too large to be shown. Please take a screenshot of it, or a smaller photo, "
    "and send that one."
)
PHOTO_TWO_FILES = N_(
    "This photo has another file behind its end. Please take a screenshot of it and send that one."
)
HEIC = N_(
    "We cannot open HEIC photos. On an iPhone or iPad choose it from the photo library on this page: it is "
    "sent as JPEG then. Or make a PDF of it: tap Share, then Print, then Share again, and Save to Files."
)
HEIC_WITHOUT_PHOTOS = N_(
    "We cannot open HEIC photos. On an iPhone or iPad make a PDF of it: tap Share, then Print, then Share "
    "again, and Save to Files."
)

PDF_DAMAGED = N_(
    "This PDF is damaged or incomplete. Please open it, save it or print it to a new PDF, and send that one."
)
PDF_UNUSUAL = N_(
    "This PDF is put together in an unusual way. Please open it, print it to a new PDF, and send that one."
)
PDF_TOO_MUCH = N_(
    "This PDF unpacks to far more than a resume. Please open it, print it to a new PDF, and send that one."
)
PDF_TWO_FILES = N_(
    "This PDF has another file behind its end. "
    "Please open it, save it or print it to a new PDF, and send that one."
)
PDF_LOCKED = N_(
    "This PDF needs a password to be opened. Please open it with the password, "
    "print it to a new PDF without one, and send that one."
)
PDF_PROGRAM = N_(
    "This PDF starts a program or carries one inside. "
    "Please open it, print it to a new PDF, and send that one."
)
PDF_FETCHES = N_(
    "This PDF fetches content from another computer. "
    "Please open it, print it to a new PDF, and send that one."
)
PDF_LINK_TO_PROGRAM = N_(
    "This PDF has a link that starts a program or opens a file of another computer. "
    "Please remove the link, or print it to a new PDF, and send that one."
)
PDF_PAGE_INSIDE = N_(
    "This PDF carries a web page or a script inside. "
    "Please open it, print it to a new PDF, and send that one."
)
