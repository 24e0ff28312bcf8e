"""Where the data of a mail merge comes from."""

from __future__ import annotations

import re

from .addresses import Place
from .harm import Findings, Harm
from .work import follow

SOURCE = re.compile(
    r"(?:data source|(?:remote )?server|(?:network )?addr(?:ess)?|database|dbq|location|url)\s*=\s*([^;]*)",
    re.IGNORECASE,
)
"""The parts of a connection string (OLE DB, ODBC) that name a file or a machine."""
IS_MACHINE = re.compile(r"(?:remote )?server|addr|network|url", re.IGNORECASE)
HERE = {Place.INSIDE, Place.OWN_DISK, Place.CONTACT}
DATA = {place: Harm.OWN_DISK if place in HERE else Harm.MAIL_MERGE for place in Place}
"""What it is when data come from a place."""
OWN_MACHINE = {"", ".", "(local)", "localhost", "(localdb)"}


def judge_file(name: str, findings: Findings) -> None:
    """Add what it does to take data from this file. Raises Refused."""
    follow(findings, name, DATA)


def judge_connection(connection: str, findings: Findings) -> None:
    """Add what it does to connect so. Raises Refused."""
    judge_file(connection, findings)
    for found in SOURCE.finditer(connection):
        source = found[1].strip(" \"'\0")
        if IS_MACHINE.match(found[0]) and source.lower() not in OWN_MACHINE:
            findings.add(Harm.MAIL_MERGE)
        judge_file(source, findings)
