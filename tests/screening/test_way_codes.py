"""A constraint on one way of meeting bars no other way, however many ways a practice has."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from recommender.practice.columns import read_rows
from recommender.practice.rules.declaration import read_constraint
from recommender.practice.sections import MeetingModes
from recommender.screening.screen import screen
from recommender.tables.roster import snapshot
from tests.support.rule_examples import DAY, fields_of
from tests.support.screening_cases import BASE


@pytest.mark.parametrize("ways", [2, 8, 9, 64, 65, 100])
def test_the_last_of_many_ways_is_barred_by_itself(ways: int) -> None:
    levels = [f"way_{number}" for number in range(ways)]
    last = levels[-1]
    client_fields = fields_of("client", ways={"kind": "tags", "levels": levels})
    fields = fields_of("clinician", ways={"kind": "tags", "levels": levels}, flag="flag")
    declared = {"rule": "is_true", "clinician": "flag", "family": "wish", "say": "may not"}
    constraint, faults = read_constraint(
        "allowed", {**declared, "unknown": "fail", "ways": [last]}, client_fields, fields
    )
    assert constraint, faults
    practice = replace(
        BASE,
        client=client_fields,
        clinician=fields,
        constraints={"allowed": constraint},
        ways=MeetingModes("ways", "ways"),
    )
    people = [{"ways": ";".join(levels), "flag": False}, {"ways": last, "flag": False}]
    rows = read_rows(fields, [*people, {"ways": levels[0], "flag": False}])
    roster = snapshot(["k1", "k2", "k3"], [None] * 3, rows, datetime(2026, 11, 23, tzinfo=UTC))

    def eligible(wanted: str) -> list[bool]:
        client = read_rows(client_fields, [{"ways": wanted}])
        found: list[bool] = screen(practice, client, None, roster, DAY).eligible.tolist()
        return found

    assert eligible(last) == [False, False, True]
    assert eligible(f"{levels[0]};{last}") == [True, False, True]
