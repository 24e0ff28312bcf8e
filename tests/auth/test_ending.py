"""What ends a session from outside, and what never ends: a password nobody changed."""

from __future__ import annotations

import time_machine

from tests.factories import UserFactory

SESSION = "/internal/session"


def test_an_admin_ends_the_sessions_of_one_and_an_operator_those_of_all(app, browser, given):
    ada, amara, bruno = given(UserFactory, "admin"), given(UserFactory), given(UserFactory)
    desks = [browser().sign_in(user) for user in (amara, amara, bruno, ada)]
    assert desks[-1].delete(f"/internal/users/{amara.id}/sessions").status_code == 204
    assert [desk.get(SESSION).status_code for desk in desks] == [401, 401, 200, 200]
    done = app.test_cli_runner().invoke(args=["users", "sign-out", "--everybody"])
    assert done.exit_code == 0, done.output
    assert [desk.get(SESSION).status_code for desk in desks] == [401] * 4


def test_a_password_is_good_for_as_long_as_nobody_changes_it(browser, given):
    with time_machine.travel("2026-03-01T12:00:00Z"):
        amara = given(UserFactory)
        browser().sign_in(amara)
    with time_machine.travel("2046-03-01T12:00:00Z"):
        assert browser().sign_in(amara).get(SESSION).status_code == 200
