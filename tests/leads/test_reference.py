"""The reference of a lead: drawn well, unique, read as it is said, and shown wherever the lead is."""

from __future__ import annotations

import csv
import io
import itertools
import re

import pytest
import sqlalchemy as sa
from hypothesis import given as given_that
from hypothesis import strategies as st

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.documents.models import Document
from leadintake.leads import backfill, reference
from leadintake.leads.models import Lead
from leadintake.leads.reference import (
    ALPHABET,
    LOOK_ALIKES,
    LeadKeyConverter,
    draw_reference,
    parse_key,
    parse_reference,
)
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, UserFactory
from tests.support.leads import files_of

WRITTEN = re.compile(r"[A-Z2-9]{4}-[A-Z2-9]{4}")
DRAWN = st.text(ALPHABET, min_size=8, max_size=8)


class TestDrawing:
    def test_it_has_no_look_alikes_no_vowels_and_is_two_groups_of_four(self):
        assert len(set(ALPHABET)) == len(ALPHABET) == 20
        assert not set(ALPHABET) & set("01AEIOULSZBY")
        for _ in range(1000):
            drawn = draw_reference()
            assert WRITTEN.fullmatch(drawn)
            assert set(drawn) <= {*ALPHABET, "-"}

    def test_it_uses_the_whole_alphabet_in_every_place_and_is_not_drawn_twice(self):
        drawn = [draw_reference() for _ in range(2000)]
        assert len(set(drawn)) == len(drawn)
        for place in (0, 1, 2, 3, 5, 6, 7, 8):
            assert {one[place] for one in drawn} == set(ALPHABET)

    def test_no_look_alike_of_a_sign_is_a_sign_itself(self):
        assert not {chr(code) for code in LOOK_ALIKES} & set(ALPHABET)
        assert set(LOOK_ALIKES.values()) <= {*map(ord, ALPHABET)}


class TestReading:
    @given_that(
        DRAWN, st.sampled_from(["", "-", " ", " - ", "\u2013", ".", "_"]), st.sampled_from([str.lower, str])
    )
    def test_it_is_read_in_any_case_with_or_without_separator(self, signs, separator, case):
        assert parse_reference(case(f" {signs[:4]}{separator}{signs[4:]} ")) == f"{signs[:4]}-{signs[4:]}"

    @given_that(DRAWN, st.data())
    def test_look_alikes_are_read_as_what_they_mean(self, signs, data):
        alike = {sign: [sign] for sign in ALPHABET}
        for code, meant in LOOK_ALIKES.items():
            alike[chr(meant)].append(chr(code))
        typed = "".join(data.draw(st.sampled_from(alike[sign])) for sign in signs)
        assert parse_reference(typed) == f"{signs[:4]}-{signs[4:]}"

    @given_that(st.from_regex(LeadKeyConverter.regex, fullmatch=True))
    def test_whatever_is_an_address_is_read(self, text):
        assert parse_key(text) is not None

    @given_that(st.text(max_size=60))
    def test_whatever_is_typed_is_read_as_a_reference_or_as_none(self, text):
        found = parse_reference(text)
        assert found is None or WRITTEN.fullmatch(found)

    @pytest.mark.parametrize(
        "text", ["", "2345-678", "2345-67899", "2345-678A", "2345/6789", "2345-6781", "é345-6789", "2" * 9999]
    )
    def test_what_is_none_is_none(self, text):
        assert parse_key(text) is None

    def test_an_id_is_an_id_in_any_case(self):
        one = new_id()
        assert parse_key(str(one)) == parse_key(str(one).upper()) == one
        assert parse_key(one.hex) is None


