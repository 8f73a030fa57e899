"""Over invented definitions, rosters and clients: what is said of a clinician is true of them.

Matches are compared again in plain Python, and contributions are drawn at random, so that what was
learned contradicts the words as often as not.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.features.feature import clinician_features, clinician_rows
from recommender.features.pipeline import pairing_features, pairing_rows
from recommender.model.alliance_model import Contributions
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice, read_learned_practice, read_practice
from recommender.recommendation.explanation import (
    MIN_POINTS,
    Explanation,
    behind,
    contrast,
    explain,
)

HEAD = """
[practice]
id = "invented"
version = "1"
title = "Invented"
timezone = "Australia/Sydney"
currency = "AUD"
[alliance]
instruments = ["wai_sr"]
reference = "wai_sr"
early_sessions = [2, 5]
[groups]
g = "What is compared"
"""
TAGS = ("a", "b", "c")
FIELDS: Mapping[str, str] = {
    "tags": 'kind = "tags"\nlevels = ["a", "b", "c"]',
    "level": 'kind = "category"\nlevels = ["a", "b", "c"]',
    "size": 'kind = "scale"\nunit = "points"\nmin = 0\nmax = 10',
    "fee": 'kind = "money"\nmin = 0\nmax = 500',
}
COMPARED: Mapping[str, tuple[str, str]] = {
    "overlap": ("tags", "tags"),
    "contains": ("level", "tags"),
    "equal": ("level", "level"),
    "wish": ("tags", "level"),
    "distance": ("size", "size"),
    "difference": ("size", "size"),
    "stress": ("size", "size"),
    "product": ("size", "size"),
    "excess": ("fee", "fee"),
}
LESS = frozenset({"distance", "stress", "excess"})
"""Operators whose phrase, without a direction, is true of small values."""
Person = Mapping[str, Any]
PERSON = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(st.sampled_from(TAGS), unique=True),
        "level": st.sampled_from(TAGS),
        "size": st.integers(0, 10),
        "fee": st.integers(0, 500),
    },
)
DIRECTIONS = st.fixed_dictionaries({}, optional={
    name: st.sampled_from(["up", "down", ""]) for name in COMPARED
}).filter(bool)  # fmt: skip


def definition(directions: Mapping[str, str], *, words: bool = True) -> str:
    parts = [HEAD]
    for side in ("client", "clinician"):
        for name, kind in FIELDS.items():
            use = "filter" if name == "fee" else "score"
            parts.append(
                f'[{side}.{name}]\n{kind}\nphrase = "{name} of the {side}"\npurpose = "p"\n'
                f'missing = "m"\nuse = "{use}"\ngroup = "g"'
            )
    for name, direction in directions.items():
        ours, theirs = COMPARED[name]
        parts.append(
            f'[matches.{name}]\noperator = "{name}"\nclient = "{ours}"\nclinician = "{theirs}"\n'
            f'phrase = "speaks for by {name}"\ngroup = "g"'
        )
        parts += [f'otherwise = "speaks against by {name}"'] if words else []
        parts += [f'direction = "{direction}"'] if direction else []
    return "\n".join(parts)


def plainly(operator: str, client: Person, clinician: Person) -> float | None:
    """The match of one client and one clinician; None where it is not known."""
    ours, theirs = (side.get(name) for side, name in
                    zip((client, clinician), COMPARED[operator], strict=True))  # fmt: skip
    if ours is None or theirs is None:
        return None
    if operator == "overlap":
        return len(set(ours) & set(theirs)) / len(ours) if ours else None
    if operator == "contains":
        return float(ours in theirs)
    if operator == "equal":
        return float(ours == theirs)
    if operator == "wish":
        return float(theirs in ours) if ours else None
    one, other = ours / 10, theirs / 10
    sizes: dict[str, float] = {
        "distance": abs(one - other),
        "difference": one - other,
        "stress": abs(2 * one - 1) * abs(one - other),
        "product": (2 * one - 1) * (2 * other - 1),
        "excess": float(max(theirs - ours, 0)),
    }
    return sizes[operator]


def average(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def side_of(operator: str, direction: str, value: float, usual: float) -> int:
    """1 where the phrase is true of a value, -1 where the other words are, 0 for neither."""
    if abs(value - usual) < 1e-9:
        return 0
    down = direction == "down" or (not direction and operator in LESS)
    return -1 if (value > usual) == down else 1


def parts_of(practice: Practice, client: Person, roster: list[Person], seed: int) -> Contributions:
    one, people = read_rows(practice.client, [client]), read_rows(practice.clinician, roster)
    raw = np.concatenate(
        [clinician_rows(practice, people), pairing_rows(practice, one, people)], axis=1
    )
    features = (*clinician_features(practice), *pairing_features(practice))
    values = np.random.default_rng(seed).normal(0, 0.3, raw.shape)
    return Contributions(features, values, np.zeros(len(roster)), raw)


def must_be_true(
    told: Explanation, directions: Mapping[str, str], client: Person, own: Person,
    roster: list[Person],
) -> None:  # fmt: skip
    """Every sentence about a match holds of the clinician when the match is computed plainly."""
    for words, sides in ((told.in_favour, 1), (told.against, -1)):
        for sentence in words:
            found = re.fullmatch(r"speaks (for|against) by (\w+)", sentence)
            if found is None:
                continue
            operator = found[2]
            value = plainly(operator, client, own)
            usual = average([plainly(operator, client, each) for each in roster])
            assert value is not None
            assert usual is not None
            assert side_of(operator, directions[operator], value, usual) == sides
            assert found[1] == ("for" if sides == 1 else "against")
    for sentence in told.asked_and_offered:
        operator = sentence.removeprefix("speaks for by ")
        value = plainly(operator, client, own)
        assert value is not None
        assert value >= 0.5
        assert directions[operator] != "down"


@given(DIRECTIONS, PERSON, st.lists(PERSON, min_size=1, max_size=6), st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_nobody_is_shown_for_or_against_with_words_that_are_not_true_of_them(
    directions: Mapping[str, str], client: Person, roster: list[Person], seed: int
) -> None:
    practice = read_practice(definition(directions))
    parts = parts_of(practice, client, roster, seed)
    told = explain(practice, parts, parts.average)
    for person, each in zip(roster, told, strict=True):
        must_be_true(each, directions, client, person, roster)
        for part in (part for group in each.groups for part in group.parts):
            level = re.fullmatch(r"clinician\.(tags|level)=(\w)", part.name)
            if level is not None:
                has = level[2] in (person.get(level[1]) or ())
                assert part.phrase.startswith(("not: ", "not known: ")) != has


@given(DIRECTIONS, PERSON, st.lists(PERSON, min_size=2, max_size=2), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_two_compared_are_described_by_what_is_true_of_each(
    directions: Mapping[str, str], client: Person, roster: list[Person], seed: int
) -> None:
    practice = read_practice(definition(directions))
    told = contrast(practice, parts_of(practice, client, roster, seed), 0, 1)
    for words, own, other in ((told.in_favour, 0, 1), (told.against, 1, 0)):
        for sentence in words:
            assert not sentence.startswith("speaks against")
            operator = sentence.removeprefix("speaks for by ")
            if operator in directions:
                value, usual = (plainly(operator, client, roster[row]) for row in (own, other))
                assert value is not None
                assert usual is not None
                assert side_of(operator, directions[operator], value, usual) == 1


@given(DIRECTIONS, PERSON, st.lists(PERSON, min_size=2, max_size=2), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_somebody_is_behind_only_in_what_is_less_true_of_them_and_lowers_their_prediction(
    directions: Mapping[str, str], client: Person, roster: list[Person], seed: int
) -> None:
    practice = read_practice(definition(directions))
    parts = parts_of(practice, client, roster, seed)
    points = dict(zip((each.name for each in parts.features), parts.values[1] - parts.values[0],
                      strict=True))  # fmt: skip
    for sentence in behind(practice, parts, 1, 0):
        operator = sentence.removeprefix("speaks against by ")
        own, other = (plainly(operator, client, roster[row]) for row in (1, 0))
        assert own is not None
        assert other is not None
        assert side_of(operator, directions[operator], own, other) == -1
        assert points[f"match.{operator}"] <= -MIN_POINTS


@given(DIRECTIONS, PERSON, st.lists(PERSON, min_size=1, max_size=6), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_no_caution_of_an_old_model_is_said_in_the_words_of_a_reason(
    directions: Mapping[str, str], client: Person, roster: list[Person], seed: int
) -> None:
    practice = read_learned_practice(definition(directions, words=False))
    parts = parts_of(practice, client, roster, seed)
    reasons = {feature.phrase for feature in parts.features}
    for each in explain(practice, parts, parts.average):
        assert not set(each.against) & reasons
        matched = [words for words in each.against if not words.endswith("lower ratings")]
        assert set(matched) <= {"What is compared: predicted weaker than with others"}
