"""Pages of rows: complete and without repeats, in every order, while rows arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck
from hypothesis import given as given_that
from hypothesis import strategies as st

from leadintake.auth.models import User
from leadintake.auth.permissions import Role
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Order, page_of
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import UnprocessableContent
from tests.documents.inspection.examples import examples
from tests.factories import LeadFactory, UserFactory

START = datetime(2024, 1, 1, tzinfo=UTC)
SORTS = [
    f"{way}{column}" for column in ("created_at", "updated_at", "name", "email", "role") for way in ("", "-")
]
# Names that some databases take for equal and others do not.
NAMES = ("Doe", "doe", "DOE", "Döe", "Doe ", "ß", "ss", "Æ", "山田", "🦊", "")


def pages(sort: str, limit: int, statement=None, between=lambda: None):
    """Every page of users in this order; `between` happens after each."""
    order, cursor = Order.parse(User, sort), None
    while True:
        page = page_of(
            sa.select(User) if statement is None else statement,
            order,
            limit=limit,
            cursor=cursor,
            bound_to={},
        )
        yield [user.id for user in page.items]
        db.session.rollback()
        between()
        cursor = page.next_cursor
        if cursor is None:
            return


def add(number: int, name: str, seconds: int) -> None:
    """A user with values that others have too."""
    at = START + timedelta(seconds=seconds)
    role = list(Role)[seconds % len(Role)]
    db.session.add(
        User(name=name, email=f"{name}{number}@x", role=role, password_hash="", created_at=at, updated_at=at)
    )


@pytest.mark.every_engine
@pytest.mark.parametrize("sort", SORTS)
def test_every_row_is_on_exactly_one_page_whatever_ties(sort, app):
    with app.app_context():
        with transaction():
            for number in range(33):
                add(number, NAMES[number % len(NAMES)], number // 7)
        (everything,) = pages(sort, 200)
        assert len(set(everything)) == 33
        for limit in (1, 4, 32, 33):
            found = list(pages(sort, limit))
            assert [one for page in found for one in page] == everything
            assert all(len(page) == limit for page in found[:-1])
            assert found[-1]


@pytest.mark.every_engine
@pytest.mark.parametrize("sort", SORTS)
def test_rows_that_arrive_meanwhile_neither_hide_nor_repeat_others(sort, app):
    with app.app_context():
        with transaction():
            for number in range(12):
                add(number, NAMES[number % 5], number // 4)
        (there,) = pages(sort, 200)
        arrived = iter(range(100, 200))

        def arrive() -> None:
            with transaction():
                number = next(arrived)
                add(number, NAMES[number % 5], number % 4)

        walk = pages(sort, 3, between=arrive)
        seen: list = []
        for page in walk:
            seen += page
            assert len(seen) < 60  # those that arrive behind must not keep us for ever
            if set(there) <= set(seen):
                break
        assert len(seen) == len(set(seen))
        assert [one for one in seen if one in set(there)] == there


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given_that(
    people=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 3)), max_size=25),
    sort=st.sampled_from(SORTS),
    limit=st.integers(1, 9),
)
def test_pages_put_together_are_the_list(app, people, sort, limit):
    with app.app_context():
        with transaction():
            db.session.execute(sa.delete(User))
            for number, (name, seconds) in enumerate(people):
                add(number, name, seconds)
        (everything,) = pages(sort, 200)
        assert [one for page in pages(sort, limit) for one in page] == everything
        assert len(everything) == len(people)


def test_the_end_of_a_full_last_page_is_the_end(app):
    with app.app_context():
        with transaction():
            for number in range(4):
                add(number, "Doe", 0)
        assert [len(page) for page in pages("name", 2)] == [2, 2]


def test_no_rows_are_one_empty_page(app):
    with app.app_context():
        assert list(pages("name", 2)) == [[]]


@pytest.fixture
def listed(client, given):
    """A client that sees seven leads, and the cursor after the first two."""
    client.sign_in(given(UserFactory, "manager"))
    for _ in range(7):
        given(LeadFactory)
    client.cursor = client.get("/internal/leads?limit=2").json["next_cursor"]
    return client


def refused(answer) -> bool:
    """Whether the cursor was what is wrong."""
    return answer.status_code == 422 and set(answer.json["errors"]) == {"cursor"}


@pytest.mark.parametrize(
    "extra", ["sort=created_at", "sort=email", "status=PENDING", "q=jane", "assigned_to=none"]
)
def test_a_cursor_belongs_to_its_filter_and_order(extra, listed):
    assert refused(listed.get(f"/internal/leads?limit=2&{extra}&cursor={listed.cursor}"))


def test_a_cursor_fits_the_same_list_with_other_page_sizes(listed):
    rest = listed.get(f"/internal/leads?limit=200&cursor={listed.cursor}")
    assert len(rest.json["items"]) == 5
    assert rest.json["next_cursor"] is None


def test_a_cursor_says_nothing_of_who_may_read_it(listed, browser, given):
    other = browser().sign_in(given(UserFactory, "admin"))
    assert other.get(f"/internal/leads?limit=2&cursor={listed.cursor}").status_code == 200


def test_a_changed_cursor_is_refused_whatever_was_changed(listed):
    good = listed.cursor
    swapped = ("A" if good[5] != "A" else "B").join((good[:5], good[6:]))
    body, _, seal = good.rpartition(".")
    for bad in (
        swapped,
        good[:-1],
        good + "A",
        body,
        seal,
        f".{seal}",
        f"{body}.",
        "x",
        "%00",
        "💥",
        "a" * 5000,
    ):
        assert refused(listed.get("/internal/leads", query_string={"limit": 2, "cursor": bad})), bad


def test_a_cursor_of_another_list_is_refused(listed, given):
    outbox = listed.get("/internal/notifications?limit=1").json
    assert outbox["next_cursor"] is None
    answer = listed.get(f"/internal/notifications?cursor={listed.cursor}")
    assert refused(answer)


def test_a_cursor_outlives_the_rotation_of_the_secret_but_not_its_end(listed, app):
    old = app.config["SECRET_KEY"]
    app.config["SECRET_KEY"], app.config["SECRET_KEY_FALLBACKS"] = "n" * 40, [old]
    with app.test_request_context():
        order, wanted = Order.parse(User, "name"), sa.select(User)
        with transaction():
            for number in range(3):
                add(number, "Doe", 0)
        page = page_of(wanted, order, limit=1, cursor=None, bound_to={})
        app.config["SECRET_KEY"], app.config["SECRET_KEY_FALLBACKS"] = "z" * 40, ["n" * 40]
        assert page_of(wanted, order, limit=1, cursor=page.next_cursor, bound_to={}).items
        app.config["SECRET_KEY_FALLBACKS"] = []
        with pytest.raises(UnprocessableContent):
            page_of(wanted, order, limit=1, cursor=page.next_cursor, bound_to={})
