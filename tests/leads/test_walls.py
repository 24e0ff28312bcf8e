"""A lead somebody is barred from answers them, byte for byte, as if it had never come: on every route.

Every request is put to a world and to the same world with the lead really taken out. What stays of it is
accepted, and the same in both: numbers that were true when they were written down, in the reason of an
assignment or in the audit trail's record of how many leads a colleague listed.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import click
import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from hypothesis import HealthCheck, Phase
from hypothesis import given as given_that
from hypothesis import settings as examples
from hypothesis import strategies as st

from leadintake.core import alarms
from leadintake.core.db import types
from leadintake.core.db.database import db
from leadintake.leads.status import Outcome
from tests.leads.worlds import CLIENT, NOTHING, NOW, Heard, Plan, Reader, World, build, plans

pytestmark = pytest.mark.no_cover  # many requests for few lines, which others count

LEAD, USER, MESSAGE = "<lead:lead_id>", "<uuid:user_id>", "<uuid:notification_id>"
NOTE, REPLY, TEMPLATE = "<uuid:note_id>", "<uuid:reply_id>", "<uuid:template_id>"
LEADS, USERS = f"/internal/leads/{LEAD}", f"/internal/users/{USER}"
GET, PUT, POST, PATCH, DELETE = "GET", "PUT", "POST", "PATCH", "DELETE"
RANDOM = {
    "/internal/second-factor/app", "/internal/session/passkey/options", "/internal/passkeys/options",
    "/desk/account/app", "/desk/leads/new",
}  # fmt: skip
"""Answers with a new secret or challenge: of their bodies only the names of the members, or the length, are
compared."""

A_HASH = re.compile(rb"\b[0-9a-f]{64}\b")
"""Each depends on all entries before it, and tells nobody anything who has no key."""

Bodies = list[Any]
ABOUT_A_LEAD: dict[tuple[str, str], Bodies] = {
    (GET, LEADS): [None],
    (PATCH, LEADS): [{"status": "REACHED_OUT"}, {"status": "PENDING"}, {"status": "x"}],
    (DELETE, LEADS): [None],
    (PUT, f"{LEADS}/assignee"): [{"user_id": "barred"}, {"user_id": "colleague"}, {"user_id": None}],
    (POST, f"{LEADS}/decline"): [{"reason": "Busy."}, {"reason": ""}],
    (POST, f"{LEADS}/restore"): [None],
    (PUT, f"{LEADS}/outcome"): [{"outcome": "hired"}, {"outcome": None}, {"outcome": "x"}],
    (PUT, f"{LEADS}/follow_up"): [{"at": "2026-03-02T12:00:00Z"}, {"at": None}],
    (PUT, f"{LEADS}/tags"): [{"tags": ["secretissima"]}, {"tags": [""]}],
    (GET, f"{LEADS}/resume"): [None],
    (GET, f"{LEADS}/history"): [None],
    (GET, f"{LEADS}/notifications"): [None],
    (GET, f"{LEADS}/notes"): [None],
    (POST, f"{LEADS}/notes"): [{"text": "Mine."}, {"text": ""}],
    (PATCH, f"{LEADS}/notes/{NOTE}"): [{"text": "Mine."}],
    (DELETE, f"{LEADS}/notes/{NOTE}"): [None],
    (GET, f"{LEADS}/contacts"): [None],
    (POST, f"{LEADS}/contacts"): [{"channel": "phone", "outcome": "spoke"}, {"channel": "x"}],
    (GET, f"{LEADS}/proof"): [None],
    (GET, f"{LEADS}/screens"): [None],
    (POST, f"{LEADS}/screens"): [
        {"user_id": "barred", "notice": "Mine."}, {"user_id": "colleague", "notice": "Theirs."},
        {"user_id": "nobody", "notice": ""},
    ],
    (DELETE, f"{LEADS}/screens/{USER}"): [None],
    (GET, f"{LEADS}/replies"): [None],
    (POST, f"{LEADS}/replies"): [{"subject": "Call", "body": "Now?"}, {"subject": "", "body": "{phone}"}],
    (DELETE, f"{LEADS}/replies/{REPLY}"): [None],
    (POST, f"/internal/quarantine/{LEAD}/release"): [None],
    (POST, f"/internal/quarantine/{LEAD}/discard"): [None],
    (GET, f"/desk/leads/{LEAD}"): [None],
    (GET, f"/desk/leads/{LEAD}/pulse"): [None],
    (POST, f"/desk/leads/{LEAD}/reached-out"): [None],
    (POST, f"/desk/leads/{LEAD}/reopen"): [None],
    (POST, f"/desk/leads/{LEAD}/take"): [None],
    (POST, f"/desk/leads/{LEAD}/assign"): [None],
    (POST, f"/desk/leads/{LEAD}/decline"): [None],
    (POST, f"/desk/leads/{LEAD}/delete"): [None],
    (POST, f"/desk/leads/{LEAD}/notes"): [None],
    (GET, f"/desk/leads/{LEAD}/notes/{NOTE}"): [None],
    (POST, f"/desk/leads/{LEAD}/notes/{NOTE}"): [None],
    (POST, f"/desk/leads/{LEAD}/notes/{NOTE}/delete"): [None],
    (POST, f"/desk/leads/{LEAD}/contacts"): [None],
    (POST, f"/desk/leads/{LEAD}/outcome"): [None],
    (POST, f"/desk/leads/{LEAD}/follow-up"): [None],
    (POST, f"/desk/leads/{LEAD}/tags"): [None],
    (GET, f"/desk/leads/{LEAD}/resume/text"): [None],
    (GET, f"/desk/leads/{LEAD}/explanation"): [None],
    (GET, f"/desk/leads/{LEAD}/proof"): [None],
    (GET, f"/desk/leads/{LEAD}/screens"): [None],
    (POST, f"/desk/leads/{LEAD}/screens"): [None],
    (POST, f"/desk/leads/{LEAD}/screens/{USER}/lift"): [None],
    (GET, f"/desk/leads/{LEAD}/replies"): [None],
    (POST, f"/desk/leads/{LEAD}/replies"): [None],
    (POST, f"/desk/leads/{LEAD}/replies/{REPLY}/undo"): [None],
    (POST, f"/desk/deleted/{LEAD}/restore"): [None],
    (POST, f"/desk/quarantine/{LEAD}/release"): [None],
    (POST, f"/desk/quarantine/{LEAD}/discard"): [None],
}  # fmt: skip
FILTERS = (
    "", "q=secretissima", "q=pelican", f"q={CLIENT}", "q=202-555-0199", "status=PENDING",
    "status=REACHED_OUT", "assigned_to=me", "assigned_to=none", "assigned_to={colleague}",
    "created_from=2026-03-01T11:30:00Z", "created_to=2026-03-01T11:30:00Z",
    "sort=email", "sort=-last_name", "sort=-updated_at", "q=%00",
    "outcome=hired", "outcome=none", "tag=SECRETISSIMA", "tag=asylum", "practice_area=family", "language=es",
)  # fmt: skip
LISTS: dict[tuple[str, str], tuple[str, ...]] = {
    (GET, "/internal/leads"): (
        *(f"{one}&count=true".lstrip("&") for one in FILTERS),
        "limit=1",
        "sort=email&limit=1",
    ),
    (GET, "/internal/leads.csv"): (*FILTERS[:6], *FILTERS[-6:]),
    (GET, "/internal/tags"): ("",),
    (GET, "/internal/notifications"): ("", "limit=1", "status=queued", "status=failed"),
    (GET, "/internal/assignment/report"): ("", "created_to=2026-03-02T00:00:00Z"),
    (GET, "/internal/audit"): ("", "limit=3", "about={hidden}", "actor={boss}", "action=lead.read"),
    (GET, "/internal/audit.csv"): ("", "about={hidden}", "about={hidden_message}"),
    (GET, "/desk"): (
        "",
        "q=secretissima",
        "q=pelican",
        "q=(202)+555-0199",
        "status=PENDING",
        "assigned_to=none",
        "group=due",
        "group=waiting",
        "group=snoozed",
        "group=colleagues",
        "group=done",
        "age=today",
        "age=older",
        "source=form",
    ),
    (GET, "/desk/leads.csv"): FILTERS[:5],
    (GET, "/desk/pulse"): ("",),
    (GET, "/desk/report"): ("",),
    (GET, "/desk/messages"): ("", "status=failed"),
}
DELETED: dict[tuple[str, str], tuple[str, ...]] = {(GET, "/desk/deleted"): ("",)}
QUARANTINE: dict[tuple[str, str], tuple[str, ...]] = {
    (GET, "/internal/quarantine"): ("", "limit=1"),
    (GET, "/desk/quarantine"): ("",),
}
ELSEWHERE: dict[tuple[str, str], Bodies] = {
    (POST, f"/internal/notifications/{MESSAGE}/retry"): [None],
    (POST, "/internal/leads"): [{"first_name": ""}],
    (POST, "/internal/leads/bulk"): [
        {"act": "assign", "filter": {"q": "secretissima"}, "user_id": None},
        {"act": "delete", "filter": {"q": "secretissima"}},
        {"act": "delete", "ids": ["7QM4-2XRF"]},
    ],
    (GET, "/desk/leads/new"): [None],
    (POST, "/desk/leads/new"): [None],
    (POST, "/desk/leads/bulk"): [None],
    (POST, "/desk/leads/bulk/done"): [None],
    (POST, "/desk/leads/bulk/restored"): [None],
    (GET, "/internal/reply-templates"): [None],
    (POST, "/internal/reply-templates"): [{"name": "a", "language": "en", "subject": "b", "body": "c"}],
    (GET, f"/internal/reply-templates/{TEMPLATE}"): [None],
    (PATCH, f"/internal/reply-templates/{TEMPLATE}"): [{"name": "a"}],
    (DELETE, f"/internal/reply-templates/{TEMPLATE}"): [None],
    (GET, "/desk/replies/templates"): [None],
    (GET, "/desk/replies/templates/new"): [None],
    (GET, f"/desk/replies/templates/{TEMPLATE}"): [None],
    (POST, "/desk/replies/templates"): [None],
    (POST, f"/desk/replies/templates/{TEMPLATE}"): [None],
    (POST, f"/desk/replies/templates/{TEMPLATE}/delete"): [None],
    (GET, "/internal/absences"): [None],
    (POST, "/internal/absences"): [{"first_day": "2026-03-02"}, {"first_day": "2026-03-01"}],
    (DELETE, "/internal/absences/<uuid:absence_id>"): [None],
    (GET, "/internal/users"): [None],
    (POST, "/internal/users"): [{"email": "x", "name": "", "role": "viewer"}],
    (GET, USERS): [None],
    (PATCH, USERS): [{"name": "Renamed"}],
    (DELETE, USERS): [None],
    (POST, f"{USERS}/invitation"): [None],
    (DELETE, f"{USERS}/sessions"): [None],
    (DELETE, f"{USERS}/second-factor"): [None],
    (POST, "/internal/session"): [{"email": "x@firm.example.com", "password": "wrong"}],
    (GET, "/internal/session"): [None],
    (DELETE, "/internal/session"): [None],
    (POST, "/internal/session/passkey"): [{"credential": {}}],
    (POST, "/internal/session/passkey/options"): [None],
    (GET, "/internal/session/sso"): [None],
    (GET, "/internal/session/sso/callback"): [None],
    (GET, "/internal/sessions"): [None],
    (DELETE, "/internal/sessions"): [None],
    (DELETE, "/internal/sessions/<uuid:session_id>"): [None],
    (PUT, "/internal/password"): [{"current_password": "wrong", "new_password": "quite different words"}],
    (POST, "/internal/password/forgotten"): [{"email": "x@firm.example.com"}],
    (POST, "/internal/password/chosen"): [{"token": "x", "password": "quite different words"}],
    (GET, "/internal/second-factor"): [None],
    (POST, "/internal/second-factor/app"): [None],
    (PUT, "/internal/second-factor/app"): [{"code": "123456"}],
    (DELETE, "/internal/second-factor/app"): [None],
    (POST, "/internal/second-factor/recovery-codes"): [None],
    (GET, "/internal/passkeys"): [None],
    (POST, "/internal/passkeys"): [{"name": "Desk", "credential": {}}],
    (POST, "/internal/passkeys/options"): [None],
    (DELETE, "/internal/passkeys/<uuid:passkey_id>"): [None],
    (POST, f"/desk/messages/{MESSAGE}/retry"): [None],
    (POST, "/desk/messages/retry-failed"): [None],
    (GET, "/desk/absences"): [None],
    (POST, "/desk/absences"): [None],
    (POST, "/desk/absences/<uuid:absence_id>/end"): [None],
    (POST, "/desk/absences/<uuid:absence_id>/undo"): [None],
    (GET, "/desk/people"): [None],
    (POST, "/desk/people"): [None],
    (POST, f"/desk/people/{USER}"): [None],
    (POST, f"/desk/people/{USER}/invitation"): [None],
    (GET, "/desk/views"): [None],
    (POST, "/desk/views"): [None],
    (POST, "/desk/views/<uuid:view_id>"): [None],
    (POST, "/desk/views/<uuid:view_id>/delete"): [None],
    (GET, "/desk/account"): [None],
    (GET, "/desk/finish"): [None],
    (POST, "/desk/account/password"): [None],
    (POST, "/desk/account/time-zone"): [None],
    (POST, "/desk/account/preferences"): [None],
    (POST, "/desk/account/app"): [None],
    (POST, "/desk/account/app/confirm"): [None],
    (POST, "/desk/account/app/remove"): [None],
    (POST, "/desk/account/sign-out-everywhere"): [None],
    (GET, "/desk/sign-in"): [None],
    (POST, "/desk/sign-in"): [None],
    (POST, "/desk/sign-out"): [None],
    (GET, "/desk/forgotten"): [None],
    (POST, "/desk/forgotten"): [None],
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "leads list": (
        "",
        "--outcome hired",
        "--outcome none",
        "--format json",
        "--format csv",
        "--status PENDING",
        "--limit 1",
    ),
    "leads export": ("", "--status PENDING"),
    "leads show": ("{lead}", "{lead} --format json"),
    "leads explain": ("{lead}", "{lead} --format json"),
}
SITUATIONS = (
    ("viewer", "all"), ("attorney", "all"), ("attorney", "own"), ("manager", "own"), ("admin", "all"),
)  # fmt: skip
SECRET = Plan(
    ours=True, owner=None, reached=False, deleted=False, hours=0, messages=(("prospect", None),),
    tags=("asylum", "Secretissima"),
)  # fmt: skip
HIDDEN = (
    replace(SECRET, owner="colleague", reached=True, messages=(("colleague", "sent"), ("prospect", "sent"))),
    replace(
        SECRET,
        owner="barred",
        hours=1,
        messages=(("barred", "sent"), ("prospect", "failed")),
        outcome=Outcome.HIRED,
    ),
    replace(SECRET, owner="barred", reached=True, hours=2, messages=(("barred", None), ("barred", "failed"))),
    replace(
        SECRET,
        hours=1,
        messages=(("prospect", None), ("barred", "failed")),
        outcome=Outcome.CONFLICT,
    ),
    replace(SECRET, owner="colleague", deleted=True, messages=(("colleague", "failed"), ("barred", None))),
)
"""The lead somebody is barred from, another in each situation."""
OTHERS = [
    replace(
        SECRET,
        ours=False,
        owner="barred",
        hours=1,
        messages=(("barred", "failed"), ("prospect", None)),
        tags=("Asylum",),
    ),
    replace(SECRET, owner="colleague", deleted=True, hours=3, messages=(("prospect", "failed"),)),
    replace(SECRET, reached=True, hours=1, messages=(("prospect", "sent"),), tags=(), outcome=Outcome.HIRED),
]
Request = tuple[str, str, Any]


def some_of_them(*short: tuple[str, str]) -> list[Any]:
    """All situations, these in the short form."""
    return [pytest.param(*one, marks=() if one in short else pytest.mark.long_form) for one in SITUATIONS]


@pytest.fixture
def world(app: Flask, tmp_path, monkeypatch) -> Iterator[World]:
    """An application whose clock stands still: the same request twice takes place at one moment."""
    made = World(app, tmp_path)
    made.keep_empty()
    with app.app_context():  # nothing here is about what a disk has kept
        sa.event.listen(db.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    monkeypatch.setattr(types, "uuid7", made.next_id)
    monkeypatch.setattr(alarms, "find_problems", dict)  # of the whole house, whoever looks
    with time_machine.travel(NOW, tick=False):
        yield made


@pytest.fixture
def settings() -> dict[str, object]:
    return {"PASSKEYS": True, "PUBLIC_URL": "http://localhost:8000"}


def rules(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/internal", "/desk"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def commands_as_somebody(group: click.Group, *above: str) -> Iterator[str]:
    """The names of all commands that have --as."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands_as_somebody(command, *above, name)
        elif any("--as" in option.opts for option in command.params):
            yield " ".join((*above, name))


