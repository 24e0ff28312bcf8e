"""Harm of embedded objects by class name and class ID ([MS-OLEDS] 2.1).

Only pictures and content of office suites are accepted: Windows loads an object's class into Word when the
object is shown.
"""

from __future__ import annotations

import re
import uuid

from .harm import Harm

PICTURES = r"pbrush|paint\.picture|static(dib|metafile|bitmap)|metafilepict|dib|bitmap|msphotoed\.\d+"
OFFICE = (
    r"excel(worksheet|chart)|excel\.(sheet|chart|workspace)(\.\d+)?|word\.(document|picture|rtf)(\.\d+)?"
    r"|wordpad\.document(\.\d+)?|powerpoint\.(show|slide)(\.\d+)?|msgraph(\.chart)?(\.\d+)?|msdraw(\.[\d.]+)?"
    r"|visio\.drawing(\.\d+)?|ms_clipart_gallery(\.\d+)?|mswordart(\.\d+)?|wordart\d*|orgplus(wopx)?(\.\d+)?"
    r"|opendocument\.(calc|chart|draw|impress|writer)document(\.\d+)?"
    r"|soffice\.star(calc|chart|draw|impress|writer)document(\.\d+)?|opendocument\.\w*chart\w*(\.\d+)?"
)
NAMES = (
    (re.compile(rf"({PICTURES}|{OFFICE})\Z", re.IGNORECASE), Harm.PASTED_OBJECT),
    (re.compile(r"(math)?equation|mathtype|mtext", re.IGNORECASE), Harm.EQUATION),
    (re.compile(r".*macro", re.IGNORECASE), Harm.MACROS),
    (re.compile(r"html|mhtml|script|xml|shell\.explorer|internetexplorer", re.IGNORECASE), Harm.OTHER_FORMAT),
    (re.compile(r"forms\.|ms(com|cal|flex|win|inet)|shockwave|control|otkloadr", re.I), Harm.CONTROL),
    (re.compile(r"ole2?link|stdolelink", re.IGNORECASE), Harm.DATA_LINK),
)
"""Patterns for the start of a class name, with harms; any other is Harm.PACKED_FILE."""


def _ids(*ids: str) -> list[bytes]:
    return [
        uuid.UUID(text if "-" in text else f"{text}-0000-0000-C000-000000000046").bytes_le for text in ids
    ]


