"""Where an address leads, in every spelling that programs write and that attackers try."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st

from leadintake.documents.inspection.addresses import (
    CLICK_HARMS,
    FETCH_HARMS,
    LINK_HARMS,
    MAX_LENGTH,
    TEMPLATE_HARMS,
    Place,
    classify_address,
)
from leadintake.documents.inspection.harm import TABLE, Harm
from leadintake.documents.inspection.programs import is_program
from tests.documents.inspection.examples import examples

OWN_DISK = {
    "Word for Windows": r"file:///C:\Users\Jane\AppData\Roaming\Microsoft\Templates\Resume.dotx",
    "Word for Windows with slashes": "file:///C:/Users/Jane%20Doe/Templates/%7b8A%7dtf02918880.dotx",
    "a drive": r"C:\Templates\Resume.dotx",
    "a drive in small": "d:/jane.png",
    "a folder of the drive one is in": "C:jane.png",
    "a bar for the colon": "file:///C|/jane.png",
    "a bar and no scheme": "c|/jane.png",
    "a drive where the host stands": "file://C:/jane.png",
    "a drive without slashes": "file:C:/jane.png",
    "a drive behind one": "/C:/Users/jane.png",
    "a drive behind four": "file:////C:/Users/jane.png",
    "a long path": r"\\?\C:\Users\Jane\jane.png",
    "a device": r"\\.\C:\Users\Jane\jane.png",
    "Word for Mac": "file:////Users/jane/Library/Group%20Containers/UBF8T346G9.Office/Normal.dotm",
    "Word for Mac, temporary": "file:////private/var/folders/x1/T/com.microsoft.Word/clip_image001.png",
    "Word for Mac, encoded": "file:////var/folders/x1/T/TemporaryItems/msoclip/0clip_image002.png",
    "an old Mac": "Macintosh%20HD:Users:jane:Resume.dotx",
    "an old Mac with blanks": "Macintosh HD:Applications:Microsoft Office 2011:Templates:Resume.dotx",
    "an old Mac's other disk": "Backup:Users:jane:Resume.dotx",
    "a Mac by name": "file://localhost/Users/jane/Library/Resume.dotx",
    "a Mac": "file:///Users/jane/Library/Resume.dotx",
    "a mounted disk": "file:////Volumes/BACKUP/Resume.dotx",
    "LibreOffice on Linux": "file:///home/jane/.config/libreoffice/4/user/template/cv.ott",
    "LibreOffice on Windows": "file:///C:/Program%20Files/LibreOffice/share/template/cv.ott",
    "a path": "/usr/share/templates/cv.ott",
    "a path of Windows without its drive": r"\Users\Jane\jane.png",
    "file and one slash": "file:/home/jane/cv.ott",
    "nothing behind file": "file:///",
    "a variable": r"%USERPROFILE%\Templates\Normal.dotm",
    "another variable": "%APPDATA%/Microsoft/Templates/Normal.dotm",
    "the home": "~/Documents/cv.ott",
}
INSIDE = {
    "a name": "Normal.dotm",
    "a part": "media/image1.png",
    "nothing": "",
    "left behind": "NULL",
    "a bookmark": "#_Toc123",
    "above": "../Pictures/jane.png",
    "above in AppData": r"..\..\AppData\Roaming\Microsoft\Templates\Normal.dotm",
    "an object": "./Object 1",
    "a mail's picture": "cid:image001.png@01D9",
    "a running LibreOffice's picture": "vnd.sun.star.Package:Pictures/10000000.png",
    "an older one's picture": "vnd.sun.star.GraphicObject:1000000000000000",
    "bytes": "data:image/png;base64,iVBORw0KGgo=",
    "a page of nothing": "about:blank",
    "the web without its scheme": "www.linkedin.com/in/jane",
    "a name of the web": "www.example.com",
    "a program of the web": "jane.vercel.app",
    "mail without its scheme": "jane@example.com",
    "words": "My resume: the last one",
}
WEB = [
    "http://example.com/",
    "HTTPS://example.com",
    " https://example.com/",
    "ht\ttps://example.com",
    "http:\\\\e",
]
WEB += [
    "url:http://example.com/",
    "<https://example.com/>",
    "example.com:8080/jane",
    "https://e/" + "x" * 5000,
]
CONTACT = [
    "mailto:jane@example.com",
    "tel:+15550100",
    "sms:+15550100",
    "MAILTO:jane@example.com?subject=x.exe",
]
MACHINE = {
    "UNC": r"\\evil.example\share\x",
    "UNC with slashes": "//evil.example/share/x",
    "mixed": r"/\evil.example/share/x",
    "mixed the other way": r"\/evil.example/share/x",
    "file with a host": "file://evil.example/share/x",
    "four slashes": "file:////evil.example/share/x",
    "five slashes": "file://///evil.example/share/x",
    "three and two": r"file:///\\evil.example\share\x",
    "backslashes only": r"file:\\evil.example\x",
    "one and two": r"file:/\\evil.example\x",
    "in turns": r"file:/\/\evil.example/x",
    "encoded": "file:///%5C%5Cevil.example/share/x",
    "encoded without scheme": "%5c%5cevil.example%5cshare",
    "encoded twice": "%255c%255cevil.example%255cshare",
    "encoded scheme": "%66ile:%2f%2fevil.example%2fx",
    "a tab in it": "\\\t\\evil.example\\x",
    "a line break in it": "fi\nle://evil.example/x",
    "a zero-width space in it": "\\\u200b\\evil.example\\x",
    "an encoded zero-width space": "/%E2%80%8B/evil.example/x",
    "a no-break space before": "\u00a0\\\\evil.example\\x",
    "a mark before": "\ufeff//evil.example/x",
    "wide": "\uff3c\uff3cevil.example\uff3cx",
    "yen": "\u00a5\u00a5evil.example\u00a5x",
    "long": r"\\?\UNC\evil.example\share",
    "long with slashes": "//?/UNC/evil.example/share",
    "a device": r"\\.\UNC\evil.example\share",
    "of the kernel": r"\??\UNC\evil.example\share",
    "a root": r"\\?\GLOBALROOT\Device\Mup\evil.example\share",
    "file and long": r"file://\\?\UNC\evil.example\share",
    "WebDAV": r"\\evil.example@SSL@443\DavWWWRoot\x",
    "WebDAV with a port": r"\\evil.example@80\x",
    "IPv6": r"\\fe80--1.ipv6-literal.net\share",
    "IPv6 in brackets": "file://[2001:db8::1]/x",
    "its own name": r"\\localhost\c$\x",
    "its own number": r"\\127.0.0.1\c$\x",
    "file and its own number": "file://127.0.0.1/c$/x",
    "behind its own name": "file://localhost//evil.example/x",
    "a name before its own": "file://localhost@evil.example/x",
    "a name that begins so": "file://localhost.evil.example/x",
    "a name like a folder": "file://users/share/x",
    "a drive's letter as host": "file://c/share/x",
    "escaped": r"\\\\evil.example\\share",
    "url and file": "URL:file://evil.example/x",
    "in quotation marks": '"\\\\evil.example\\x"',
    "smb": "smb://evil.example/x",
    "SMB": "SMB:evil.example",
    "cifs": "cifs://evil.example/x",
    "dav": "dav://evil.example/x",
    "davs": "davs://evil.example/x",
    "webdav": "webdav://evil.example/x",
    "LibreOffice's webdav": "vnd.sun.star.webdav://evil.example/x",
    "nfs": "nfs://evil.example/x",
    "afp": "afp://evil.example/x",
    "sftp": "sftp://evil.example/x",
    "automount": "/net/evil.example/x",
    "automount behind file": "file:///net/evil.example/x",
    "a Mac's automount": "/Network/Servers/evil.example/x",
    "a variable": r"%LOGONSERVER%\share",
    "a program there": r"\\evil.example\share\x.exe",
}
PROGRAM = [
    "ms-msdt:/id PCWDiagnostic",
    "search-ms:query=x&crumb=location:\\\\evil.example",
    "ms-word:ofe|u|https://evil.example/x.docx",
    "ms-settings:",
    "MS-Anything:x",
    "shell:startup",
    "macro:///Standard.Module1.Main",
    "script:x",
    "vnd.sun.star.script:Standard.Module1.Main?language=Basic",
    ".uno:Quit",
    "slot:5500",
    "service:com.sun.star.x",
    "vnd.libreoffice.command:x",
    "vnd.sun.star.pkg://http%3A%2F%2Fevil.example/x",
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "java script:alert(1)",
    "%6aavascript:alert(1)",
    "vbscript:x",
    "res://x.dll",
    "mk:@MSITStore:x",
    "hcp://system",
    "mhtml:http://evil.example/x!x-usc:http://evil.example/x",
    "file:///C:/Windows/System32/calc.exe",
    "C:\\Windows\\System32\\more.com",
    "file:///C:/x.exe#top",
    "file:///C:/x.bat. ",
    "file:///C:/x.exe::$DATA",
    "..\\setup.lnk",
    "setup.HTA",
    "file:///Applications/Calculator.app",
    "file:////System/Applications/Utilities/Terminal.app/Contents/MacOS/Terminal",
]
UNUSUAL = [
    "data:text/html,x",
    "data:image/svg+xml,x",
    "about:config",
    "onenote:x",
    "zoommtg://x",
    "slack://x",
]
UNUSUAL += ["skype:jane", "news:x", "x" * 5000, "file:///C:/" + "x" * 5000, " " * 20_000 + "//evil.example"]


@pytest.mark.parametrize("address", OWN_DISK.values(), ids=OWN_DISK)
def test_the_writers_own_disk_is_known_in_every_spelling(address):
    assert classify_address(address) is Place.OWN_DISK


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE)
def test_what_is_in_the_document_or_beside_it_is_nowhere_else(address):
    assert classify_address(address) is Place.INSIDE


@pytest.mark.parametrize("address", MACHINE.values(), ids=MACHINE)
def test_another_machine_is_known_in_every_disguise(address):
    assert classify_address(address) is Place.OTHER_MACHINE


@pytest.mark.parametrize("address", MACHINE.values(), ids=MACHINE)
@pytest.mark.parametrize(
    "disguise", [quote, lambda text: quote(quote(text, safe=""), safe=""), "\u200b".join]
)
def test_another_machine_is_known_in_further_disguise(address, disguise):
    assert classify_address(disguise(address)) is Place.OTHER_MACHINE


@pytest.mark.parametrize("address", PROGRAM)
def test_what_starts_a_program_is_known(address):
    assert classify_address(address) is Place.PROGRAM


@pytest.mark.parametrize(
    ("addresses", "place"),
    [
        (WEB, Place.WEB),
        (CONTACT, Place.CONTACT),
        (["ftp://example.com/x", "FTP://example.com"], Place.FTP),
        (UNUSUAL, Place.UNUSUAL),
    ],
)
def test_the_web_and_the_unusual_are_known(addresses, place):
    assert {address[:60]: classify_address(address) for address in addresses} == {
        a[:60]: place for a in addresses
    }


def test_every_place_has_its_row_for_each_way_of_getting_there():
    for table in (FETCH_HARMS, LINK_HARMS, TEMPLATE_HARMS, CLICK_HARMS):
        assert set(table) == set(Place)
    assert set(TABLE) == set(Harm)


def test_only_what_is_elsewhere_and_what_starts_something_is_ever_refused():
    for table in (FETCH_HARMS, LINK_HARMS, TEMPLATE_HARMS, CLICK_HARMS):
        for place in (Place.INSIDE, Place.OWN_DISK, Place.CONTACT):
            assert not TABLE[table[place]].sentence
            assert TABLE[table[place]].flag is None
        for place in (Place.OTHER_MACHINE, Place.PROGRAM):
            assert TABLE[table[place]].sentence
    assert TABLE[LINK_HARMS[Place.WEB]].sentence
    assert TABLE[TEMPLATE_HARMS[Place.WEB]].sentence
    assert TABLE[FETCH_HARMS[Place.WEB]].flag
    assert TABLE[CLICK_HARMS[Place.UNUSUAL]].flag


@pytest.mark.parametrize(
    ("name", "started"),
    [
        ("setup.exe", True),
        ("a.b/setup.EXE. .", True),
        ("x.js", True),
        ("x.ps1", True),
        ("exe", False),
        ("resume.docx", False),
        ("example.com", False),
        ("x.exe.pdf", False),
    ],
)
def test_a_program_is_known_by_its_ending(name, started):
    assert is_program(name) is started


@given_that(st.text(st.sampled_from("\\/:.%25cCfile|?\u200b\t hostA~"), max_size=40))
@examples(300)
def test_any_address_leads_somewhere(address):
    assert classify_address(address) in Place


UNITS = [
    "%25",
    "\\",
    "/",
    "a:",
    "<",
    "url:",
    ".exe",
    "/windows/",
    "%",
    "\u200b",
    "applications/",
    "//?/",
    "a.",
    "%5c",
]


@pytest.mark.measures_cpu
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("head", ["", "file:", "x:", "/applications/"])
def test_a_long_address_costs_no_more_than_one_of_the_longest_looked_at(unit, head):
    def cost(size: int) -> float:
        address, best = head + unit * (size // len(unit)), float("inf")
        for _ in range(3):
            began = time.thread_time()
            for _ in range(5):
                classify_address(address)
            best = min(best, time.thread_time() - began)
        return best

    assert cost(32 * MAX_LENGTH) <= 2.5 * cost(16 * MAX_LENGTH) + 0.002
