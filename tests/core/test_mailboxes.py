"""One person in several spellings is one mailbox, and two people are two."""

from __future__ import annotations

import pytest

from leadintake.core.addresses import mail_address, normalize_mailbox

SAME = [
    ("jane@example.com", "JANE@Example.COM"),
    ("jane@example.com", "jane+forms@example.com"),
    ("jane@example.com", "jane+a+b@example.com"),
    ("jane@example.com", "jane@example.com."),
    ("jane@gmail.com", "J.a.n.e+law@GoogleMail.com"),
    ("jane@icloud.com", "jane@me.com"),
    ("jane@icloud.com", "jane@mac.com"),
    ("jane.doe@protonmail.com", "jane_doe@pm.me"),
    ("janedoe@proton.me", "jane-doe+x@protonmail.ch"),
    ("jane@yandex.ru", "jane@ya.ru"),
    ("jane@yandex.com", "jane@yandex.kz"),
    ("jane@bücher.example", "Jane@xn--bcher-kva.example"),
    ("jane@пример.рф", "jane@XN--E1AFMKFD.xn--p1ai"),
    ("josé@example.com", "JOSÉ@example.com"),
]
DIFFERENT = [
    ("jane@example.com", "jane@example.org"),
    ("jane@example.com", "j.ane@example.com"),
    ("jane.doe@outlook.com", "janedoe@outlook.com"),
    ("jane@outlook.com", "jane@hotmail.com"),
    ("jane@fastmail.com", "jane@fastmail.fm"),
    ("jane@gmail.com", "jane@gmail.co"),
    ("jane-doe@gmail.com", "janedoe@gmail.com"),
    ("jane-doe@yahoo.com", "jane@yahoo.com"),
    ("jane_doe@yandex.ru", "janedoe@yandex.ru"),
    ("jane@mail.gmail.com", "jane@gmail.com"),
    ("josé@example.com", "jose@example.com"),
    ("strasse@example.com", "straße@example.com"),
    ("jane@strasse.de", "jane@straße.de"),
    ("+jane@example.com", "+joan@example.com"),
    ("jane@xn--bcher-kva.example", "jane@bucher.example"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_person_are_one_mailbox(one, other):
    assert normalize_mailbox(one) == normalize_mailbox(other)
    assert normalize_mailbox(mail_address(one)) == normalize_mailbox(mail_address(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_people_are_two_mailboxes(one, other):
    assert normalize_mailbox(one) != normalize_mailbox(other)


@pytest.mark.parametrize("address", sorted({address for pair in SAME + DIFFERENT for address in pair}))
def test_a_mailbox_is_its_own(address):
    assert normalize_mailbox(normalize_mailbox(address)) == normalize_mailbox(address)


@pytest.mark.parametrize(
    "address", ["", "@", "x@xn--", "x@xn--\u00e9", "x@xn--a.xn--99999999999", "...@gmail.com"]
)
def test_of_no_address_there_is_no_failure(address):
    assert len(normalize_mailbox(address)) <= 254


@pytest.mark.parametrize("length", [10, 254])
def test_long_ones_fit_their_column(length):
    assert len(normalize_mailbox("İ" * length + "@example.com")) <= 254