def test_every_route_and_every_command_with_as_is_in_the_tables(app):
    assert rules(app) == {*ABOUT_A_LEAD, *LISTS, *DELETED, *QUARANTINE, *ELSEWHERE}
    assert all(LEAD in rule for _, rule in ABOUT_A_LEAD)
    assert not any(LEAD in rule for _, rule in {*LISTS, *DELETED, *QUARANTINE, *ELSEWHERE})
    assert set(commands_as_somebody(app.cli)) == set(COMMANDS)


def words_of(world: World) -> dict[str, str]:
    """What the templates of requests name."""
    people = {name: str(person.id) for name, person in world.people.items()}
    return {**people, "hidden": str(world.hidden), "hidden_message": str(world.hidden_message)}


def filled(body: Any, world: World) -> Any:
    """A body with the ids of those it names."""
    if not isinstance(body, dict) or body.get("user_id") is None:
        return body
    person = world.people.get(body["user_id"])
    return {**body, "user_id": str(person.id if person else NOTHING)}


def requests_about(lead: uuid.UUID, world: World, *, most: int | None = None) -> Iterator[Request]:
    """Every request about one lead; `most` with so many bodies each."""
    for (method, rule), bodies in ABOUT_A_LEAD.items():
        for who in ("barred", "colleague") if USER in rule else ("barred",):
            path = rule.replace(LEAD, str(lead)).replace(USER, str(world.people[who].id))
            path = path.replace(NOTE, str(world.hidden_note)).replace(REPLY, str(world.hidden_reply))
            yield from ((method, path, filled(body, world)) for body in bodies[:most])


