"""Plain text in every encoding that people have, and what only looks like it."""

from __future__ import annotations

import io
import time

import pytest

from leadintake.documents.inspection.plain import fits
from tests.documents.inspection.files import inspected

from .proportion import in_proportion

TEXTS = {
    "utf-8": "Zoë Doe, 山田太郎, Ελλάδα",
    "utf-8-sig": "Zoë Doe",
    "utf-16": "Zoë Doe, 山田太郎",
    "utf-16-le": "Zoë Doe\r\n山田太郎\r\n",
    "utf-16-be": "Zoë Doe\n山田太郎",
    "cp1252": "Zoë Doe, “lawyer”",
    "latin-1": "Zoë Doe",
    "cp1251": "Иван Петров",
    "koi8-r": "Иван Петров",
    "shift_jis": "山田太郎 ソフト",
    "euc_jp": "山田太郎",
    "iso2022_jp": "山田太郎",
    "gb18030": "王小明律师",
    "big5": "王小明",
    "euc_kr": "김철수",
    "cp1256": "محمد",
    "mac_roman": "Zoë Doe",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_a_text_in_any_encoding_is_text(encoding):
    text = TEXTS[encoding] * 3
    assert inspected("resume.txt", text.encode(encoding)) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "<Jane Doe>",
        "<Name>: Jane",
        "< 3 years of work",
        "<A.B. Smith>",
        "<<< RESUME >>>",
        "#1 in sales",
        "{Jane Doe}",
        "A %PDF is not what this is",
        "From: Jane\nTo: the firm\n\nDear Sirs",
        "Name: Jane\nTelephone: 1\n\nI know MIME-Version: 1.0 by heart",
        "Jane\fpage two\x0b",
        "-- Jane --\x1a",
    ],
)
def test_what_only_begins_like_something_else_is_text(text):
    assert inspected("resume.txt", text.encode()) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><p>",
        "<!ENTITY x>",
        " \r\n<html>",
        "<META charset=x>",
        "<?php x",
        "<?= x",
        "<% x",
        "<?xml version='1.0'?>",
        "<job id=x>",
        "<package>",
        "<hta:application x>",
        "#!/bin/sh",
        "{\\rtf1 a}",
        "{\\rt a}",
        "MIME-Version: 1.0\r\nContent-Type: multipart/related",
        "From: <Saved by Word>\r\nSubject: a\r\n  folded\r\nMIME-Version: 1.0\r\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_what_a_program_would_open_as_something_else_is_no_text(text, encoding):
    assert not fits(io.BytesIO(text.encode(encoding)))


@pytest.mark.parametrize(
    "content",
    [
        b"Jane\x00Doe",
        b"J\x00a\x00n\x00e",  # half a letter at its end
        b"J\x00\x01\x00n\x00e\x00",
        b"J\x00\x00\x00n\x00e\x00",
        b"J\x00\x00a",
        b"J\x00\x00\xd8",
        b"\xff\xfeJ\x00\x02\x00",
        b"\x00\x00\x00J",
        b"Jane\x07",
        b"\x7fELF",
    ],
)
def test_what_has_signs_that_no_text_has_is_none(content):
    assert not fits(io.BytesIO(content))


def cost(content: bytes) -> float:
    begun = time.thread_time()
    fits(io.BytesIO(content))
    return time.thread_time() - begun


@pytest.mark.measures_cpu
@pytest.mark.parametrize("unit", [b"a", b" ", b"a:\n", b"a:\n ", b"-:\n b\n", b"a\x00", b"<", b"\n\t"])
def test_a_text_costs_in_proportion_to_its_length(unit):
    once, twice = (unit * (size // len(unit)) for size in (1_000_000, 2_000_000))
    assert in_proportion(cost, once, twice, least=0.004)
