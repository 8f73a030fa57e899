"""A practice with a match of every operator, its model of declared sizes, and random answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np

from recommender.model.alliance_model import AllianceModel
from recommender.model.evidence_prior import evidence_model
from recommender.practice.columns import Columns, read_rows
from recommender.practice.declared_products import read_product
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, Side
from recommender.practice.match_operators import OPERATORS
from recommender.practice.matches import read_match
from recommender.tables.roster import Roster, snapshot
from tests.support.builders import a_practice
from tests.support.definitions import a_field

ABC, CBA = ["a", "b", "c", "any"], ["c", "d", "b", "a"]
KINDS: Mapping[str, tuple[str, Mapping[str, Any], Sequence[Any]]] = {
    "tags": ("tags", {"levels": ABC}, ["none", "a", "a;b", "b;c", "any", "a;any", None]),
    "their_tags": ("tags", {"levels": CBA}, ["none", "c", "d;b", "a;b;c", None]),
    "open_tags": ("tags", {"levels": [*ABC, "z"]}, ["none", "a;z", "z", "b;c", "any;z", None]),
    "level": ("category", {"levels": ABC}, ["a", "b", "c", "any", None]),
    "open_level": ("category", {"levels": [*ABC, "z"]}, ["a", "b", "z", "any", None]),
    "their_level": ("category", {"levels": CBA}, ["c", "d", "b", "a", None]),
    "step": ("ordinal", {"levels": ["low", "middle", "high"]}, ["low", "middle", "high", None]),
    "number": ("number", {"min": -2, "max": 8}, [-2, 0, 1.5, 3, 8, None]),
    "second": ("number", {"min": 0, "max": 1}, [0, 0.2, 0.9, 1, None]),
    "third": ("scale", {"min": 1, "max": 5}, [1, 2, 3, 5, None]),
    "fee": ("money", {"unit": None}, ["0", "99.99", "120", "250", None]),
    "place": ("place", {}, ["-33.8,151.2", "-33.7,151.2; -33.8,151.5", "-37.8,145.0", None]),
    "free": ("weekly_hours", {}, ["none", "mon 08:00-10:00; fri 16:00-18:00", None]),
    "open": (
        "availability",
        {},
        ["mon 08:00-09:00; mon 08:30-10:00; fri 17:00-18:30 every 2 weeks from 2026-11-27", None],
    ),
}
COMPARED: Mapping[str, tuple[Any, Any]] = {
    "overlap": ("tags", "their_tags"),
    "contains": ("level", "their_tags"),
    "equal": ("open_level", "their_level"),
    "equal_weighted": (["level", "second"], "their_level"),
    "wish": ("open_tags", "their_level"),
    **dict.fromkeys(("difference", "distance", "product"), ("number", "number")),
    "stress": ("step", "step"),
    "excess": ("fee", "fee"),
    "kilometres": ("place", "place"),
    "hours_shared": ("free", "open"),
    **{
        f"profile_{name}": (["number", "second", "third"], ["number", "second", "third"])
        for name in ("distance", "product", "correlation")
    },
}
"""The fields of the client and of the clinician that each operator compares."""
PRODUCTS: Mapping[str, Mapping[str, Any]] = {
    "level_by_number": {"client": "level", "client_level": "b", "clinician": "number"},
    "tag_by_threshold": {
        "client": "tags",
        "client_level": "a",
        "clinician": "number",
        "clinician_at_least": 1.5,
    },
    "step_by_tag": {
        "client": "step",
        "client_at_least": "middle",
        "clinician": "their_tags",
        "clinician_level": "b",
    },
}
"""Declared products of several kinds of parts."""


@cache
def a_practice_of_every_match() -> Practice:
    assert set(COMPARED) == set(OPERATORS)
    client = {name: _field(name, "client") for name in KINDS if name != "open"}
    clinician = {name: _field(name, "clinician") for name in KINDS}
    matches = {}
    for number, (operator, (ours, theirs)) in enumerate(COMPARED.items()):
        declared = {"operator": operator, "client": ours, "clinician": theirs, "group": "style"}
        declared |= {"phrase": "fits", "otherwise": "fits less", "source": "invented"}
        declared |= {"prior": (-1) ** number * (0.1 + number / 50)}
        if OPERATORS[operator].named:
            declared |= {"indifferent": ["any"]}
        match, faults = read_match(operator, declared, client, clinician)
        assert match is not None, faults
        matches[operator] = match
    words = {"group": "style", "phrase": "suits", "otherwise": "suits less"}
    words |= {"source": "invented"}
    for name, multiplied in PRODUCTS.items():
        match, faults = read_product(name, {**multiplied, **words, "prior": 0.2}, client, clinician)
        assert match is not None, faults
        matches[name] = match
    history = replace(a_practice().history, per=None)
    return replace(
        a_practice(), client=client, clinician=clinician, matches=matches, history=history
    )


def _field(name: str, side: Side) -> Field:
    kind, more, _ = KINDS[name]
    return a_field(name, kind, side, **more)


@cache
def a_roster_of_every_match(size: int = 40) -> Roster:
    ids = [f"k{place:02d}" for place in range(size)]
    fields = a_practice_of_every_match().clinician
    rows = _some_rows(fields, size, seed=9)
    return snapshot(ids, [None] * size, rows, datetime(2026, 11, 23, tzinfo=UTC))


@cache
def a_model_of_every_match() -> AllianceModel:
    roster = a_roster_of_every_match()
    practice = a_practice_of_every_match()
    return evidence_model(practice, roster.columns, roster.ids, data_digest="", created_at="")


def some_answers(size: int, seed: int) -> Columns:
    """Answers of random clients; a fifth of the fields is not answered."""
    return _some_rows(a_practice_of_every_match().client, size, seed)


def _some_rows(fields: Mapping[str, Field], size: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    rows = [
        {name: KINDS[name][2][int(rng.integers(len(KINDS[name][2])))] for name in fields}
        for _ in range(size)
    ]
    return read_rows(fields, rows)