def requests_that_may_show_leads(world: World) -> Iterator[Request]:
    """Requests about the hidden lead, about another of the same client, and about many."""
    yield from requests_about(world.hidden, world)
    yield from requests_about(world.twin, world, most=1)
    for (method, rule), queries in {**LISTS, **DELETED, **QUARANTINE}.items():
        yield from ((method, f"{rule}?{query.format(**words_of(world))}", None) for query in queries)


def requests_elsewhere(world: World) -> Iterator[Request]:
    """All the others."""
    for (method, rule), bodies in ELSEWHERE.items():
        for message in (world.hidden_message, world.other_message) if MESSAGE in rule else (None,):
            path = rule.replace(MESSAGE, str(message)).replace(USER, str(world.people["colleague"].id))
            for nobody in ("<uuid:session_id>", "<uuid:passkey_id>", "<uuid:view_id>", TEMPLATE):
                path = path.replace(nobody, str(NOTHING))
            yield from ((method, path, body) for body in bodies)


def comparable(path: str, answers: list[Heard]) -> Any:
    """The answers, or of random ones what is not random; without the keyed hashes of a proof sheet."""
    if path.endswith("/proof"):
        return [(status, headers, A_HASH.sub(b"", body)) for status, headers, body in answers]
    if path not in RANDOM:
        return answers
    return [
        (status, sorted(json.loads(body)) if body.startswith(b"{") else len(body))
        for status, _, body in answers
    ]


