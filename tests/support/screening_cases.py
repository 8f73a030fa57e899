"""Practices of a few constraints, drawn at random with their clients and clinicians."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from recommender.practice.columns import Columns, read_rows
from recommender.practice.definition import Practice, read_practice
from recommender.practice.fields import Field
from recommender.practice.funding import FundingRows
from recommender.practice.rules.constraint import Constraint, Mode
from recommender.practice.rules.declaration import read_constraint
from recommender.practice.rules.first_session import FirstSession
from recommender.practice.sections import MeetingModes
from recommender.screening.layout import Modes
from recommender.screening.screen import check_modes, screen
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster, snapshot
from tests.support.examples import examples
from tests.support.rule_examples import DAY, a_row, fields_of

BASE = read_practice("""
[practice]
id = "small"
version = "1"
title = "A small practice"
timezone = "Australia/Sydney"
currency = "AUD"
[alliance]
instruments = ["wai_sr"]
reference = "wai_sr"
metric = "mean"
rater = "client"
early_sessions = [2, 5]
within_days = 90
[groups]
style = "How you like to work together"
""")


ZONES = ["Australia/Sydney", "Australia/Lord_Howe", "Australia/Perth", "America/Los_Angeles"]


CLIENT = fields_of(
    "client",
    tags="tags",
    level="category",
    step="ordinal",
    size="number",
    days={"kind": "number", "unit": "days"},
    km={"kind": "number", "unit": "km"},
    minutes={"kind": "number", "unit": "minutes"},
    flag="flag",
    home="place",
    hours="weekly_hours",
    start="date",
    gap="money",
    scheme={"kind": "category", "levels": ["private", "medicare"]},
    refused="ids",
    count="number",
    left="number",
    budget="money",
    concession="flag",
    zone={"kind": "category", "levels": ZONES},
    ways={"kind": "tags", "levels": ["video", "in_person", "phone"]},
    agrees="flag",
    age="number",
)


CLINICIAN = fields_of(
    "clinician",
    tags={"kind": "tags", "levels": ["c", "a", "b"]},
    level={"kind": "category", "levels": ["b", "c", "a"]},
    step="ordinal",
    low="number",
    high="number",
    flag="flag",
    rooms="place",
    hours="weekly_hours",
    open={"kind": "availability", "rooms": "rooms"},
    until="date",
    next="date",
    away="date_ranges",
    fee="money",
    type={"kind": "category", "levels": ["clinical", "provisional", "general"]},
    blocked="ids",
    most="number",
    reduced="money",
    bulk="flag",
    zone={"kind": "category", "levels": ZONES[::-1]},
    since="date",
    ways={"kind": "tags", "levels": ["phone", "in_person", "video"]},
    interpreted="flag",
)


FUNDING = FundingRows(
    (
        a_row(),
        a_row(minutes=30, rebate_cents=10000),
        a_row(provider="provisional", until=DAY - timedelta(days=1)),
    )
)


def a_rule(rule: str, client: Any = None, clinician: Any = None, **declared: Any) -> dict[str, Any]:
    sides = {"client": client, "clinician": clinician}
    return {"rule": rule, **{k: v for k, v in sides.items() if v is not None}, **declared}


PRICE: Mapping[str, Any] = {
    "funding": "scheme",
    "registration": "type",
    "left": "left",
    "concession": "concession",
    "concession_fee": "reduced",
    "bulk_bills": "bulk",
}


IN_PERSON: Mapping[str, Any] = {"clinician_zone": "zone"}


TELEHEALTH: Mapping[str, Any] = {**IN_PERSON, "client_zone": "zone"}


POOL: Sequence[Mapping[str, Any]] = (
    a_rule("has_all", "tags", "tags"),
    a_rule("has_any", "tags", "tags", indifferent=["a"]),
    a_rule("has_none", "tags", "tags"),
    a_rule("has_all", None, "tags", value="a;b"),
    a_rule("member", "level", "tags"),
    a_rule("one_of", "tags", "level"),
    a_rule("one_of", "level", "level"),
    a_rule("equal", "level", "level", indifferent=["a"]),
    a_rule("equal", "flag", "flag"),
    a_rule("at_most", "size", "low"),
    a_rule("at_most", "gap", "fee"),
    a_rule("at_least", None, "high", value=3),
    a_rule("at_least", "step", "step"),
    a_rule("within", "size", ["low", "high"]),
    a_rule("is_true", None, "flag"),
    a_rule("if_asked", "flag", "flag"),
    a_rule("within_km", ["home", "km"], "rooms", detour=1.3),
    a_rule("shares_hours", "hours", "hours", session="minutes"),
    a_rule("shares_hours", "hours", "hours", session="minutes", usual_minutes=60),
    a_rule("after_hours", "flag", "hours", session=30),
    a_rule("available_within", "days", "until"),
    a_rule("valid_on", "start", "until"),
    a_rule("valid_on", None, "until"),
    a_rule("gap_at_most", "gap", "fee", funding="scheme", registration="type", session="minutes"),
    a_rule("gap_at_most", "gap", "fee", funding="scheme", registration="type"),
    a_rule("not_listed", "refused", "blocked"),
    a_rule("not_listed", None, "blocked"),
    a_rule("listed", "refused"),
    a_rule("client_true", "concession"),
    a_rule("client_at_least", "age", least=18),
    a_rule("below", None, ["low", "high"]),
    a_rule("valid_between", None, ["since", "until"]),
    a_rule("valid_between", "start", ["since", "until"]),
    a_rule("shares_hours", "hours", "hours", session="minutes", **IN_PERSON),
    a_rule("shares_hours", "hours", "hours", session=30, **TELEHEALTH),
    a_rule("shares_hours", "hours", "hours", session=60, client_zone="zone"),
    a_rule("after_hours", "flag", "hours", session=60, **IN_PERSON),
    a_rule("after_hours", "flag", "hours", session="minutes", evening="18:30", **TELEHEALTH),
    a_rule("after_hours", "flag", "hours", session=30, morning="00:30", **IN_PERSON),
    a_rule("gap_at_most", "gap", "fee", session="minutes", usual_minutes=50, **PRICE),
    a_rule("gap_at_most", None, "fee", value=50.95, **PRICE),
    a_rule("enough_sessions", "count", ["fee", "most"], **PRICE),
    a_rule("enough_sessions", "count", ["fee", "most"], budget="budget", **PRICE),
    a_rule("enough_sessions", "count", ["fee", "most"], budget="budget", session=30, **PRICE),
    a_rule("funded", "scheme", "type"),
    a_rule("shares_hours", "hours", "open", session="minutes"),
    a_rule("shares_hours", "hours", "open", session=30, **IN_PERSON),
    a_rule("shares_hours", "hours", "open", session=30, **TELEHEALTH),
    a_rule("after_hours", "flag", "open", session=30, **TELEHEALTH),
    a_rule("has_any", "ways", "ways"),
)


CONDITIONS = (
    None,
    {"client": "tags", "has": "a"},
    {"client": "level", "has": ["b", "c"]},
    {"client": "flag", "has": True},
    {"client": "age", "below": 18},
)


INSTEADS = (None, None, {"client": "agrees", "clinician": "interpreted"})


ABOUT = ((), (), ("video",), ("in_person",), ("in_person", "phone"))
"""Ways of meeting a constraint may be about."""


def a_constraint(name: str, declared: Mapping[str, Any]) -> Constraint:
    told = {"family": "wish", "say": "does not fit", **declared}
    made, faults = read_constraint(name, told, CLIENT, CLINICIAN)
    assert made, faults
    return made


NO_DAYS = FirstSession()
ALL_DAYS = FirstSession("start", "next", "away")


def of_constraints(
    constraints: Sequence[Constraint], first_session: FirstSession = NO_DAYS
) -> Practice:
    named = {constraint.name: constraint for constraint in constraints}
    return replace(
        BASE,
        client=CLIENT,
        clinician=CLINICIAN,
        constraints=named,
        funding=FUNDING,
        ways=MeetingModes("ways", "ways"),
        first_session=first_session,
    )


def a_roster(**clinicians: Mapping[str, Any]) -> Roster:
    rows = read_rows(CLINICIAN, list(clinicians.values()))
    names = [None] * len(clinicians)
    return snapshot(list(clinicians), names, rows, datetime(2026, 11, 23, tzinfo=UTC))


def a_client(**answers: Any) -> Columns:
    return read_rows(CLIENT, [answers])


LATER = (date(2027, 3, 11), date(2027, 4, 2), date(2027, 10, 2), date(2027, 10, 4))


CHOICES: Mapping[str, Sequence[Any]] = {
    "number": range(7),
    "km": (0, 10, 20, 60),
    "minutes": (20, 30, 50, 60, 90),
    "flag": (True, False),
    "tags": ("none", "a", "b", "c", "a;b", "b;c", "a;c", "a;b;c"),
    "category": ("a", "b", "c"),
    "scheme": ("private", "medicare", "medicare"),
    "type": ("clinical", "clinical", "provisional", "general"),
    "ordinal": ("low", "middle", "high"),
    "place": ("-33.8,151.2", "-33.7,151.2", "-33.7,151.2; -33.8,151.5", "-33.8,151.5"),
    "weekly_hours": (
        "none",
        "mon 08:00-10:00",
        "mon 09:30-10:00; mon 08:30-09:30; sat 08:00-10:00",
        "mon 08:00-09:00; mon 08:30-10:30; fri 16:30-18:00",
        "fri 16:00-17:30; fri 17:30-18:00; mon 08:30-09:00",
        "sat 23:00-24:00; sun 00:00-02:00; sun 03:00-04:00",
        "sun 01:30-02:30; tue 04:30-12:00",
        "mon 00:00-24:00; tue 00:00-24:00; sun 14:00-24:00",
    ),
    "availability": (
        "none",
        "mon 08:00-10:00; fri 16:00-18:00",
        "mon 08:00-10:00 room 1; sat 08:00-10:00 room 2",
        "mon 08:00-10:00 room 1; mon 08:00-10:00 room 2 by video; sat 08:00-10:00 room 2",
        "mon 08:00-10:00 by video; fri 16:00-18:00 by in_person,phone",
        "mon 08:30-10:00 every 2 weeks from 2026-11-30; fri 16:00-17:30 room 1",
        "sat 23:00-24:00 room 1; sun 00:00-02:00 room 1; "
        "sun 03:00-04:00 every 2 weeks from 2027-09-27",
        "sun 01:30-02:30 by phone; tue 04:30-12:00 room 2 every 3 weeks from 2027-01-04",
        "mon 08:00-09:00 room 1; mon 09:00-10:00 room 2",
    ),
    "start": (*(DAY + timedelta(days=days) for days in (-4, 0, 3, 9)), date(2027, 10, 4)),
    "next": (*(DAY + timedelta(days=days) for days in (-4, 1, 5)), *LATER),
    "date_ranges": (
        "none",
        "2026-11-20 to 2026-11-25; 2026-11-28",
        "2027-03-12 to 2027-03-15",
        "2027-10-01 to 2027-10-02; 2027-10-05 to 2027-10-20",
    ),
    "date": [DAY + timedelta(days=days) for days in range(-4, 7)],
    "count": (1, 4, 6, 10),
    "left": (0, 4, 10),
    "budget": ("0", "407.60", "1000", "2500"),
    "most": (4, 10),
    "reduced": ("80", "200"),
    "zone": ZONES,
    "ways": ("none", "phone", "video", "in_person", "in_person;video", "phone;video"),
    "age": (12, 17, 18, 40),
    "money": ("0", "50.95", "99.99", "100", "200", "249.05"),
    "ids": ("none", "c1", "c2;c1", "k1;k02", "k2;k03;c2"),
}
"""Cells of each kind, or of one field where its own matter, chosen so that limits are met."""


def a_cell(name: str, kind: str) -> st.SearchStrategy[Any]:
    known = st.sampled_from(CHOICES.get(name, CHOICES[kind]))
    return known | known | known | st.none()


def consistent(cells: dict[str, Any]) -> dict[str, Any]:
    """The cells, with the rooms and ways of meeting that their open hours name."""
    named = cells.get("open") or ""
    if "room" in named:
        cells = {**cells, "rooms": "-33.7,151.2; -33.8,151.5"}
    if " by " in named:
        cells = {**cells, "ways": "in_person;phone;video"}
    return cells


def answers(fields: Mapping[str, Field]) -> st.SearchStrategy[dict[str, Any]]:
    cells = {name: a_cell(name, told.kind) for name, told in fields.items()}
    return st.fixed_dictionaries(cells).map(consistent)


@st.composite
def small_constraints(draw: st.DrawFn) -> list[Constraint]:
    declared = draw(st.lists(st.sampled_from(POOL), min_size=1, max_size=5))
    return [
        a_constraint(f"rule_{place}", {**told, **draw(SETTINGS)})
        for place, told in enumerate(declared)
    ]


def without_nothing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that are told; None leaves one out."""
    return {key: told for key, told in settings.items() if told is not None}


