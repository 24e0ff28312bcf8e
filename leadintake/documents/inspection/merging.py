"""Where the data of a mail merge comes from."""

from __future__ import annotations

import re

from .addresses import Place, place_of
from .harm import Findings, Harm

SOURCE = re.compile(
    r"(?:data source|(?:remote )?server|(?:network )?addr(?:ess)?|database|dbq|location|url)\s*=\s*([^;]*)",
    re.IGNORECASE,
)
"""The parts of a connection string (OLE DB, ODBC) that name a file or a machine."""
IS_MACHINE = re.compile(r"(?:remote )?server|addr|network|url", re.IGNORECASE)
ELSEWHERE = {Place.WEB, Place.FTP, Place.OTHER_MACHINE, Place.UNUSUAL, Place.PROGRAM}
HERE = {"", ".", "(local)", "localhost", "(localdb)"}


def judge_file(name: str, findings: Findings) -> None:
    """Add what it does to take data from this file. Raises Refused."""
    if place_of(name) in ELSEWHERE:
        findings.add(Harm.MAIL_MERGE)


def judge_connection(connection: str, findings: Findings) -> None:
    """Add what it does to connect so. Raises Refused."""
    judge_file(connection, findings)
    for found in SOURCE.finditer(connection):
        source = found[1].strip(" \"'\0")
        if IS_MACHINE.match(found[0]) and source.lower() not in HERE:
            findings.add(Harm.MAIL_MERGE)
        judge_file(source, findings)