def about_another(heard: Heard, one: uuid.UUID, other: uuid.UUID) -> Heard:
    """The same answer about another lead."""
    status, headers, body = heard
    told = [(name, value.replace(str(one), str(other))) for name, value in headers]
    return status, told, body.replace(str(one).encode(), str(other).encode())


def in_both_worlds(
    world: World, reader: Reader, requests: Iterable[Request]
) -> Iterator[tuple[Request, list[Heard], list[Heard]]]:
    """Each request with its answers as it is, and without the hidden lead."""
    for request in requests:
        yield (request, *world.in_both(reader.ask, *request))


def differences(
    world: World, reader: Reader, requests: Iterable[Request], *, paths: bool = False
) -> set[tuple[str, str]]:
    """The requests that tell the two worlds apart; `paths`: each path once, whatever its query."""
    found: set[tuple[str, str]] = set()
    asked = (one for one in requests if not paths or (one[0], one[1].partition("?")[0]) not in found)
    for (method, path, _), here, there in in_both_worlds(world, reader, asked):
        if comparable(path, here) != comparable(path, there):
            found.add((method, path.partition("?")[0] if paths else path))
    return found


def with_command(world: World, name: str, words: str) -> tuple[int, str, str]:
    """What an operator is shown through the eyes of the barred person."""
    line = [*name.split(), *words.split(), "--as", world.people["barred"].email]
    done = world.app.test_cli_runner().invoke(args=line)
    return done.exit_code, done.stdout, done.stderr


