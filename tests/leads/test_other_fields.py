"""E-mail, practice area, language: what is taken, and in which form it is kept."""

from __future__ import annotations

import socket

import pytest

from leadintake.leads.models import Lead
from tests.support.leads import nothing_is_kept

TYPED_AND_KEPT = {
    "jane@example.com": "jane@example.com",
    "  jane@example.com \n": "jane@example.com",
    "Jane.Doe+cv@EXAMPLE.com": "Jane.Doe+cv@example.com",
    "jane@bücher.example.com": "jane@bücher.example.com",
    "jane@xn--bcher-kva.example.com": "jane@bücher.example.com",
    "用户@例子.广告": "用户@例子.广告",
    "jose\u0301@example.com": "josé@example.com",
    "=cmd|'/c@example.com": "=cmd|'/c@example.com",
    "o'brien@example.com": "o'brien@example.com",
}
NO_ADDRESS = (
    None, "", " ", "jane", "@example.com", "jane@", "jane@@example.com", "jane@exa mple.com",
    "jane doe@example.com", "jane@example", "jane@-example.com", "jane@example..com", ".jane@example.com",
    "jane.@example.com", "Jane <jane@example.com>", '"jane doe"@example.com', "jane@[127.0.0.1]",
    "jane@example.com, joe@example.com", "jane@example.com\r\nBcc: joe@example.com", "jane@exam\x00ple.com",
    "jane\u202e@example.com", "jane@example.com\ufffd", "ja\u200bne@exam\u200bple.com",
    "jane@exämple\x85.com",
)  # fmt: skip


def address_of(length: int) -> str:
    """A well-formed address of exactly this many characters."""
    domain = ".".join(["d" * 60] * 3 + ["example.com"])
    local = "l" * (length - len(domain) - 1)
    return f"{local}@{domain}"


@pytest.mark.every_engine
def test_an_address_of_any_script_is_kept_in_its_normal_form(client, rows):
    for typed, kept in TYPED_AND_KEPT.items():
        answer = client.submit(email=typed)
        assert answer.status_code == 201, answer.text
        assert answer.json["email"] == kept
    assert sorted(lead.email for lead in rows(Lead)) == sorted(TYPED_AND_KEPT.values())


PASTED = (
    "\u200bjane@example.com", "jane@example.com\u200b", "\ufeffjane@example.com\u2060",
    "\u200djane@example.com\u200c", "\u00ad jane@example.com \u00ad", "jane@example.com\u200e",
    "\u200fjane@example.com", "\u2068jane@example.com\u2069", "\u202ajane@example.com\u202c",
    "jane@example.com.", "jane@example.com,", "jane@example.com;", "jane@example.com,\u200b",
    "<jane@example.com>", "<jane@example.com>,", "mailto:jane@example.com", "MAILTO:jane@example.com",
    " <mailto:jane@example.com>; ", "jane@example.com\u3002",
    "\u200b<\u2060jane@example.com\u2060>\u200b",
)  # fmt: skip


def test_what_clings_to_a_pasted_address_is_dropped(client, rows):
    for typed in PASTED:
        answer = client.submit(email=typed)
        assert answer.status_code == 201, ascii(typed)
        assert answer.json["email"] == "jane@example.com", ascii(typed)
    assert {lead.email for lead in rows(Lead)} == {"jane@example.com"}


@pytest.mark.parametrize(
    ("local", "status"), [("x" * 64, 201), ("x" * 65, 422), ("é" * 32, 201), ("é" * 33, 422)]
)
def test_the_part_before_the_at_has_64_octets_at_most(client, local, status):
    assert client.submit(email=f"{local}@example.com").status_code == status


def test_a_long_address_fits_with_what_clings_to_it(client):
    answer = client.submit(email=f"<mailto:{address_of(254)}>, ")
    assert answer.status_code == 201
    assert answer.json["email"] == address_of(254)


def test_what_is_no_single_address_is_refused(client, app, rows):
    for bad in NO_ADDRESS:
        answer = client.submit(email=bad)
        assert answer.status_code == 422, ascii(bad)
        assert list(answer.json["errors"]) == ["email"], ascii(bad)
    assert nothing_is_kept(app, rows)


@pytest.mark.every_engine
def test_an_address_of_254_characters_fits_and_one_of_255_does_not(client, rows):
    assert client.submit(email=address_of(254)).status_code == 201
    refused = client.submit(email=address_of(255))
    assert list(refused.json["errors"]) == ["email"]
    assert [len(lead.email) for lead in rows(Lead)] == [254]


def test_an_absurdly_long_address_is_refused_with_a_sentence(client, app, rows):
    answer = client.submit(email="a" * 100_000 + "@example.com")
    assert answer.status_code == 422
    assert len(answer.text) < 2000
    assert nothing_is_kept(app, rows)


def test_no_name_is_looked_up_for_an_address(client, monkeypatch):
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "gethostbyname", refuse)
    assert client.submit(email="jane@no-such-domain-anywhere.example.com").status_code == 201


def test_a_configured_value_is_kept(client, rows):
    assert client.submit(practice_area="immigration", language=" es ").status_code == 201
    assert (rows(Lead)[0].practice_area, rows(Lead)[0].language) == ("immigration", "es")


def test_an_optional_field_may_be_left_out_or_empty(client, rows):
    for value in (None, "", "  "):
        assert client.submit(practice_area=value, language=value).status_code == 201
    assert {(lead.practice_area, lead.language) for lead in rows(Lead)} == {(None, None)}


@pytest.mark.parametrize(("field", "choice"), [("practice_area", "immigration"), ("language", "es")])
def test_a_value_nobody_configured_is_refused_and_the_choices_are_named(client, app, rows, field, choice):
    for value in ("tax", "ES", "Immigration", "None", f"{choice}\x00", "-", "<b>", "é" * 300):
        answer = client.submit(**{field: value})
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == [field]
        assert choice in answer.json["errors"][field][0]
    assert nothing_is_kept(app, rows)


class TestWithOtherChoices:
    """The configuration decides what may be chosen."""

    @pytest.fixture
    def settings(self):
        return {"PRACTICE_AREAS": ["maritime-law"], "LANGUAGES": ["pt-BR"]}

    def test_the_configured_choices_are_taken_and_the_usual_ones_are_not(self, client):
        assert client.submit(practice_area="maritime-law", language="pt-BR").status_code == 201
        refused = client.submit(practice_area="family", language="en").json["errors"]
        assert refused == {
            "practice_area": ["Please choose one of: maritime-law."],
            "language": ["Please choose one of: pt-BR."],
        }
