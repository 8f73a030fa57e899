"""Levels as bits say of each clinician what the roster says of them one by one."""

import numpy as np

from recommender.practice.columns import read_rows
from recommender.practice.definition import shipped_practice
from recommender.recommendation.fact_text import levels_in
from recommender.recommendation.held_levels import HeldLevels, places_of

FIELDS = shipped_practice().clinician
NAMES = ("modalities", "languages", "registration_type", "gender", "fee")
ROSTER = read_rows(
    FIELDS,
    [
        {"modalities": "cbt;act", "languages": "english", "registration_type": "psychologist"},
        {"modalities": "emdr", "gender": "woman"},
        {"languages": "english;greek", "registration_type": "clinical_psychologist"},
    ],
)
TABLE = HeldLevels.of(FIELDS, ROSTER, NAMES)


def test_each_clinician_holds_the_levels_of_the_roster_and_none_where_they_are_unknown() -> None:
    assert set(TABLE.of_field) == set(NAMES) - {"fee"}
    for name, every in TABLE.of_field.items():
        for row in range(ROSTER.size):
            own = [TABLE.levels[place] for place in places_of(TABLE.held[row] & every)]
            assert tuple(level for _, level, _ in own) == levels_in(FIELDS[name], ROSTER[name][row])
            assert {(n, label) for n, level, label in own} == {
                (name, FIELDS[name].label_of(level)) for _, level, _ in own
            }
            is_unknown = np.isnan(ROSTER[name][row]).any()
            assert TABLE.unknown[row] & every == (every if is_unknown else 0)


def test_levels_are_found_by_field_and_what_is_not_shown_is_left_out() -> None:
    bits = TABLE.bits_of("modalities", {"act", "emdr", "english"}) | TABLE.bits_of("rooms", {"x"})
    assert [TABLE.levels[place][:2] for place in places_of(bits)] == [
        (name, level) for name, level, _ in TABLE.levels if level in ("act", "emdr")
    ]
