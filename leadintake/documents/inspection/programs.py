"""Detection of programs by file name and first bytes."""

from __future__ import annotations

import re

ENDINGS = re.compile(
    "ad[ep]|appinstaller|application|appref-ms|appx|bat|chm|cmd|command|cpl|desktop|diag(?:cab|cfg|pkg)|dll"
    "|exe|fileloc|gadget|hlp|hta|inetloc|inf|jar|jnlp|jse?|library-ms|lnk|mde|ms[cipt]|msix(?:bundle)?|pif"
    "|ps[12](?:xml)?|ps[cdm]1|rdp|reg|sc[frt]|scpt|search(?:connector)?-ms|settingcontent-ms|terminal|url"
    "|vb[es]?|webloc|website|wll|workflow|ws[cfh]|xbap|xll",
    re.IGNORECASE,
)
"""Endings of files that Windows or macOS runs or follows on opening.

No top-level domains such as com: a broken link to www.example.com would match.
"""
ON_A_MAC = re.compile(
    r"(?:file:)?/*(?:localhost/)?(?:system/)?applications/[^?#]*?\.app(?:/|$)", re.IGNORECASE
)
MAGIC = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe",  # Mach-O
    b"\xca\xfe\xba\xbe",  # Java, and Mach-O for several processors
    b"L\0\0\0\x01\x14\x02\0",  # [MS-SHLLINK] 2.1
)  # fmt: skip
MAX_MAGIC_LENGTH = 8


def is_program(path: str) -> bool:
    """Return whether opening a file at `path`, with forward slashes, runs it."""
    name = path.lower().removesuffix("::$data").rstrip("./ ")  # Windows ignores these at the end
    _, dot, ending = name.rpartition(".")
    if not dot:
        return False
    of_windows = ending == "com" and "/windows/" in name
    return of_windows or ENDINGS.fullmatch(ending) is not None or ON_A_MAC.match(name) is not None
