import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.practice.columns import cells_at, read_rows
from recommender.practice.definition import shipped_practice
from tests.support.builders import a_practice, a_roster

PSYCHOLOGY = shipped_practice()


@pytest.mark.parametrize("place", range(12))
def test_cells_read_back_are_the_same_columns(place: int) -> None:
    fields, columns = a_practice().clinician, a_roster().columns
    cells = cells_at(fields, columns, place)
    again = read_rows(fields, [cells])
    assert cells_at(fields, again, 0) == cells
    for name in ("years", "fee", "places", "offers"):
        np.testing.assert_array_equal(again[name][0], columns[name][place])


ANSWERS = {
    "hours": st.sampled_from(["", "none", "mon 09:00-12:30; sun 00:00-24:00"]),
    "next_available": st.sampled_from(["", "2026-11-23", "1969-12-31"]),
    "fee_standard": st.sampled_from(["", "0", "220.57"]),
    "rooms": st.sampled_from(["", "-33.87,151.21; 1e-7,0"]),
    "blocked_clients": st.sampled_from(["", "none", "c1;c2"]),
    "modalities": st.sampled_from(["", "none", "cbt"]),
    "intake_status": st.sampled_from(["", "open"]),
}


@given(st.fixed_dictionaries({k: v for k, v in ANSWERS.items() if k in PSYCHOLOGY.clinician}))
def test_what_is_not_known_stays_apart_from_what_is_empty(answers: dict[str, str]) -> None:
    fields = PSYCHOLOGY.clinician
    cells = cells_at(fields, read_rows(fields, [answers]), 0)
    assert set(cells) == {name for name, answer in answers.items() if answer}
    assert cells_at(fields, read_rows(fields, [cells]), 0) == cells