IDS = {
    Harm.PASTED_OBJECT: _ids(
        # pictures: PBrush, Paint.Picture, metafiles and bitmaps, Photo Editor, the clip gallery
        "0003000A", "D3E34B21-9D75-101A-8C3D-00AA001A1652", "00000315", "00000316", "00000319", "00021290",
        "0003001A", "00030026",
        # Excel and its charts, Word, Graph, Draw, WordArt
        "00030000", "00030001", "00020810", "00020811", "00020820", "00020821", "00020830", "00020900",
        "00020901", "00020906", "00020907", "00030003", "F4754C9B-64F5-4B40-8AF4-679732AC0607", "00020800",
        "00020801", "00020803", "00030006", "00030007", "00030009", "000212F0",
        "73FDDC80-AEA9-101A-98A7-00AA00374959",
        # PowerPoint, Visio
        "64818D10-4F9B-11CF-86EA-00AA00B929E8", "64818D11-4F9B-11CF-86EA-00AA00B929E8",
        "CF4F55F4-8F87-4D47-80BB-5808164BB3F8", "048EB43E-2059-422F-95E0-557DA96038AF",
        "EA7BAE70-FB3B-11CD-A903-00AA00510EA3", "EA7BAE71-FB3B-11CD-A903-00AA00510EA3", "00030004",
        "00030005", "00021A13", "00021A14", "00021A15",
        # StarOffice and LibreOffice: Calc, Chart, Impress, Draw, Writer
        "C6A5B861-85D6-11D1-89CB-008029E4B0B1", "47BBB4CB-CE4C-4E80-A591-42D9AE74950F",
        "BF884321-85DD-11D1-89D0-008029E4B0B1", "12DCAE26-281F-416F-A234-C3086127382E",
        "565C7221-85BC-11D1-89D0-008029E4B0B1", "9176E48A-637A-4D1F-803B-99D9BFAC1047",
        "2E8905A0-85BD-11D1-89D0-008029E4B0B1", "4BAB8970-8A3B-45B3-991C-CBEEAC6BD5E3",
        "C20CF9D1-85AE-11D1-AAB4-006097DA561A", "8BC6B165-B1B2-4EDD-AA47-DAE2EE689DD6",
        "7FA8AE11-B3E3-4D88-AABF-255526CD1CE8", "EE5D1EA4-D445-4289-B2FC-55FC93693917",
    ),
    Harm.EQUATION: _ids(
        "0002CE02", "0002CE03", "00021700", "0003000B", "078B7ABA-54FC-457F-8551-6147E776A997",
        "D0484DE6-AAEE-468A-991F-8D4B0737B57A",
    ),
    Harm.MACROS: _ids(
        "00020832", "00020833", "00030002", "18A06B6B-2F3F-4E2B-A611-52BE631B2D22",
        "DC020317-E6E2-4A62-B9FA-B3EFE16626F4",
    ),
    Harm.DATA_LINK: _ids(
        "00000300", "00000303", "00000304", "00000305", "00000306", "00000308", "00000309",
        "79EAC9E0-BAF9-11CE-8C82-00AA004BA90B", "ECABB0C7-7F19-11D2-978E-0000F8757E2A",
        "ECABAFC6-7F19-11D2-978E-0000F8757E2A", "06290BD3-48AA-11D2-8432-006008C3FBFC",
    ),
    Harm.OTHER_FORMAT: _ids(
        "25336920-03F9-11CF-8FD0-00AA00686F13", "25336921-03F9-11CF-8FD0-00AA00686F13",
        "3050F4D8-98B5-11CF-BB82-00AA00BDCE0B", "8856F961-340A-11D0-A96B-00C04FD705A2",
        "EAB22AC3-30C1-11CF-A7EB-0000C05BAE0B", "06290BD0-48AA-11D2-8432-006008C3FBFC",
    ),
    Harm.CONTROL: _ids(
        "8BD21D10-EC42-11CE-9E0D-00AA006002F3", "8BD21D20-EC42-11CE-9E0D-00AA006002F3",
        "8BD21D30-EC42-11CE-9E0D-00AA006002F3", "8BD21D40-EC42-11CE-9E0D-00AA006002F3",
        "8BD21D50-EC42-11CE-9E0D-00AA006002F3", "8BD21D60-EC42-11CE-9E0D-00AA006002F3",
        "D7053240-CE69-11CD-A777-00DD01143C57", "978C9E23-D4B0-11CE-BF2D-00AA003F40D0",
        "4C599241-6926-101B-9992-00000B65C6F9", "DFD181E0-5E2F-11CE-A449-00AA004A803D",
        "5512D110-5CC6-11CF-8D67-00AA00BDCE1D", "5512D112-5CC6-11CF-8D67-00AA00BDCE1D",
        "5512D122-5CC6-11CF-8D67-00AA00BDCE1D", "D27CDB6E-AE6D-11CF-96B8-444553540000",
    ),
    Harm.PACKED_FILE: _ids("0003000C", "0003000D", "0003000E", "F20DA720-C02F-11CE-927B-0800095AE340"),
}  # fmt: skip
BY_ID = {clsid: harm for harm, ids in IDS.items() for clsid in ids}
NULL_CLASS_ID = bytes(16)


def classify_name(name: str) -> Harm:
    """Return the harm of a class name."""
    stripped = name.strip("\0 \t\r\n")
    return next((harm for pattern, harm in NAMES if pattern.match(stripped)), Harm.PACKED_FILE)


def classify_id(clsid: bytes) -> Harm:
    """Return the harm of a class ID."""
    return BY_ID.get(clsid, Harm.PACKED_FILE)


def classify_text(clsid: str) -> Harm:
    """Return the harm of a class ID in text form, with or without braces."""
    try:
        return classify_id(uuid.UUID(clsid.strip()).bytes_le)
    except ValueError:
        return Harm.PACKED_FILE
