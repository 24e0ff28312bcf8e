"""Sources of mail-merge data."""

from __future__ import annotations

import re

from .addresses import Place
from .harm import Findings, Harm
from .work import judge_address

SOURCE = re.compile(
    r"(?:data source|(?:remote )?server|(?:network )?addr(?:ess)?|database|dbq|location|url)\s*=\s*([^;]*)",
    re.IGNORECASE,
)
"""Parts of a connection string (OLE DB, ODBC) that name a file or a machine."""
NAMES_MACHINE = re.compile(r"(?:remote )?server|addr|network|url", re.IGNORECASE)
LOCAL_PLACES = {Place.INSIDE, Place.OWN_DISK, Place.CONTACT}
DATA_HARMS = {place: Harm.OWN_DISK if place in LOCAL_PLACES else Harm.MAIL_MERGE for place in Place}
"""Harm by place of the data."""
LOCAL_NAMES = {"", ".", "(local)", "localhost", "(localdb)"}


def judge_file(name: str, findings: Findings) -> None:
    """Judge a data file."""
    judge_address(findings, name, DATA_HARMS)


def judge_connection(connection: str, findings: Findings) -> None:
    """Judge a connection string."""
    judge_file(connection, findings)
    for found in SOURCE.finditer(connection):
        source = found[1].strip(" \"'\0")
        if NAMES_MACHINE.match(found[0]) and source.lower() not in LOCAL_NAMES:
            findings.add(Harm.MAIL_MERGE)
        judge_file(source, findings)