def a_world(
    world: World, role: str, visibility: str, secret: Plan, others: list[Plan], **more: bool
) -> Reader:
    """Build it, and sign the barred person in."""
    world.app.config["ATTORNEY_VISIBILITY"] = visibility
    world.people.clear()
    world.become("empty")
    build(world, role, secret, others, **more)
    reader = Reader.signed_in(world.app, world.people["barred"])
    world.keep()
    return reader


def assert_that_nothing_tells(
    world: World, role: str, visibility: str, secret: Plan, others: list[Plan]
) -> None:
    """Compare what a barred person is answered with the answers where the lead never was."""
    reader = a_world(world, role, visibility, secret, others)
    about_it = list(requests_about(world.hidden, world))
    told: list[Heard] = []
    for request, here, there in in_both_worlds(world, reader, requests_that_may_show_leads(world)):
        assert comparable(request[1], here) == comparable(request[1], there), request
        told += here if request in about_it else []
    never = uuid.UUID(int=7)
    world.become("as it is")
    about_nothing = [reader.ask(*request) for request in requests_about(never, world)]
    for request, here, (there,) in zip(about_it, told, about_nothing, strict=True):
        assert here[0] >= 400 or (here[0] == 303 and request[1].startswith("/desk")), request
        assert here == about_another(there, never, world.hidden)
    for name, all_words in COMMANDS.items():
        for words in all_words:
            lines = [words.format(lead=lead) for lead in (world.hidden, world.twin)]
            for line in lines if "{lead}" in words else lines[:1]:
                here, there = world.in_both(with_command, world, name, line)
                assert here == there, (name, line)


