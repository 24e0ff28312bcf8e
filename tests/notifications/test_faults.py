"""Whose fault a refusal is, by what servers of many kinds say."""

from __future__ import annotations

import pytest

from leadintake.notifications.faults import (
    STEPS_BEFORE_MAIL,
    Fault,
    SmtpStep,
    find_fault,
    is_address_refused,
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


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 <jane@firm.example>: Recipient address rejected: User unknown in local recipient table",
        "556 5.1.10 <jane@example.com>: Recipient address rejected: Domain does not accept mail (nullMX)",
        "550 Unrouteable address",
        "550 No Such User Here",
        "550 5.2.1 <jane@firm.example>... Mailbox disabled for this recipient",
        "550 sorry, no mailbox here by that name (#5.1.1)",
        "550 5.4.1 Recipient address rejected: Access denied. [AM5EUR03FT001.eop-EUR03.prod]",
        "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)",
        "550 5.1.1 The email account that you tried to reach does not exist.\n5.1.1 Please try",
        "554 delivery error: dd This user doesn't have a yahoo.com account (jane@yahoo.com)",
        "552 5.2.2 <jane@icloud.com>: user is over quota",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        "given up after 4 days: 450 4.1.2 <jane@gmail.con>: Recipient address rejected: Domain not found",
    ],
)
def test_an_address_without_a_mailbox_is_told_by_the_reply(reply):
    assert is_address_refused(reply)


def test_no_refusal_of_us_nor_of_the_content_is_one_of_the_address():
    others = [
        (step, reply)
        for _, step, reply, fault in REPLIES
        if (step is SmtpStep.RCPT and fault is not Fault.MESSAGE)
        or (step is SmtpStep.DATA and "RecipientNotFound" not in reply)
    ]
    assert len(others) > 40
    assert [one for one in others if is_address_refused(one[1])] == []


@pytest.mark.parametrize(
    "error",
    [
        "550 5.7.1 No, thank you",
        "552 5.3.4 Your message exceeded the size limits",
        "550 5.6.7 The recipient's address needs SMTPUTF8",
        "given up after 4 days: 450 4.2.0 <jane@example.com>: Recipient address rejected: Greylisted",
        "given up after 4 days: ConnectionResetError: user unknown",
        "jane@example.com needs a mail server with SMTPUTF8, and ours has none",
        "",
    ],
)
def test_another_failure_says_nothing_of_the_address(error):
    assert not is_address_refused(error)


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
