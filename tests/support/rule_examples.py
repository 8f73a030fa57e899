"""One constraint at a time: its fields, funding rows, and the answers of clients and clinicians."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from recommender.practice.columns import Columns, read_rows
from recommender.practice.fields import Field, Side, Surroundings, read_field
from recommender.practice.funding import FundingRow, FundingRows
from recommender.practice.rules.constraint import Constraint, judge
from recommender.practice.rules.declaration import read_constraint
from recommender.practice.rules.rule_input import RequestContext

DAY = date(2026, 11, 23)


NEEDS: Mapping[str, Mapping[str, Any]] = {
    "number": {"unit": "years"},
    "scale": {"unit": "points", "min": 0, "max": 10},
    "tags": {"levels": ["a", "b", "c"]},
    "category": {"levels": ["a", "b", "c"]},
    "ordinal": {"levels": ["low", "middle", "high"]},
}


Cells = Mapping[str, Any]


AROUND = Surroundings(ways="ways", levels=("phone", "in_person", "video"))
"""The ways of meeting that an availability may name."""


def a_field(name: str, kind: str, side: Side = "client", **settings: Any) -> Field:
    told = {"kind": kind, "phrase": name, "purpose": "p", "missing": "m", "use": "filter"}
    made, faults = read_field(side, name, {**told, **NEEDS.get(kind, {}), **settings}, AROUND)
    assert not faults
    return made


def fields_of(side: Side, **kinds: str | dict[str, Any]) -> dict[str, Field]:
    told = {n: {"kind": kind} if isinstance(kind, str) else kind for n, kind in kinds.items()}
    return {name: a_field(name, side=side, **settings) for name, settings in told.items()}


def a_row(**changes: Any) -> FundingRow:
    row = FundingRow(
        scheme="medicare",
        provider="clinical",
        start=date(2026, 7, 1),
        minutes=50,
        fee_cents=17530,
        rebate_cents=14905,
        source="invented",
    )
    return replace(row, **changes)


@dataclass(frozen=True)
class World:
    """One constraint, its fields, and what one client and one clinician answered."""

    declared: Mapping[str, Any]
    client: Mapping[str, Field] = field(default_factory=dict)
    clinician: Mapping[str, Field] = field(default_factory=dict)
    funding: tuple[FundingRow, ...] = ()
    client_id: str | None = "c1"
    day: date = DAY
    timezone: str = "Australia/Sydney"

    @property
    def constraint(self) -> Constraint:
        told = {"family": "wish", "say": "does not fit"} | dict(self.declared)
        constraint, faults = read_constraint("it", told, self.client, self.clinician)
        assert constraint, faults
        return constraint

    def but(self, **declared: Any) -> "World":
        """The same, but for some settings of the constraint."""
        return replace(self, declared={**self.declared, **declared})

    def encoded(self, client: Cells, *clinicians: Cells) -> tuple[Columns, Columns, RequestContext]:
        """The client, the clinicians, k0, k1 and so on where no `id` is told, and the request."""
        ids = tuple(told.get("id", f"k{place}") for place, told in enumerate(clinicians))
        asking = RequestContext(
            self.day,
            self.client_id,
            ids,
            self.timezone,
            FundingRows(self.funding),
            self.client,
            self.clinician,
        )
        one = read_rows(self.client, [client])
        told = [{key: cell for key, cell in each.items() if key != "id"} for each in clinicians]
        return one, read_rows(self.clinician, told), asking

    def judge(self, client: Cells, *clinicians: Cells) -> list[float]:
        """The verdict on each clinician."""
        one, roster, asking = self.encoded(client, *clinicians)
        verdict = judge(self.constraint, one, roster, asking)
        assert verdict.shape == (len(clinicians),)
        return list(verdict)


def a_world(
    rule: str,
    client: dict[str, Any] | str | None,
    clinician: dict[str, Any] | str,
    **declared: Any,
) -> World:
    """A rule over the fields `x` of the client and `y` of the clinician."""
    ours = {} if client is None else fields_of("client", x=client)
    theirs = fields_of("clinician", y=clinician)
    sides = {"client": "x", "clinician": "y"} if ours else {"clinician": "y"}
    return World({"rule": rule, **sides, **declared}, ours, theirs)


GAP = World(
    {
        "rule": "gap_at_most",
        "client": "gap",
        "clinician": "fee",
        "funding": "scheme",
        "registration": "type",
        "session": "length",
    },
    fields_of(
        "client",
        gap="money",
        scheme={"kind": "category", "levels": ["private", "medicare"]},
        length={"kind": "number", "unit": "minutes"},
    ),
    fields_of(
        "clinician",
        fee="money",
        type={"kind": "category", "levels": ["provisional", "clinical"]},
    ),
    funding=(a_row(), a_row(minutes=30, rebate_cents=10000)),
)


# Every setting of a price; 249.05 - 149.05 leaves a gap of 100.00.
SESSIONS = World(
    {
        "rule": "enough_sessions",
        "client": "n",
        "clinician": ["fee", "most"],
        "funding": "scheme",
        "registration": "type",
        "left": "left",
        "budget": "budget",
        "concession": "concession",
        "concession_fee": "reduced",
        "bulk_bills": "bulk",
    },
    fields_of(
        "client",
        n="number",
        gap="money",
        scheme={"kind": "category", "levels": ["private", "medicare"]},
        left="number",
        budget="money",
        concession="flag",
    ),
    fields_of(
        "clinician",
        fee="money",
        most="number",
        type={"kind": "category", "levels": ["provisional", "clinical"]},
        reduced="money",
        bulk="flag",
    ),
    funding=(a_row(),),
)


FUNDED = World(
    {"rule": "funded", "client": "scheme", "clinician": "type"},
    SESSIONS.client,
    SESSIONS.clinician,
    funding=SESSIONS.funding,
)
