"""Contributions of practices that were never simulated: rows of matches and labels are given."""

import numpy as np

from recommender.model.mixed.absorbed import NormalEquations
from recommender.model.mixed.blocks import Floats
from recommender.pooling.practice_contribution import (
    MATCHES,
    PracticeContribution,
    SharedColumn,
)

SLOPES = np.array([0.10, -0.05, 0.0, 0.08, 0.02, -0.12])
"""Points for one standard deviation of each match."""
RESIDUAL_SD, RATINGS = 0.7, 600


def invented_contribution(
    number: int, rows: Floats, label: Floats, *, key: str
) -> PracticeContribution:
    """What n ratings say, unsigned, of their matches.

    Parameters
    ----------
    number
        Of the practice, in its name.
    rows : (n, matches)
        Independent matches.
    label : (n,)
        In points, with a residual of `RESIDUAL_SD`.
    key
        Public key, as text.
    """
    ratings, size = rows.shape
    return PracticeContribution(
        contributor=f"Practice {number}",
        key=key,
        practice_id="invented",
        practice_version="1",
        practice_digest="0",
        outcome_digest="0" * 64,
        exported_on="2026-11-29",
        content=MATCHES,
        ratings=ratings,
        clients=ratings,
        clinicians=30,
        residual_variance=RESIDUAL_SD**2,
        columns=tuple(SharedColumn(f"match_{n}", f"{n:064x}", ratings, 30) for n in range(size)),
        equations=NormalEquations(rows.T @ rows / RESIDUAL_SD**2, rows.T @ label / RESIDUAL_SD**2),
    )