class TestUniqueness:
    @pytest.fixture
    def draws(self, monkeypatch):
        """Have references drawn in this order, after which the dice are thrown again."""

        def draw(*wanted: str) -> None:
            signs = "".join(wanted)
            drawn = [signs[begin : begin + 8] for begin in range(0, len(signs), 8)]
            loaded = [
                sum(ALPHABET.index(sign) * 20**place for place, sign in enumerate(one)) for one in drawn
            ]
            numbers = itertools.chain(loaded, iter(lambda: secrets.randbelow(20**8), -1))
            monkeypatch.setattr(
                reference, "secrets", type("Loaded", (), {"randbelow": staticmethod(lambda _: next(numbers))})
            )

        secrets = reference.secrets
        return draw

    @pytest.mark.every_engine
    def test_a_reference_that_is_taken_is_drawn_again_and_nobody_notices(
        self, app, client, given, rows, draws
    ):
        given(UserFactory)
        taken = given(LeadFactory, "deleted", reference="2222-2222")
        draws("22222222", "22222222", "3333CCCC")
        answer = client.submit(key="once")
        assert (answer.status_code, answer.json["reference"]) == (201, "3333-CCCC")
        again = client.submit(key="once")
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json == answer.json
        (lead,) = [one for one in rows(Lead) if one.id != taken.id]
        assert lead.reference == "3333-CCCC"
        assert len(rows(Document)) == len(files_of(app)) == 2
        assert sorted(owed.kind for owed in rows(Notification)) == ["attorney_alert", "prospect_confirmation"]

    def test_dice_that_always_fall_alike_are_a_mistake_and_nothing_is_kept(self, app, client, given, draws):
        given(LeadFactory, reference="2222-2222")
        draws("2" * 8 * 10)
        assert client.submit().status_code == 500
        assert len(files_of(app)) == 1
        assert client.submit().status_code == 201

    @pytest.mark.every_engine
    def test_the_database_itself_refuses_a_second_one_and_lets_any_number_have_none(self, app, given):
        given(LeadFactory, reference="")
        given(LeadFactory, reference="")
        given(LeadFactory, reference="2222-2222")
        with pytest.raises(sa.exc.IntegrityError) as refused:
            given(LeadFactory, reference="2222-2222")
        assert reference.is_reference_conflict(refused.value)

    def test_another_rule_that_is_broken_is_not_taken_for_it(self, app, given):
        given(LeadFactory, submission_key="the same")
        with pytest.raises(sa.exc.IntegrityError) as refused:
            given(LeadFactory, submission_key="the same")
        assert not reference.is_reference_conflict(refused.value)

    @pytest.mark.every_engine
    def test_leads_of_an_older_process_are_given_theirs_and_change_in_nothing_else(self, app, given, draws):
        known = given(LeadFactory, reference="2222-2222")
        before = [given(LeadFactory, reference="") for _ in range(3)]
        draws("22222222")
        with app.app_context():
            backfill.run_worker_tick()
            backfill.run_worker_tick()
            after = [db.session.get(Lead, one.id) for one in [known, *before]]
        assert len({one.reference for one in after}) == 4
        assert after[0].reference == "2222-2222"
        assert all(WRITTEN.fullmatch(one.reference) for one in after)
        for old, new in zip(before, after[1:], strict=True):
            assert (old.version, old.updated_at) == (new.version, new.updated_at)

    def test_until_then_they_are_listed_read_thanked_and_replayed_all_the_same(self, app, client, given):
        admin = given(UserFactory, "admin")
        first = client.submit(key="once", accept="text/html")
        with app.app_context(), transaction():
            db.session.execute(sa.update(Lead).values(reference=""))
        again = client.submit(key="once", accept="text/html")
        assert first.headers["Location"] != again.headers["Location"]
        assert client.get(again.headers["Location"]).status_code == 200
        client.sign_in(admin)
        (item,) = client.get("/internal/leads").json["items"]
        assert item["reference"] == ""
        assert item["id"] in client.get(f"/desk/leads/{item['id']}").text


class TestSayingIt:
    def test_it_is_on_the_page_of_thanks_in_the_lists_and_on_the_lead(self, client, given):
        admin = given(UserFactory, "admin")
        thanks = client.get(client.submit(accept="text/html").headers["Location"])
        client.sign_in(admin)
        (item,) = client.get("/internal/leads").json["items"]
        assert WRITTEN.fullmatch(item["reference"])
        for page in (thanks, client.get("/desk"), client.get(f"/desk/leads/{item['id']}")):
            assert item["reference"] in page.text
        assert client.get(f"/internal/leads/{item['id']}").json["reference"] == item["reference"]
        (row,) = csv.DictReader(io.StringIO(client.get("/internal/leads.csv").text))
        assert row["reference"] == item["reference"]

    def test_it_is_in_the_quarantine_and_in_the_commands(self, app, client, given):
        lead, spam = given(LeadFactory), given(LeadFactory, "quarantined")
        client.sign_in(given(UserFactory, "manager"))
        assert spam.reference in client.get("/desk/quarantine").text
        assert client.get("/internal/quarantine").json["items"][0]["reference"] == spam.reference
        run = app.test_cli_runner().invoke
        for words in (["list"], ["list", "--format", "json"], ["show", str(lead.id)], ["export"]):
            assert lead.reference in run(args=["leads", *words]).stdout
        assert spam.reference in run(args=["leads", "quarantine", "list"]).stdout

    def test_the_thanks_say_no_more_than_what_was_asked(self, client, given):
        known, unknown = given(LeadFactory).reference, draw_reference()
        pages = [client.get(f"/thanks/{one.lower()}").text.replace(one, "") for one in (known, unknown)]
        assert pages[0] == pages[1]
