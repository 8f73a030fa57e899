"""Client reports for clinician records: drawn at random, or by Hypothesis."""

import numpy as np
from hypothesis import strategies as st

from recommender.features.history import (
    ClientReports,
)

CLINICIANS, LEVELS = 5, 3


ONE = st.tuples(
    st.integers(0, CLINICIANS - 1),
    st.integers(-1, LEVELS - 1),
    st.integers(-200, 200).map(lambda hundredths: hundredths / 100),
    st.integers(20_000, 20_100),
)


SOME = st.lists(ONE, min_size=1, max_size=40)


def some_reports(rows: list[tuple[int, int, float, int]]) -> ClientReports:
    clinician, level, residual, known_on = zip(*rows, strict=True)
    return ClientReports(
        np.array(clinician, dtype=np.int64),
        np.array(level, dtype=np.int64),
        np.array(residual),
        np.array(known_on, dtype=np.int64),
        CLINICIANS,
        LEVELS,
    )


def drawn_reports(n: int, seed: int = 0) -> ClientReports:
    rng = np.random.default_rng(seed)
    quality = rng.normal(0, 1, CLINICIANS)
    clinician = rng.integers(0, CLINICIANS, n)
    residual = quality[clinician] + rng.normal(0, 1, n)
    known_on = rng.integers(20_000, 20_100, n)
    return ClientReports(
        clinician, rng.integers(-1, LEVELS, n), residual, known_on, CLINICIANS, LEVELS
    )
