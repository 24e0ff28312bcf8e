"""The policy file: what it may say, and that all that is wrong with it is told at the start."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadintake.assignment import hours, policy
from leadintake.assignment.policy import Policy
from leadintake.config.reading import ConfigurationError, read_settings

KNOWN = {"practice_areas": ["family", "criminal"], "languages": ["en", "es"]}
EXAMPLE = Path(__file__).parents[2] / "instance" / "assignment.example.toml"
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "policy.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_example_is_a_policy_and_names_everything_there_is(tmp_path):
    default = read_settings({}, {})[0]
    found = policy.read(EXAMPLE, practice_areas=default.PRACTICE_AREAS, languages=default.LANGUAGES)
    text = EXAMPLE.read_text(encoding="utf-8")
    for struct in (policy.Policy, policy.Area, policy.Terms):
        for name in struct.__struct_fields__:
            assert re.search(rf"\b{name}\b", text), name
    assert found.attorneys
    assert found.areas


def test_without_a_file_the_fewest_open_leads_decide_and_nothing_bounds(app):
    with app.app_context():
        rules = policy.current()
    assert rules.area("family").strategy == "least_open"
    terms = rules.terms("amara@firm.example.com")
    assert (terms.weight, terms.capacity, terms.per_day, terms.hours) == (1, None, None, ())


def test_what_an_area_or_an_attorney_does_not_say_the_firm_says(tmp_path):
    text = """
        strategy = "round_robin"
        timezone = "America/New_York"
        capacity = 40
        hours = ["mon-fri 09:00-17:00"]
        match_language = "hard"
        [areas.family]
        strategy = "random"
        [attorneys."Amara@firm.example.com"]
        weight = 2
        capacity = 5
    """
    rules = policy.read(written(tmp_path, text), **KNOWN)
    family, other = rules.area("family"), rules.area("criminal")
    assert (family.strategy, family.match_language) == ("random", "hard")
    assert (other.strategy, rules.area(None).strategy) == ("round_robin", "round_robin")
    assert (rules.rotation("family"), rules.rotation("criminal"), rules.rotation(None)) == ("family", "", "")
    amara, bruno = (rules.terms(f"{name}@firm.example.com") for name in ("amara", "bruno"))
    assert (amara.weight, amara.capacity, amara.timezone) == (2, 5, "America/New_York")
    assert (bruno.weight, bruno.capacity, bruno.hours) == (1, 40, ("mon-fri 09:00-17:00",))


def test_the_hash_is_of_what_it_says_and_not_of_how(tmp_path):
    one = policy.read(written(tmp_path, 'strategy = "random"\ncapacity = 3\n'), **KNOWN)
    same = policy.read(written(tmp_path, '# for summer\ncapacity=3\nstrategy="random"'), **KNOWN)
    other = policy.read(written(tmp_path, 'strategy = "random"\ncapacity = 4'), **KNOWN)
    assert one.hash == same.hash != other.hash
    assert Policy().hash != one.hash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("strategy = ", "Invalid value"),
        ('strategy = "fastest"', "strategy: 'fastest' is not one of round_robin, least_open, random"),
        ('startegy = "random"', "unknown field `startegy`"),
        ("capacity = 0", "`int` >= 1 - at `$.capacity`"),
        ('match_language = "soft"', "Invalid enum value 'soft'"),
        ('timezone = "Mars/Base"', "timezone: 'Mars/Base' is not a time zone"),
        ('timezone = "../../etc/passwd"', "is not a time zone"),
        ('hours = ["monday 9-5"]', "hours: 'monday 9-5' is not written like"),
        ('hours = ["mon 17:00-09:00"]', "ends before it begins"),
        ('hours = ["mon 09:00-25:00"]', "hours: "),
        ('[areas.tax]\nstrategy = "random"', "areas.tax is not one of PRACTICE_AREAS"),
        ('[areas.family]\nstrategy = "x"', "areas.family.strategy: 'x' is not one of"),
        ('[attorneys.amara]', "'amara' is not an e-mail address"),
        ('[attorneys."a@x"]\nweight = 101', "`int` <= 100"),
        ('[attorneys."a@x"]\nlanguages = ["fr", "en"]', "languages: fr is not in LANGUAGES"),
        ('[attorneys."a@x"]\npractice_areas = ["tax"]', "practice_areas: tax is not in PRACTICE_AREAS"),
        ('[attorneys."a@x"]\ntimezone = "Nowhere"', "attorneys.a@x.timezone"),
        ('[attorneys."a@x"]\n[attorneys."A@x"]', "somebody is there twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_stops_the_start_and_is_named(tmp_path, text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        policy.read(written(tmp_path, text), **KNOWN)


def test_every_problem_is_told_at_once_with_those_of_other_settings(tmp_path):
    written(tmp_path, 'strategy = "x"\ntimezone = "y"\nhours = ["z"]')
    environment = {
        "LEADINTAKE_INSTANCE_PATH": str(tmp_path),
        "LEADINTAKE_ASSIGNMENT_POLICY": "policy.toml",
        "LEADINTAKE_MAIL_PORT": "0",
    }
    with pytest.raises(ConfigurationError) as stopped:
        read_settings(environment, {})
    policy_problems = [one for one in stopped.value.problems if "ASSIGNMENT_POLICY" in one]
    assert len(policy_problems) == 3
    assert all(str(tmp_path / "policy.toml") in one for one in policy_problems)
    assert len(stopped.value.problems) == 4


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_stops_the_start(tmp_path, content):
    file = tmp_path / "policy.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError) as stopped:
        read_settings({"LEADINTAKE_ASSIGNMENT_POLICY": str(file)}, {})
    assert "ASSIGNMENT_POLICY" in stopped.value.problems[0]


@pytest.mark.parametrize(
    ("text", "day", "clock", "inside"),
    [
        ("mon-fri 09:00-17:30", 0, (9, 0), True),
        ("mon-fri 09:00-17:30", 0, (8, 59), False),
        ("mon-fri 09:00-17:30", 4, (17, 29), True),
        ("mon-fri 09:00-17:30", 4, (17, 30), False),
        ("mon-fri 09:00-17:30", 5, (12, 0), False),
        ("sun 00:00-24:00", 6, (23, 59), True),
        ("sat-mon 10:00-11:00", 0, (10, 30), True),
        ("sat-mon 10:00-11:00", 1, (10, 30), False),
    ],
)
def test_hours_begin_with_their_first_minute_and_end_before_their_last(text, day, clock, inside):
    moment = MONDAY.replace(day=MONDAY.day + day, hour=clock[0], minute=clock[1])
    assert hours.is_within([text], moment) is inside
    assert hours.is_within([], moment)


@given(st.text(max_size=25))
def test_whatever_is_written_as_hours_is_taken_or_refused(text):
    try:
        days, begin, end = hours.parse(text)
    except ValueError:
        return
    assert days
    assert begin < end