SETTINGS = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["hard", "hard", "hard", "soft", "off"]),
        "may_be": st.lists(st.sampled_from(["hard", "soft", "off"]), unique=True),
        "unknown": st.sampled_from(["fail", "pass", "met"]),
        "unasked": st.sampled_from(["pass", "unknown"]),
        "when": st.sampled_from(CONDITIONS),
        "unless": st.sampled_from([None, None, *CONDITIONS]),
        "instead": st.sampled_from(INSTEADS),
        "ways": st.sampled_from([list(ways) for ways in ABOUT]),
    }
).map(without_nothing)


@dataclass(frozen=True)
class Case:
    """A small practice, one client and a few clinicians, all generated."""

    constraints: list[Constraint]
    client: dict[str, Any]
    client_id: str | None
    clinicians: dict[str, dict[str, Any]]
    day: date = DAY
    modes: Modes = field(default_factory=dict)
    first_session: FirstSession = NO_DAYS

    def screen(self) -> Screening:
        practice, roster = self.practice, a_roster(**self.clinicians)
        check_modes(practice, self.modes)
        client = a_client(**self.client)
        return screen(practice, client, self.client_id, roster, self.day, self.modes)

    @property
    def practice(self) -> Practice:
        return of_constraints(self.constraints, self.first_session)

    def mode_of(self, constraint: Constraint) -> Mode:
        return self.modes.get(constraint.name, constraint.mode)


DAYS = (DAY, DAY, date(2027, 3, 10), date(2027, 4, 1), date(2027, 10, 1), date(2027, 10, 3))
"""Weeks without a change of the clocks, and with one in Los Angeles and in Sydney, both ways."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    constraints = draw(small_constraints())
    modes = {
        constraint.name: draw(st.sampled_from((constraint.mode, *constraint.may_be)))
        for constraint in draw(st.lists(st.sampled_from(constraints), max_size=3))
    }
    names = st.sampled_from(["k1", "k2", "k3", "k4"])
    return Case(
        constraints,
        draw(answers(CLIENT)),
        draw(st.sampled_from(["c1", "c2", None])),
        draw(st.dictionaries(names, answers(CLINICIAN), min_size=1, max_size=4)),
        draw(st.sampled_from(DAYS)),
        modes,
        draw(st.sampled_from((NO_DAYS, ALL_DAYS, ALL_DAYS, FirstSession("start")))),
    )


CASES = cases()


FEW = settings(max_examples=examples(30, 60), deadline=None, derandomize=True)