@pytest.mark.parametrize(
    ("role", "visibility", "hidden"),
    [
        pytest.param(
            *one,
            hidden,
            marks=pytest.mark.long_form if one in (("viewer", "all"), ("manager", "own")) else (),
        )
        for one, hidden in zip(SITUATIONS, HIDDEN, strict=True)
    ],
)
def test_for_who_is_barred_it_is_as_if_the_lead_did_not_exist(world, role, visibility, hidden):
    assert_that_nothing_tells(world, role, visibility, hidden, OTHERS)


@pytest.mark.long_form
@pytest.mark.parametrize(("role", "visibility"), SITUATIONS)
@examples(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given_that(secret=plans, others=st.lists(plans, min_size=1, max_size=2))
def test_so_it_is_in_other_worlds(world, role, visibility, secret, others):
    assert_that_nothing_tells(world, role, visibility, secret, others)


@pytest.mark.parametrize(("role", "visibility"), some_of_them(("attorney", "own"), ("admin", "all")))
def test_nor_does_any_other_route_tell_of_it(world, role, visibility):
    reader = a_world(world, role, visibility, SECRET, [])
    assert differences(world, reader, requests_elsewhere(world)) == set()


@pytest.mark.parametrize(("role", "visibility"), some_of_them(("attorney", "all"), ("manager", "own")))
def test_nor_does_any_route_tell_of_one_in_quarantine(world, role, visibility):
    reader = a_world(world, role, visibility, replace(SECRET, quarantined=True), [])
    assert differences(world, reader, requests_that_may_show_leads(world)) == set()


def test_without_the_wall_all_that_shows_leads_would_tell_of_it(world):
    """The requests above are no empty ones."""
    reader = a_world(world, "admin", "all", replace(SECRET, owner="barred", hours=1), [], wall=False)
    retried = (POST, f"/internal/notifications/{world.hidden_message}/retry")
    expected = {
        (method, path)
        for method, path, _ in requests_about(world.hidden, world)
        if not (method == DELETE and "/screens/" in path)  # 404 as there is none
    }
    expected |= {*LISTS, retried}
    requests = [*requests_that_may_show_leads(world), (*retried, None)]
    asked = [one for one in requests if (one[0], one[1].partition("?")[0]) in expected]
    assert differences(world, reader, asked, paths=True) == expected


def test_without_the_wall_all_that_shows_the_quarantine_would_tell_of_it(world):
    reader = a_world(world, "admin", "all", replace(SECRET, quarantined=True), [], wall=False)
    asked = [one for one in requests_that_may_show_leads(world) if "/quarantine" in one[1]]
    expected = {
        (method, path) for method, path, _ in requests_about(world.hidden, world) if "/quarantine/" in path
    }
    assert differences(world, reader, asked, paths=True) == expected | set(QUARANTINE)


def test_without_the_wall_the_deleted_leads_would_tell_of_it(world):
    reader = a_world(world, "admin", "all", replace(SECRET, deleted=True), [], wall=False)
    asked = [one for one in requests_that_may_show_leads(world) if one[1].startswith("/desk/deleted")]
    restore = (POST, f"/desk/deleted/{world.hidden}/restore")
    assert differences(world, reader, asked, paths=True) == {restore, *DELETED}


@pytest.mark.parametrize("owner", [None, "colleague"])
def test_where_attorneys_see_their_own_every_route_hides_the_leads_of_others(world, owner):
    reader = a_world(world, "attorney", "own", replace(SECRET, owner=owner), [], wall=False)
    assert differences(world, reader, requests_that_may_show_leads(world)) == set()
