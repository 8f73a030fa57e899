"""Client reports for clinician records: drawn at random, or by Hypothesis."""

import numpy as np
from hypothesis import strategies as st

from recommender.features.history import (
    ClientReports,
    Shrinkage,
    held_out_rows,
)

CLINICIANS, LEVELS = 5, 3
ONE = st.tuples(
    st.integers(0, CLINICIANS - 1),
    st.integers(-1, LEVELS - 1),
    st.integers(-200, 200).map(lambda hundredths: hundredths / 100),
)
SOME = st.lists(ONE, min_size=1, max_size=40)


def some_reports(rows: list[tuple[int, int, float]]) -> ClientReports:
    clinician, level, residual = zip(*rows, strict=True)
    return ClientReports(
        np.array(clinician, dtype=np.int64),
        np.array(level, dtype=np.int64),
        np.array(residual),
        CLINICIANS,
        LEVELS,
    )


def drawn_reports(n: int, seed: int = 0) -> ClientReports:
    rng = np.random.default_rng(seed)
    quality = rng.normal(0, 1, CLINICIANS)
    clinician = rng.integers(0, CLINICIANS, n)
    residual = quality[clinician] + rng.normal(0, 1, n)
    return ClientReports(clinician, rng.integers(-1, LEVELS, n), residual, CLINICIANS, LEVELS)


def out_of_fold_rows(reports: ClientReports, fold: np.ndarray, shrinkage: Shrinkage) -> np.ndarray:
    """History rows of the reports themselves, each without those of its own fold."""
    return held_out_rows(reports, fold, reports.clinician, reports.level, fold, shrinkage)
