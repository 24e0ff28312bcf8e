"""Templates of replies: which there are, who may change them, and what their fields become."""

from __future__ import annotations

import json

import pytest

from leadintake.audit.models import AuditEntry
from leadintake.leads.replies import wording
from leadintake.leads.replies.builtin import BUILT_IN
from leadintake.leads.replies.models import Reply, ReplyTemplate
from leadintake.leads.replies.templates import MAX_TEMPLATES
from tests.factories import LeadFactory, ReplyTemplateFactory, UserFactory

TEMPLATES = "/internal/reply-templates"
TEXT = {
    "name": "Fees",
    "language": "en",
    "subject": "Our fees, {reference}",
    "body": "Dear {first_name},\n\nthe first call is free.\n\n{attorney}, {firm}",
}
VALUES = dict.fromkeys(wording.FIELDS, "") | {"first_name": "Jane", "attorney": "Amara"}


@pytest.fixture
def settings() -> dict[str, object]:
    return {"FIRM_NAME": "Okafor & Partners", "FIRM_PHONE": "+1 202 555 0100"}


@pytest.fixture
def manager(browser, max_):
    return browser().sign_in(max_)


@pytest.fixture
def attorney(browser, amara):
    return browser().sign_in(amara)


@pytest.fixture
def lead(given, amara):
    return given(
        LeadFactory, assigned_to=amara, first_name="Jane", last_name="Doe", practice_area="immigration"
    )


def reply(client, lead, **words: object):
    return client.post(f"/internal/leads/{lead.id}/replies", json=words)


class TestTheFirmsOwn:
    def test_there_are_four_in_each_language_to_begin_with(self, attorney):
        items = attorney.get(TEMPLATES).json["items"]
        assert {(item["language"], item["name"]) for item in items} == {
            (template.language, template.name) for template in BUILT_IN
        }
        assert len(items) == 8

    def test_each_of_them_has_known_fields_only_and_needs_nothing_that_a_lead_may_lack(
        self, attorney, amara, given
    ):
        for template in BUILT_IN:
            lead = given(LeadFactory, assigned_to=amara, practice_area=None, last_name="-")
            answer = reply(attorney, lead, template=template.name)
            assert answer.status_code == 201, answer.json

    def test_a_manager_makes_changes_and_deletes_one(self, manager, attorney, rows):
        created = manager.post(TEMPLATES, json=TEXT)
        assert created.status_code == 201
        address = f"{TEMPLATES}/{created.json['id']}"
        assert attorney.get(address).json == created.json
        changed = manager.patch(address, json={"name": "Our fees"})
        assert changed.json["name"] == "Our fees"
        assert changed.json["body"] == TEXT["body"]
        assert manager.delete(address).status_code == 204
        assert attorney.get(address).status_code == 404
        found = [entry for entry in rows(AuditEntry) if entry.action.startswith("reply_template.")]
        assert [entry.action.partition(".")[2] for entry in found] == ["created", "changed", "deleted"]
        assert {json.dumps(entry.detail) for entry in found}.isdisjoint({"Fees"})

    @pytest.mark.parametrize("who", ["viewer", "attorney"])
    def test_others_read_them_only(self, browser, given, who):
        client = browser().sign_in(given(UserFactory, *([] if who == "attorney" else [who])))
        first = client.get(TEMPLATES).json["items"][0]
        address = f"{TEMPLATES}/{first['id']}"
        assert client.get(address).json == first
        assert client.post(TEMPLATES, json=TEXT).status_code == 403
        assert client.patch(address, json={"name": "Mine"}).status_code == 403
        assert client.delete(address).status_code == 403

    def test_two_of_one_language_have_different_names(self, manager):
        first = manager.post(TEMPLATES, json=TEXT).json
        assert list(manager.post(TEMPLATES, json=TEXT).json["errors"]) == ["name"]
        assert manager.post(TEMPLATES, json=TEXT | {"language": "es"}).status_code == 201
        second = manager.post(TEMPLATES, json=TEXT | {"name": "Other"}).json
        answer = manager.patch(f"{TEMPLATES}/{second['id']}", json={"name": "Fees"})
        assert list(answer.json["errors"]) == ["name"]
        assert manager.patch(f"{TEMPLATES}/{first['id']}", json={"name": "Fees"}).status_code == 200

    def test_there_are_two_hundred_at_most(self, manager, given):
        for _ in range(MAX_TEMPLATES - len(BUILT_IN)):
            given(ReplyTemplateFactory)
        assert list(manager.post(TEMPLATES, json=TEXT).json["errors"]) == ["name"]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"language": "fr"}, "language"),
            ({"subject": "a\r\nBcc: x@y.example"}, "subject"),
            ({"subject": "x" * 151}, "subject"),
            ({"body": ""}, "body"),
            ({"body": "x" * 10_001}, "body"),
        ],
    )
    def test_a_text_that_cannot_be_sent_is_refused(self, manager, change, field):
        answer = manager.post(TEMPLATES, json=TEXT | change)
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == [field]


