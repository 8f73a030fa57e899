"""Levels as columns say of each clinician what the roster says of them one by one."""

import numpy as np

from recommender.practice.columns import read_rows
from recommender.practice.definition import shipped_practice
from recommender.recommendation.fact_text import levels_in
from recommender.recommendation.held_levels import HeldLevels

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
    assert "fee" not in TABLE.columns
    for place, (name, (first, after)) in enumerate(TABLE.columns.items()):
        for row in range(ROSTER.size):
            is_held = TABLE.held[row, first:after].tolist()
            columns = zip(TABLE.levels[first:after], is_held, strict=True)
            held = tuple(level for (_, level), holds in columns if holds)
            assert held == levels_in(FIELDS[name], ROSTER[name][row])
            assert TABLE.unknown[row, place] == np.isnan(ROSTER[name][row]).any()


def test_levels_are_found_by_field_and_what_is_not_shown_is_left_out() -> None:
    columns = TABLE.columns_with({"modalities": {"act", "emdr"}, "rooms": {"x"}})
    assert [TABLE.levels[each] for each in columns] == [
        (name, level) for name, level in TABLE.levels if level in ("act", "emdr")
    ]
