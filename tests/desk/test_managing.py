"""What managers and administrators do at the desk: messages, people, absences, the report, one's account."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest

from leadintake.assignment.models import Absence
from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.desk.charts import Bar, Series, chart
from leadintake.notifications.models import Notification, Status
from tests.factories import LeadFactory, NotificationFactory, UserFactory
from tests.support.client import PASSWORD
from tests.support.html import Page


def read(answer) -> Page:
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert page.mistakes == []
    return page


def test_failed_messages_are_listed_and_sent_again(browser, given, max_, rows):
    client = browser().sign_in(max_)
    assert "Nothing failed" in client.get("/desk/messages?status=failed").text
    message = given(NotificationFactory, "failed", recipient="bounced@firm.example.com")
    page = read(client.get("/desk/messages?status=failed"))
    assert "bounced@firm.example.com" in page.by_id("main").text
    assert "550 no such user" in page.by_id("main").text
    again = client.post(f"/desk/messages/{message.id}/retry", follow_redirects=True)
    assert "On its way to bounced@firm.example.com again." in again.text
    assert rows(Notification)[0].status is Status.QUEUED


def test_all_failed_messages_are_sent_again_with_one_button(browser, given, max_, rows):
    client = browser().sign_in(max_)
    for _ in range(30):
        given(NotificationFactory, "failed")
    page = read(client.get("/desk/messages?status=failed"))
    assert "Send all failed messages again" in page.by_id("main").text
    again = client.post("/desk/messages/retry-failed", follow_redirects=True)
    assert "30 messages are on the way again." in again.text
    assert {one.status for one in rows(Notification)} == {Status.QUEUED}
    assert "No message has failed." in client.post("/desk/messages/retry-failed", follow_redirects=True).text


def test_one_failed_message_is_one(browser, given, max_):
    given(NotificationFactory, "failed")
    again = browser().sign_in(max_).post("/desk/messages/retry-failed", follow_redirects=True)
    assert "1 message is on the way again." in again.text


def test_a_message_that_was_sent_is_not_sent_again(browser, given, max_):
    message = given(NotificationFactory, "sent")
    answer = browser().sign_in(max_).post(f"/desk/messages/{message.id}/retry", follow_redirects=True)
    assert "already" in answer.text


def test_a_manager_sees_people_and_changes_none(browser, amara, max_):
    page = read(browser().sign_in(max_).get("/desk/people"))
    assert "Amara Attorney" in page.by_id("main").text
    assert [form["action"] for form in page.all("form")] == ["/desk/sign-out", ""]


def test_an_admin_invites_changes_and_puts_out(browser, ada, rows):
    client = browser().sign_in(ada)
    invited = client.post(
        "/desk/people",
        data={"name": "New Person", "email": "new@firm.example.com", "role": "attorney"},
        follow_redirects=True,
    )
    assert "An invitation is on its way to new@firm.example.com." in read(invited).by_id("notices").text
    new = next(user for user in rows(User) if user.email == "new@firm.example.com")
    assert [one.kind for one in rows(Notification)] == ["invitation"]
    client.post(f"/desk/people/{new.id}", data={"role": "viewer", "can_intake": "false", "active": "false"})
    new = next(user for user in rows(User) if user.id == new.id)
    assert (new.role, new.can_intake, new.active) == ("viewer", False, False)


def test_what_is_wrong_with_an_invitation_is_said_beside_the_field(browser, ada):
    data = {"name": "Someone", "email": "no address", "role": "attorney"}
    answer = browser().sign_in(ada).post("/desk/people", data=data)
    page = Page(answer.text)
    assert answer.status_code == 422
    assert "is not an e-mail address" in page.by_id("email-error").text
    assert page.by_id("email")["aria-describedby"] == "email-error"
    assert page.by_id("name")["value"] == "Someone"


def test_the_last_admin_stays(browser, ada, rows):
    answer = (
        browser().sign_in(ada).post(f"/desk/people/{ada.id}", data={"active": "false"}, follow_redirects=True)
    )
    assert "last active admin" in answer.text
    assert rows(User)[0].active


def test_one_sets_oneself_away_and_is_back(browser, given, amara, bruno, rows):
    client, today = browser().sign_in(amara), now().date()
    assert "You are not away" in client.get("/desk/absences").text
    data = {"first_day": today.isoformat(), "last_day": "", "substitute_id": str(bruno.id)}
    answer = client.post("/desk/absences", data=data, follow_redirects=True)
    assert "Amara Attorney is away until further notice" in answer.text
    (absence,) = rows(Absence)
    assert (absence.user_id, absence.last_day, absence.substitute_id) == (amara.id, None, bruno.id)
    back = client.post(f"/desk/absences/{absence.id}/end", follow_redirects=True)
    assert "Amara Attorney is back." in back.text
    assert "You are not away" in back.text


def test_a_manager_sets_others_away_and_an_attorney_does_not(browser, amara, bruno, max_, rows):
    data = {"first_day": now().date().isoformat(), "user_id": str(bruno.id)}
    refused = browser().sign_in(amara).post("/desk/absences", data=data, follow_redirects=True)
    assert "A manager may say it of others" in refused.text
    assert rows(Absence) == []
    assert (
        "Bruno Attorney is away"
        in browser().sign_in(max_).post("/desk/absences", data=data, follow_redirects=True).text
    )


def test_a_day_that_is_over_is_said_beside_the_field(browser, amara):
    yesterday = (now().date() - timedelta(days=2)).isoformat()
    data = {"first_day": yesterday, "last_day": yesterday}
    answer = browser().sign_in(amara).post("/desk/absences", data=data)
    assert answer.status_code == 422
    page = Page(answer.text)
    assert "over already" in page.by_id("last_day-error").text
    assert page.by_id("last_day")["value"] == yesterday


def test_the_report_is_drawn_and_told(browser, given, amara, max_):
    given(
        LeadFactory,
        "reached_out",
        assigned_to=amara,
        assigned_at=now() - timedelta(hours=3),
        reached_at=now(),
    )
    given(LeadFactory, assigned_to=amara)
    page = read(browser().sign_in(max_).get("/desk/report?days=7"))
    assert len(page.all("svg")) == 2
    assert [one["role"] for one in page.all("svg")] == ["img", "img"]
    cells = [cell.text for cell in page.all("td")]
    assert cells[:5] == ["2", "1", "1", "0", "3 hours"]
    assert page.chosen("days") == "7"


def test_the_report_before_anything_happened(browser, max_):
    page = read(browser().sign_in(max_).get("/desk/report"))
    assert "Nobody takes leads yet" in page.by_id("main").text


@pytest.mark.parametrize("days", ["0", "x", "99999999999"])
def test_a_period_is_a_number_of_days(browser, max_, days):
    assert browser().sign_in(max_).get(f"/desk/report?days={days}").status_code == 422


def test_bars_fit_into_the_picture_the_longest_as_long_as_there_is_room():
    drawn = chart([Series("A" * 41, [Bar("Open", 4, "4")]), Series("B", [Bar("Open", 1, "1")])])
    longest, shorter = (group.bars[0] for group in drawn.groups)
    assert longest.length == pytest.approx(4 * shorter.length, abs=0.5)
    assert 50 < longest.length <= 75
    assert len(drawn.groups[0].label) == 40
    assert all(bar.y + drawn.thickness < drawn.height for group in drawn.groups for bar in group.bars)
    assert chart([]).groups == []


def test_one_changes_ones_password(browser, amara):
    client, elsewhere = browser().sign_in(amara), browser().sign_in(amara)
    data = {"email": amara.email, "current_password": "wrong", "new_password": "quite different words"}
    wrong = client.post("/desk/account/password", data=data)
    assert wrong.status_code == 422
    assert "not your present password" in Page(wrong.text).by_id("current_password-error").text
    changed = client.post(
        "/desk/account/password", data={**data, "current_password": PASSWORD}, follow_redirects=True
    )
    assert "Your password is changed" in changed.text
    assert elsewhere.get("/desk").status_code == 303
    browser().sign_in(amara, "quite different words")


def test_one_sets_up_an_app_and_is_asked_for_codes(browser, amara):
    client = browser().sign_in(amara)
    secret = Page(client.post("/desk/account/app").text).all("code")[0].text
    assert client.post("/desk/account/app/confirm", data={"code": "000000"}).status_code == 422
    codes = read(client.post("/desk/account/app/confirm", data={"code": pyotp.TOTP(secret).now()}))
    assert len([one for one in codes.all("code") if "-" in one.text]) == 10
    assert "asks for a code" in client.get("/desk/account").text
    again = client.post("/desk/account/app", follow_redirects=True)
    assert "already" in again.text
    gone = client.post("/desk/account/app/remove", follow_redirects=True)
    assert "without codes from now on" in gone.text


def test_one_signs_out_everywhere(browser, amara):
    client, elsewhere = browser().sign_in(amara), browser().sign_in(amara)
    assert client.post("/desk/account/sign-out-everywhere").location == "/desk/sign-in"
    assert client.get("/desk").status_code == elsewhere.get("/desk").status_code == 303


def test_somebody_invited_is_mailed_again(browser, given, ada, rows):
    invited = given(UserFactory, joined_at=None)
    client = browser().sign_in(ada)
    page = read(client.get("/desk/people"))
    assert f"/desk/people/{invited.id}/invitation" in [form["action"] for form in page.all("form")]
    assert (
        "A new invitation" in client.post(f"/desk/people/{invited.id}/invitation", follow_redirects=True).text
    )
    refused = client.post(f"/desk/people/{ada.id}/invitation", follow_redirects=True)
    assert "was here already" in refused.text


def test_of_an_act_that_is_refused_nothing_is_kept(browser, ada, rows):
    client = browser().sign_in(ada)
    wanted = {"role": "admin", "can_intake": "true", "active": "false"}  # the last admin stays
    assert client.post(f"/desk/people/{ada.id}", data=wanted).status_code == 303
    assert "last" in client.get("/desk/people").text
    (kept,) = rows(User)
    assert (kept.active, kept.can_intake) == (True, False)