class TestFields:
    @pytest.mark.parametrize(
        "name", ["frist_name", "first_name.__class__", "0", "first_name!r", "first_name:>99", "FIRM", "a[0]"]
    )
    def test_one_that_does_not_exist_is_named_at_saving(self, manager, name):
        answer = manager.post(TEMPLATES, json=TEXT | {"body": f"Dear {{{name}}},"})
        assert answer.status_code == 422
        (reason,) = answer.json["errors"]["body"]
        assert f"{{{name}}}" in reason

    def test_no_text_of_a_prospect_reaches_a_subject(self, manager):
        answer = manager.post(TEMPLATES, json=TEXT | {"subject": "Dear {first_name} {last_name}"})
        (reason,) = answer.json["errors"]["subject"]
        assert "{first_name}, {last_name}" in reason

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Dear {first_name}", "Dear Jane"),
            ("{{first_name}} {{}} { x } {} }{", "{first_name} {} { x } {} }{"),
            ("{phone}", "{phone}"),
            ("{first_name.__class__}", "{first_name.__class__}"),
            ("%s %(x)s $x ${x}", "%s %(x)s $x ${x}"),
        ],
    )
    def test_braces_become_what_they_stand_for(self, text, expected):
        assert wording.fill(text, VALUES) == expected

    def test_a_value_is_no_field(self):
        assert wording.fill("{first_name}", VALUES | {"first_name": "{attorney}{{"}) == "{attorney}{{"

    def test_a_reply_takes_its_values_from_the_lead_the_author_and_the_firm(self, manager, attorney, lead):
        body = "{first_name}|{last_name}|{attorney}|{firm}|{phone}|{reference}|{practice_area}"
        manager.post(TEMPLATES, json=TEXT | {"body": body})
        sent = reply(attorney, lead, template="Fees").json
        assert sent["subject"] == f"Our fees, {lead.reference}"
        assert sent["body"] == (
            f"Jane|Doe|Amara Attorney|Okafor & Partners|+1 202 555 0100|{lead.reference}|immigration"
        )

    @pytest.mark.parametrize("is_typed", [False, True])
    def test_a_name_in_braces_is_sent_as_it_is(self, manager, attorney, given, amara, is_typed):
        lead = given(LeadFactory, assigned_to=amara, first_name="{phone}")
        template = manager.post(TEMPLATES, json=TEXT | {"name": "Braces", "body": "Dear {first_name}"}).json
        words = {"template": template["id"]} | ({"body": "Dear {phone}"} if is_typed else {})
        answer = attorney.post(f"/internal/leads/{lead.id}/replies", json=words)
        assert answer.status_code == 201, answer.text
        assert answer.json["body"] == "Dear {phone}"

    def test_a_field_without_a_value_is_never_sent(self, app, manager, attorney, lead, rows):
        app.config["FIRM_PHONE"] = ""
        manager.post(TEMPLATES, json=TEXT | {"body": "Call {phone}"})
        answer = reply(attorney, lead, template="Fees")
        assert answer.status_code == 422
        assert "{phone}" in answer.json["errors"]["body"][0]
        typed = reply(attorney, lead, subject="Call", body="Call {phone}")
        assert typed.status_code == 422
        assert rows(Reply) == []


class TestChoosing:
    def test_the_name_means_the_one_in_the_prospects_language(self, manager, attorney, given, amara):
        manager.post(TEMPLATES, json=TEXT)
        manager.post(TEMPLATES, json=TEXT | {"language": "es", "body": "Hola"})
        lead = given(LeadFactory, assigned_to=amara, language="es")
        assert reply(attorney, lead, template="Fees").json["body"] == "Hola"

    def test_practice_areas_are_in_the_language_of_the_template(self, manager, attorney, lead):
        manager.post(TEMPLATES, json=TEXT | {"language": "es", "body": "{practice_area}"})
        assert reply(attorney, lead, template="Fees").json["body"] == "inmigración"

    def test_what_is_sent_with_a_template_goes_before_its_text(self, manager, attorney, lead):
        created = manager.post(TEMPLATES, json=TEXT).json
        sent = reply(attorney, lead, template=created["id"], body="My own words.").json
        assert sent["body"] == "My own words."
        assert sent["subject"] == f"Our fees, {lead.reference}"
        assert sent["template"] == created["id"]

    def test_one_that_does_not_exist_is_refused(self, attorney, lead):
        answer = reply(attorney, lead, template="Nothing", subject="a", body="b")
        assert list(answer.json["errors"]) == ["template"]

    def test_replies_outlive_their_template(self, manager, attorney, lead, rows):
        created = manager.post(TEMPLATES, json=TEXT).json
        reply(attorney, lead, template="Fees")
        manager.delete(f"{TEMPLATES}/{created['id']}")
        items = attorney.get(f"/internal/leads/{lead.id}/replies").json["items"]
        assert items[0]["template"] == created["id"]
        assert len(rows(ReplyTemplate)) == len(BUILT_IN) + 1
