"""Whose fault a refusal is, by what servers of many kinds say."""

from __future__ import annotations

import pytest

from leadintake.notifications.faults import (
    STEPS_BEFORE_MAIL,
    Fault,
    SmtpStep,
    find_fault,
    parse_enhanced_code,
)
from tests.notifications.replies import REPLIES


@pytest.mark.parametrize(("kind", "step", "reply", "fault"), REPLIES, ids=lambda value: str(value)[:60])
def test_whose_fault_a_reply_is(kind, step, reply, fault):
    first, *more = reply.splitlines()
    # As smtplib hands it on: without the reply code of each line.
    text = "\n".join(line[4:] for line in (first, *more))
    assert find_fault(step, int(reply[:3]), text) is fault


def test_the_list_is_as_long_and_as_mixed_as_it_should_be():
    assert len(REPLIES) >= 100
    assert len({kind for kind, *_ in REPLIES}) >= 15


@pytest.mark.parametrize("detail", [1, 2, 3, 4, 5, 6, 10])
@pytest.mark.parametrize("step", [SmtpStep.RCPT, SmtpStep.DATA])
def test_what_is_said_of_a_recipient_is_never_our_fault_whatever_the_words(step, detail):
    text = f"5.1.{detail} relay access denied, HELO, authentication required, quota of sending exceeded"
    assert find_fault(step, 550, text) is Fault.MESSAGE
    assert find_fault(step, 521, text) is Fault.MESSAGE  # a code that is about us, were it alone


@pytest.mark.parametrize("step", STEPS_BEFORE_MAIL)
def test_before_any_message_no_message_is_at_fault(step):
    assert find_fault(step, 550, "5.1.1 user unknown") is Fault.SENDER


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("5.7.1 no", "7.1"),
        ("4.2.0 <x>: later", "2.0"),
        ("sorry (#5.1.1)", "1.1"),
        ("5.7.708 banned", "7.708"),
        ("no code but 5.7.1 in the middle", ""),
        ("192.0.2.7 is listed", ""),
        ("", ""),
    ],
)
def test_the_status_code_stands_at_the_beginning_or_at_the_end(text, status):
    assert parse_enhanced_code(text) == status


def test_an_endless_reply_is_judged_at_once():
    assert find_fault(SmtpStep.RCPT, 550, "daily account user sender " * 20_000) is Fault.UNCLEAR
