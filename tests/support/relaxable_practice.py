"""A small practice whose constraints can be relaxed, its model and a roster of forty."""

from dataclasses import replace
from functools import cache
from typing import Any

from recommender.model.alliance_model import AllianceModel
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint
from recommender.practice.rules.declaration import read_constraint
from recommender.tables.roster import Roster
from tests.support.builders import TAKEN_AT, a_model, a_practice, some_tables

HOME = "-33.87,151.1"
DECLARED: dict[str, dict[str, Any]] = {
    "place": {"rule": "at_least", "value": 1, "clinician": "places", "family": "capacity"},
    "fee": {
        "rule": "at_most",
        "client": "max_fee",
        "clinician": "fee",
        "family": "wish",
        "relaxable": True,
        "offer": "a fee of {value} instead of {stated}",
    },
    "trip": {
        "rule": "within_km",
        "client": ["home", "max_km"],
        "clinician": "rooms",
        "family": "place",
        "relaxable": True,
        "offer": "within {value} km instead of {stated}",
    },
    "times": {
        "rule": "shares_hours",
        "client": "free",
        "clinician": "hours",
        "session": 50,
        "family": "time",
        "relaxable": True,
        "offer": "{value} too",
    },
    "therapy": {
        "rule": "has_any",
        "client": "wanted",
        "clinician": "offers",
        "family": "wish",
        "relaxable": True,
        "offer": "{value} too",
    },
    "do_not_match": {
        "rule": "not_listed",
        "client": "not_with",
        "clinician": "not_with",
        "family": "conflict",
    },
}


def declared(name: str, **changes: Any) -> Constraint:
    practice, told = a_practice(), {**DECLARED[name], "say": "does not fit", **changes}
    made, faults = read_constraint(name, told, practice.client, practice.clinician)
    assert made, faults
    return made


def a_practice_of(*constraints: Constraint) -> Practice:
    return replace(a_practice(), constraints={c.name: c for c in constraints})


def a_model_of(*constraints: Constraint) -> AllianceModel:
    model = a_model()
    return replace(model, pipeline=replace(model.pipeline, practice=a_practice_of(*constraints)))


@cache
def everything() -> AllianceModel:
    return a_model_of(*(declared(name) for name in DECLARED))


@cache
def a_large_roster() -> Roster:
    return some_tables(pairings=40, clinicians=40, seed=11).roster(TAKEN_AT)
